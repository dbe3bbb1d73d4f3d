// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3x3_s8/conv3x3_s8.h"

#include <arm_neon.h>

namespace dtacs {

namespace {

#include "kernels/simd/s8_neon.inl"

#include "kernels/block_s8.inl"

#include "kernels/conv3x3_s8/conv3x3_s8.inl"

}  // namespace

void conv3x3_s8_i8mm(const Conv3x3S8Args& a) noexcept {
  conv3x3(a);
}

}  // namespace dtacs
