// SPDX-License-Identifier: Apache-2.0
#include "kernels/head3x3/head3x3.h"

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_avx2.inl"

#include "kernels/head3x3/head3x3_f32.inl"

}  // namespace

void head3x3_f32_avx2(const Head3x3Args& a) noexcept {
  head3x3(a);
}

}  // namespace dtacs
