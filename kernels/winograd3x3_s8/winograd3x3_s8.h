// SPDX-License-Identifier: Apache-2.0
// conv3x3_s8.h of a tensor of the output's size, in the Winograd form F(4, 3) across: 18 products of 16-bit numbers for
// four pixels where the direct form needs 36 of bytes.  Exact: the same bytes as conv3x3_s8.
//
//   d(i, j, c) = the 3 x 6 input pixels around four outputs        t(i, ., c) = d(i, ., c) Bh'
//   v(., n) = (sum_{i,c} t(i, ., c) * u(i, ., c, n)) Ah'
//   out(x, n) = requantise(v(x, n) / 24 + bias(n), m(n))
//
// Bh and Ah as in winograd3x3.h.  u = w Gh' is 24 times what the float form has and so whole:
//
//   Gh = 6  0  0    No |t| is above 8 * 255, no |u| above 24 * 127.  Additions may wrap: v is a multiple of 24, and
//       -4 -4 -4    below 2^31 for what requantise.h asks of weights, as channels <= kMostWinogradS8Channels.
//       -4  4 -4
//        1  2  4
//        1 -2  4
//        0  0 24
//
// Instructions that multiply four bytes at once are as fast with the direct form.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs {

inline constexpr int kWinograd3x3S8Columns = 4;      // pixels of a tile
inline constexpr int kMostWinogradS8Channels = 512;  // 24 * 255 * 9 * 512 * kMostPair / 2 < 2^31

struct Winograd3x3S8Args {
  const std::uint8_t* rows[3];  // (width, channels) each, as in conv3x3.h; width is a multiple of 4
  const std::byte* packed;      // from pack_winograd3x3_s8() for this very kernel
  std::int16_t* scratch;        // scratch_size_winograd3x3_s8() numbers
  std::uint8_t* out;            // (pixels, outputs) from the first pixel to compute
  int x0;                       // column of that pixel, a multiple of 4
  int y;                        // row
  int pixels;                   // a multiple of 4, >= 4
  int channels;                 // a multiple of 16, <= kMostWinogradS8Channels
  int outputs;                  // a multiple of 16
  bool next;                    // the last call with this scratch was the same for row y - 1
};

struct Winograd3x3S8Weights {
  const std::int8_t* w;   // (outputs, channels, 3, 3); exact_conv3x3_s8() holds
  const std::int32_t* b;  // (outputs)
  const std::int32_t* m;  // (outputs)
  int channels, outputs;
};

struct Winograd3x3S8Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Winograd3x3S8Args&) noexcept;
  int panel;  // outputs computed together, a divisor of 16
};

// Three rows of `pixels` pixels, transformed.
constexpr std::size_t scratch_size_winograd3x3_s8(int channels, int pixels) noexcept {
  return std::size_t{18} * static_cast<std::size_t>(channels) * static_cast<std::size_t>(pixels) /
         kWinograd3x3S8Columns;
}
// Bytes that pack_winograd3x3_s8() writes, on a 64-byte boundary.
std::size_t packed_size_winograd3x3_s8(int channels, int outputs) noexcept;
void pack_winograd3x3_s8(const Winograd3x3S8Kernel&, const Winograd3x3S8Weights& weights, std::byte* packed) noexcept;

extern const Family<Winograd3x3S8Kernel> winograd3x3_s8;

void winograd3x3_s8_scalar(const Winograd3x3S8Args&) noexcept;
void winograd3x3_s8_sse41(const Winograd3x3S8Args&) noexcept;
void winograd3x3_s8_avx2(const Winograd3x3S8Args&) noexcept;

}  // namespace dtacs
