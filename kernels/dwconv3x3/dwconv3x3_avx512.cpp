// SPDX-License-Identifier: Apache-2.0
#include "kernels/dwconv3x3/dwconv3x3.h"

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_avx512.inl"

#include "kernels/dwconv3x3/dwconv3x3_f32.inl"

}  // namespace

void dwconv3x3_f32_avx512(const Dwconv3x3Args& a) noexcept {
  dwconv3x3(a);
}

}  // namespace dtacs
