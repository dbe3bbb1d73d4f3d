// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise_s8/pointwise_s8.h"

#include <arm_neon.h>

namespace dtacs {

namespace {

#include "kernels/simd/s8_neon.inl"

#include "kernels/block_s8.inl"

#include "kernels/pointwise_s8/pointwise_s8.inl"

}  // namespace

void pointwise_s8_i8mm(const PointwiseS8Args& a) noexcept {
  pointwise(a);
}

}  // namespace dtacs
