// SPDX-License-Identifier: Apache-2.0
// Full 3x3 convolution of one output row, float32, channels last, zero padding 1, with
// bias and clamp.
//
//   out(x, n) = clamp(bias(n) + sum_{i, j, c} in(i, x*stride + j - 1, c) * w(i, j, c, n))
//
// Order of accumulation for every output value, whatever the block shape: bias first,
// then i, j, c ascending.  So a result does not depend on how a row is cut into runs.  A
// variant may fuse multiply and add: variants agree to kConv3x3RelTol of |bias| + sum |in * w|,
// not to the bit.  Pairs of rows at stride 1 are cheaper in the forms of winograd3x3.h
// and, upsampled, upconv3x3.h.
//
// Row contract.  A row pointer addresses pixel 0 of a row; pixels -1 and `width`
// (the row's own width) exist in memory and are zero: that is the horizontal
// padding.  Vertical padding is a pointer to a row of zeros.
#pragma once

#include <cstddef>

#include "kernels/variant.h"

namespace dtacs {

struct Conv3x3Args {
  const float* rows[3];  // (width, channels) each, see the row contract
  const float* packed;   // from pack_conv3x3() for this very kernel
  float* out;            // (pixels, outputs): the first pixel to compute; must not overlap the inputs
  int x0;                // column of that pixel in the output row, >= 0
  int pixels;            // >= 1
  int channels;          // >= 1, any value
  int outputs;           // >= 1, any value
  int stride;            // 1 or 2
  float lo, hi;          // clamp range; lo <= hi, infinities allowed
};

struct Conv3x3Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Conv3x3Args&) noexcept;
  int panel;  // outputs computed together; the packed weights are padded to a multiple of it
};

inline constexpr float kConv3x3RelTol = 2e-6f;

// Floats that pack_conv3x3() writes.
std::size_t packed_size_conv3x3(const Conv3x3Kernel&, int channels, int outputs) noexcept;

// weights: (outputs, channels, 3, 3) as PyTorch stores them; bias: (outputs).
void pack_conv3x3(const Conv3x3Kernel&, const float* weights, const float* bias, int channels, int outputs,
                  float* packed) noexcept;

extern const Family<Conv3x3Kernel> conv3x3_f32;

void conv3x3_f32_scalar(const Conv3x3Args&) noexcept;
void conv3x3_f32_sse41(const Conv3x3Args&) noexcept;
void conv3x3_f32_avx2(const Conv3x3Args&) noexcept;
void conv3x3_f32_avx512(const Conv3x3Args&) noexcept;
void conv3x3_f32_neon(const Conv3x3Args&) noexcept;

}  // namespace dtacs
