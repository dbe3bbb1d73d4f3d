// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise/pointwise.h"

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_avx2.inl"

#include "kernels/panel_f32.inl"

#include "kernels/pointwise/pointwise_f32.inl"

}  // namespace

void pointwise_f32_avx2(const PointwiseArgs& a) noexcept {
  pointwise(a);
}

}  // namespace dtacs
