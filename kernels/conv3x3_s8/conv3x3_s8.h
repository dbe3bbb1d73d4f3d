// SPDX-License-Identifier: Apache-2.0
// Full 3x3 convolution of one output row, 8-bit integers, channels last, stride 1,
// padding 1, over a tensor of the output's size, one of half the size read through
// nearest 2x upsampling, or both; exact.
//
//   sum(x, n) = bias(n) + sum_{i, j in 0..2, c} full(i, x + j - 1, c) * w_full(n, i, j, c)
//                       + sum_{k, l in 0..1, c} half(k, floor((x - 1) / 2) + l, c) * w_phase(n, y % 2, x % 2, k, l, c)
//   out(x, n) = requantise(sum(x, n), m(n))
//
// Upsampled, an input pixel is met by one, two or four of the nine taps, always the
// same ones for output pixels of the same parity: four products do for nine.  The
// weights of a phase are half the sum of its taps, halves rounded to even, or the rounding
// of thousands of weights would add up:
//
//   w_phase = floor((s + floor(s / 2) % 2) / 2), s the sum of the taps that meet the pixel
//
// along an axis {0}, {1, 2} for even and {0, 1}, {2} for odd coordinates.  So taps of
// the half-size source are stored in half the unit of w_full.
//
// Rows as in conv3x3.h: pixels -1 and width of a row are padding, and so is a row
// outside; padding holds the tensor's zero.  half[k] are the rows floor((y - 1) / 2) + k.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs {

struct Conv3x3S8Args {
  const std::uint8_t* full[3] = {};  // (width, full_channels) each
  const std::uint8_t* half[2] = {};  // (width / 2, half_channels) each
  int full_channels = 0;             // a multiple of 8; 0: this source is absent
  int half_channels = 0;             // a multiple of 8; 0: this source is absent
  const std::byte* packed;           // from pack_conv3x3_s8() for this very kernel
  std::uint8_t* out;                 // (pixels, outputs) from the first pixel to compute
  int x0;                            // column of that pixel, >= 0
  int y;                             // row; only its parity counts, and only with `half`
  int pixels;                        // >= 1
  int outputs;                       // a multiple of 8
  int begin, end;                    // of those, [begin, end) are computed; begin is a multiple of kConv3x3S8Outputs
  bool wide = false;                 // weights are wide, see requantise.h; only without `half`
};

// Weights of so many outputs, in the U-Net at most 0.7 MB, stay in a second cache; a multiple of every panel.
inline constexpr int kConv3x3S8Outputs = 32;

struct Conv3x3S8Weights {
  const std::int8_t* w;      // (outputs, half_channels + full_channels, 3, 3); or
  const std::int16_t* wide;  // the same, at most kMostWide in size; the other is nullptr
  const std::int32_t* b;     // (outputs)
  const std::int32_t* m;     // (outputs)
  int half_channels, full_channels, outputs;

  int tap(int n, int c, int i, int j) const noexcept {
    const std::ptrdiff_t at = ((static_cast<std::ptrdiff_t>(n) * (half_channels + full_channels) + c) * 3 + i) * 3 + j;
    return wide != nullptr ? wide[at] : w[at];
  }
  // c < half_channels; py, px: parity of the output pixel; k, l: which of the pixels it meets.
  int phase(int n, int py, int px, int k, int l, int c) const noexcept;
};

struct Conv3x3S8Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Conv3x3S8Args&) noexcept;
  int panel;     // outputs computed together; the packed weights are padded to a multiple of it
  int group;     // inputs multiplied together: 4 or 8
  int offset;    // the variant multiplies inputs less this; packing makes up for it in the bias
  int multiple;  // the weights of pixels side by side are padded with zeros to a multiple of it
};

// Of weights that are not wide: whether phases fit in 8 bits and neighbours 2i, 2i + 1 of every kernel as pairs: see
// requantise.h.
bool exact_conv3x3_s8(const Conv3x3S8Weights& weights) noexcept;

// Bytes that pack_conv3x3_s8() writes, on a 64-byte boundary.
std::size_t packed_size_conv3x3_s8(const Conv3x3S8Kernel&, int half_channels, int full_channels, int outputs,
                                   bool wide) noexcept;
void pack_conv3x3_s8(const Conv3x3S8Kernel&, const Conv3x3S8Weights& weights, std::byte* packed) noexcept;

extern const Family<Conv3x3S8Kernel> conv3x3_s8;

void conv3x3_s8_scalar(const Conv3x3S8Args&) noexcept;
void conv3x3_s8_sse41(const Conv3x3S8Args&) noexcept;
void conv3x3_s8_avx2(const Conv3x3S8Args&) noexcept;
void conv3x3_s8_avxvnni(const Conv3x3S8Args&) noexcept;
void conv3x3_s8_avx512vnni(const Conv3x3S8Args&) noexcept;
void conv3x3_s8_amxint8(const Conv3x3S8Args&) noexcept;
void conv3x3_s8_neon(const Conv3x3S8Args&) noexcept;
void conv3x3_s8_dotprod(const Conv3x3S8Args&) noexcept;
void conv3x3_s8_i8mm(const Conv3x3S8Args&) noexcept;

}  // namespace dtacs
