// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3x3_s8/conv3x3_s8.h"

#include <immintrin.h>

namespace dtacs {

namespace {

#include "kernels/simd/s8_sse41.inl"

#include "kernels/block_s8.inl"

#include "kernels/conv3x3_s8/conv3x3_s8.inl"

}  // namespace

void conv3x3_s8_sse41(const Conv3x3S8Args& a) noexcept {
  conv3x3(a);
}

}  // namespace dtacs
