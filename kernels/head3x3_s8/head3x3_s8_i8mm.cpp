// SPDX-License-Identifier: Apache-2.0
#include "kernels/head3x3_s8/head3x3_s8.h"

#include <arm_neon.h>

namespace dtacs {

namespace {

#include "kernels/simd/s8_neon.inl"

#include "kernels/head3x3_s8/head3x3_s8.inl"

}  // namespace

void head3x3_s8_i8mm(const Head3x3S8Args& a) noexcept {
  head3x3(a);
}

}  // namespace dtacs
