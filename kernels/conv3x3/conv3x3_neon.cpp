// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3x3/conv3x3.h"

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_neon.inl"

#include "kernels/panel_f32.inl"

#include "kernels/conv3x3/conv3x3_f32.inl"

}  // namespace

void conv3x3_f32_neon(const Conv3x3Args& a) noexcept {
  conv3x3(a);
}

}  // namespace dtacs
