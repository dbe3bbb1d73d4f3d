// SPDX-License-Identifier: Apache-2.0
// Depthwise 3x3 convolution of one output row, float32, channels last, zero
// padding 1, with bias and clamp.
//
//   out(x, c) = clamp(bias(c) + sum_{i,j in 0..2} in(i, x*stride + j - 1, c) * w(i, j, c))
//
// Accumulation order: bias, then i, then j.  A variant may fuse multiply and add:
// variants agree to kDwconv3x3RelTol of |bias| + sum |in * w|.  Rows as in conv3x3.h: a row
// pointer addresses pixel 0, pixels -1 and `width` are zeros in memory.
#pragma once

#include "kernels/variant.h"

namespace dtacs {

struct Dwconv3x3Args {
  const float* rows[3];  // (width, channels) each
  const float* weights;  // (3, 3, channels)
  const float* bias;     // (channels)
  float* out;            // (pixels, channels): the first pixel to compute; must not overlap the rows
  int x0;                // column of that pixel in the output row, >= 0
  int pixels;            // >= 1
  int channels;          // >= 1, any value
  int stride;            // 1 or 2
  float lo, hi;          // clamp range; lo <= hi, infinities allowed
};

struct Dwconv3x3Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Dwconv3x3Args&) noexcept;
};

inline constexpr float kDwconv3x3RelTol = 1e-6f;

extern const Family<Dwconv3x3Kernel> dwconv3x3_f32;

void dwconv3x3_f32_scalar(const Dwconv3x3Args&) noexcept;
void dwconv3x3_f32_sse41(const Dwconv3x3Args&) noexcept;
void dwconv3x3_f32_avx2(const Dwconv3x3Args&) noexcept;
void dwconv3x3_f32_avx512(const Dwconv3x3Args&) noexcept;
void dwconv3x3_f32_neon(const Dwconv3x3Args&) noexcept;

}  // namespace dtacs
