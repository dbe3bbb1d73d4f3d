// SPDX-License-Identifier: Apache-2.0
#include "kernels/stem3x3_s16/stem3x3_s16.h"

#include <immintrin.h>

namespace dtacs {

namespace {

#include "kernels/simd/s8_avx2.inl"

#include "kernels/block_s8.inl"

#include "kernels/stem3x3_s16/stem3x3_s16.inl"

}  // namespace

void stem3x3_s16_avx2(const Stem3x3S16Args& a) noexcept {
  stem3x3(a);
}

}  // namespace dtacs
