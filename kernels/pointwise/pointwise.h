// SPDX-License-Identifier: Apache-2.0
// 1x1 convolution of a run of pixels (a matrix product), float32, channels last,
// with bias, clamp and an optional residual.
//
//   out(p, n) = clamp(bias(n) + sum_{k < depth} in(p, k) * w(n, k)) + add(p, n)
//
// Accumulation order: bias, then k ascending, whatever the block shape; the
// residual is added last, after the clamp (MobileNetV2 has no activation there).
// A variant may fuse multiply and add: variants agree to kPointwiseRelTol of
// |bias| + sum |in * w| + |add|.
#pragma once

#include <cstddef>

#include "kernels/variant.h"

namespace dtacs {

struct PointwiseArgs {
  const float* in;      // (pixels, depth), dense
  const float* packed;  // from pack_pointwise() for this very kernel
  const float* add;     // (pixels, outputs), dense, or nullptr
  float* out;           // (pixels, outputs), dense; must not overlap in; may be add
  int pixels;           // >= 1
  int depth;            // >= 1
  int outputs;          // >= 1, any value
  float lo, hi;         // clamp range; lo <= hi, infinities allowed
};

struct PointwiseKernel {
  const char* name;
  IsaSet needs;
  void (*run)(const PointwiseArgs&) noexcept;
  int panel;  // outputs computed together; the packed weights are padded to a multiple of it
};

inline constexpr float kPointwiseRelTol = 2e-6f;

// Floats that pack_pointwise() writes.
std::size_t packed_size_pointwise(const PointwiseKernel&, int depth, int outputs) noexcept;

// weights: (outputs, depth); bias: (outputs).
void pack_pointwise(const PointwiseKernel&, const float* weights, const float* bias, int depth, int outputs,
                    float* packed) noexcept;

extern const Family<PointwiseKernel> pointwise_f32;

void pointwise_f32_scalar(const PointwiseArgs&) noexcept;
void pointwise_f32_sse41(const PointwiseArgs&) noexcept;
void pointwise_f32_avx2(const PointwiseArgs&) noexcept;
void pointwise_f32_avx512(const PointwiseArgs&) noexcept;
void pointwise_f32_neon(const PointwiseArgs&) noexcept;

}  // namespace dtacs
