// SPDX-License-Identifier: Apache-2.0
// conv3x3_s8.h of a tensor of the output's size, in the Winograd form F(4, 3) down and across: 36 products of 16-bit
// numbers for 4 x 4 pixels where the direct form needs 144 of bytes.  Exact: the same bytes as conv3x3_s8.
//
//   d(i, j, c) = the 6 x 6 input pixels around 4 x 4 outputs       t(., ., c) = B d(., ., c) B'
//   m(k, l, n) = sum_c t(k, l, c) * u(k, l, c, n)                  v(., ., n) = A D m(., ., n) D A'
//   out(y, x, n) = requantise(v(y, x, n) / 576 + bias(n), m(n))
//
// B and A are winograd3x3.h's Bh and Ah, u = G w G'.  What makes w's part fractions in floating point is taken out of
// it, times 24, and into D, so that all numbers are whole:
//
//   G = 1  0  0     D = diag(6, -4, -4, 1, 1, 24)
//       1  1  1
//       1 -1  1     No |t| is above 20,400, no |u| above 49 * 127.  Additions may wrap: v is a multiple of
//       1  2  4     576, and exact_winograd3x3_s8() says whether v / 9 stays below 2^31.
//       1 -2  4
//       0  0  1
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs {

inline constexpr int kWinograd3x3S8Tile = 4;    // pixels down and across
inline constexpr int kWinograd3x3S8Tiles = 32;  // that are worked on together

struct Winograd3x3S8Args {
  const std::uint8_t* const* rows;  // 4 * high + 2 of (width, channels), the first one above the first output row;
                                    // as in conv3x3.h
  std::uint8_t* const* out;         // 4 * high rows (width, outputs), pixel 0 of each
  const std::byte* packed;          // from pack_winograd3x3_s8() for this very kernel
  std::int16_t* scratch;            // scratch_size_winograd3x3_s8() numbers, on a 64-byte boundary
  int high;                         // tiles down, >= 1
  int x0;                           // first column, a multiple of 4
  int pixels;                       // columns, a multiple of 4, >= 4
  int channels;                     // a multiple of 16
  int outputs;                      // a multiple of 16
};

struct Winograd3x3S8Weights {
  const std::int8_t* w;   // (outputs, channels, 3, 3); exact_winograd3x3_s8() holds
  const std::int32_t* b;  // (outputs)
  const std::int32_t* m;  // (outputs)
  int channels, outputs;
};

struct Winograd3x3S8Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Winograd3x3S8Args&) noexcept;
  int panel;  // outputs computed together; the packed weights are padded to a multiple of it
  int group;  // inputs multiplied together: 1 or 2
  int least;  // channels from which it is faster than conv3x3_s8
};

// Whether the sums of an output stay below 2^25 in size whatever the inputs.
bool exact_winograd3x3_s8(const std::int8_t* w, int channels, int outputs) noexcept;

// Whatever the pixels of a call.
std::size_t scratch_size_winograd3x3_s8(const Winograd3x3S8Kernel&, int channels) noexcept;
// Bytes that pack_winograd3x3_s8() writes, on a 64-byte boundary.
std::size_t packed_size_winograd3x3_s8(const Winograd3x3S8Kernel&, int channels, int outputs) noexcept;
void pack_winograd3x3_s8(const Winograd3x3S8Kernel&, const Winograd3x3S8Weights& weights, std::byte* packed) noexcept;

extern const Family<Winograd3x3S8Kernel> winograd3x3_s8;

void winograd3x3_s8_scalar(const Winograd3x3S8Args&) noexcept;
void winograd3x3_s8_sse41(const Winograd3x3S8Args&) noexcept;
void winograd3x3_s8_avx2(const Winograd3x3S8Args&) noexcept;
void winograd3x3_s8_avxvnni(const Winograd3x3S8Args&) noexcept;
void winograd3x3_s8_avx512vnni(const Winograd3x3S8Args&) noexcept;
void winograd3x3_s8_neon(const Winograd3x3S8Args&) noexcept;

}  // namespace dtacs
