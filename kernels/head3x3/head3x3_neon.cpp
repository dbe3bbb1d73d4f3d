// SPDX-License-Identifier: Apache-2.0
#include "kernels/head3x3/head3x3.h"

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_neon.inl"

#include "kernels/head3x3/head3x3_f32.inl"

}  // namespace

void head3x3_f32_neon(const Head3x3Args& a) noexcept {
  head3x3(a);
}

}  // namespace dtacs
