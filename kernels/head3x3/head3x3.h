// SPDX-License-Identifier: Apache-2.0
// The last layer of a segmentation network for one output row: 3x3 convolution to
// a few outputs, float32, channels last, zero padding 1, stride 1; then the class
// with the largest value.
//
//   logits(x, n) = bias(n) + sum_{i,j,c} in(i, x + j - 1, c) * w(n, i, j, c)
//   classes(x)   = the smallest n whose logit is largest
//
// A full convolution would leave most vector lanes idle at 4 outputs; here lanes
// run over the input channels and are summed at the end, so the order of
// accumulation is a variant's own.  It is the same for every pixel: a result does
// not depend on how a row is cut into runs.  Variants agree to kHead3x3RelTol of
// |bias| + sum |in * w|.  Rows as in conv3x3.h.
#pragma once

#include <cstdint>

#include "kernels/variant.h"

namespace dtacs {

struct Head3x3Args {
  const float* rows[3];   // (width, channels) each
  const float* weights;   // (outputs, 3, 3, channels)
  const float* bias;      // (outputs)
  float* logits;          // (pixels, outputs) from the first pixel to compute; must not overlap the rows
  std::uint8_t* classes;  // (pixels) from the first pixel to compute
  int x0;                 // column of that pixel, >= 0
  int pixels;             // >= 1
  int channels;           // >= 1, any value
  int outputs;            // 1..kHead3x3MaxOutputs
};

struct Head3x3Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Head3x3Args&) noexcept;
};

inline constexpr int kHead3x3MaxOutputs = 16;
inline constexpr float kHead3x3RelTol = 2e-6f;

extern const Family<Head3x3Kernel> head3x3_f32;

void head3x3_f32_scalar(const Head3x3Args&) noexcept;
void head3x3_f32_sse41(const Head3x3Args&) noexcept;
void head3x3_f32_avx2(const Head3x3Args&) noexcept;
void head3x3_f32_avx512(const Head3x3Args&) noexcept;
void head3x3_f32_neon(const Head3x3Args&) noexcept;

}  // namespace dtacs
