// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise/pointwise.h"

#include <smmintrin.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_sse41.inl"

#include "kernels/panel_f32.inl"

#include "kernels/pointwise/pointwise_f32.inl"

}  // namespace

void pointwise_f32_sse41(const PointwiseArgs& a) noexcept {
  pointwise(a);
}

}  // namespace dtacs
