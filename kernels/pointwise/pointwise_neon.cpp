// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise/pointwise.h"

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_neon.inl"

#include "kernels/panel_f32.inl"

#include "kernels/pointwise/pointwise_f32.inl"

}  // namespace

void pointwise_f32_neon(const PointwiseArgs& a) noexcept {
  pointwise(a);
}

}  // namespace dtacs
