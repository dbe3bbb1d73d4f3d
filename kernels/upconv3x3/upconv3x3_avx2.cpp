// SPDX-License-Identifier: Apache-2.0
#include "kernels/upconv3x3/upconv3x3.h"

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_avx2.inl"

#include "kernels/panel_f32.inl"

#include "kernels/tile_products_f32.inl"

#include "kernels/upconv3x3/upconv3x3_f32.inl"

}  // namespace

void upconv3x3_f32_avx2(const Upconv3x3Args& a) noexcept {
  upconv3x3(a);
}

}  // namespace dtacs
