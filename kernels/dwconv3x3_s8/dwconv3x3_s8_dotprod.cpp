// SPDX-License-Identifier: Apache-2.0
#include "kernels/dwconv3x3_s8/dwconv3x3_s8.h"

#include <arm_neon.h>

namespace dtacs {

namespace {

#include "kernels/simd/s8_neon.inl"

#include "kernels/dwconv3x3_s8/dwconv3x3_s8_down.inl"

}  // namespace

void dwconv3x3_s8_dotprod(const Dwconv3x3S8Args& a) noexcept {
  dwconv3x3(a);
}

}  // namespace dtacs
