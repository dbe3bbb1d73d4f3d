// SPDX-License-Identifier: Apache-2.0
// Full 3x3 convolution of one output row, float32, channels last, zero padding 1,
// over one or two inputs (a decoder reads [upsampled, skip] without that
// concatenation ever existing), with bias and clamp.
//
//   out(x, n) = clamp(bias(n) + sum_{s, i, j, c} in_s(i, at_s(x*stride + j - 1), c) * w(s, i, j, c, n))
//   at_s(p) = floor(p / 2) when source s is read through nearest 2x upsampling, else p
//
// Order of accumulation for every output value, whatever the block shape:
// bias first, then s, i, j, c ascending.  So a result does not depend on how a row
// is cut into runs.  A variant may fuse multiply and add: variants agree to
// kConv3x3RelTol of sum |in * w|, not to the bit.
//
// Row contract.  A row pointer addresses pixel 0 of a row; pixels -1 and `width`
// (the row's own width) exist in memory and are zero: that is the horizontal
// padding.  Vertical padding is a pointer to a row of zeros.  For an upsampled
// source the caller passes the low-resolution row three times chosen
// (floor((y-1)/2), floor(y/2), floor((y+1)/2)).
#pragma once

#include <cstddef>

#include "kernels/variant.h"

namespace dtacs {

struct Conv3x3Source {
  const float* rows[3] = {};  // (width, channels) each, see the row contract
  int channels = 0;           // 0: this source is absent
  bool up2 = false;
};

struct Conv3x3Args {
  Conv3x3Source source[2];
  const float* packed;  // from pack_conv3x3() for this very kernel
  float* out;           // (pixels, outputs): the first pixel to compute; must not overlap the inputs
  int x0;               // column of that pixel in the output row, >= 0
  int pixels;           // >= 1
  int outputs;          // >= 1, any value
  int stride;           // 1 or 2; 2 only without up2
  float lo, hi;         // clamp range; lo <= hi, infinities allowed
};

struct Conv3x3Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Conv3x3Args&) noexcept;
  int panel;  // outputs computed together; the packed weights are padded to a multiple of it
};

inline constexpr float kConv3x3RelTol = 2e-6f;  // 12,384 products: random-walk rounding, measured maximum 4e-7

// Floats that pack_conv3x3() writes.  channels: of both sources together.
std::size_t packed_size_conv3x3(const Conv3x3Kernel&, int channels, int outputs) noexcept;

// weights: (outputs, channels, 3, 3) as PyTorch stores them, channels of source 0
// before those of source 1; bias: (outputs).
void pack_conv3x3(const Conv3x3Kernel&, const float* weights, const float* bias, int channels0, int channels1,
                  int outputs, float* packed) noexcept;

extern const Family<Conv3x3Kernel> conv3x3_f32;

void conv3x3_f32_scalar(const Conv3x3Args&) noexcept;
void conv3x3_f32_sse41(const Conv3x3Args&) noexcept;
void conv3x3_f32_avx2(const Conv3x3Args&) noexcept;
void conv3x3_f32_avx512(const Conv3x3Args&) noexcept;
void conv3x3_f32_neon(const Conv3x3Args&) noexcept;

}  // namespace dtacs
