// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd3x3/winograd3x3.h"

#include <smmintrin.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_sse41.inl"

#include "kernels/panel_f32.inl"

#include "kernels/tile_products_f32.inl"

#include "kernels/winograd3x3/winograd3x3_f32.inl"

}  // namespace

void winograd3x3_f32_sse41(const Winograd3x3Args& a) noexcept {
  winograd3x3(a);
}

}  // namespace dtacs
