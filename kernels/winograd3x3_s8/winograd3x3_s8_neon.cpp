// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd3x3_s8/scratch.h"

#include <arm_neon.h>

namespace dtacs {

namespace {

#include "kernels/simd/s8_neon.inl"

#include "kernels/block_s8.inl"

#include "kernels/winograd3x3_s8/winograd3x3_s8.inl"

}  // namespace

void winograd3x3_s8_neon(const Winograd3x3S8Args& a) noexcept {
  winograd3x3(a);
}

}  // namespace dtacs
