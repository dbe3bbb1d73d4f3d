// SPDX-License-Identifier: Apache-2.0
// 3x3 convolution of pairs of output rows in the Winograd form F(2, 3) down by
// F(4, 3) across, float32, channels last, zero padding 1, stride 1, with bias and
// clamp: 24 products for a tile of 2 x 4 pixels where the direct form needs 72.
//
//   out(y, x, n) = clamp(bias(n) + sum_{i,j,c} in(y + i - 1, x + j - 1, c) * w(n, c, i, j)   [ + out(y, x, n) ])
//
// computed for each tile as
//
//   d(i, j, c) = the 4 x 6 input pixels around the tile        t(., ., c) = Bv d(., ., c) Bh'
//   m(k, l, n) = sum_c t(k, l, c) * u(k, l, c, n)              y(., ., n) = Av m(., ., n) Ah'
//
//   Bv = 1  0 -1  0    Av = 1  1  1  0    Bh = 4  0 -5  0  1  0    Ah = 1  1  1  1  1  0
//        0  1  1  0         0  1 -1 -1         0 -4 -4  1  1  0         0  1 -1  2 -2  0
//        0 -1  1  0                            0  4 -4 -1  1  0         0  1  1  4  4  0
//        0  1  0 -1                            0 -2 -1  2  1  0         0  1 -1  8 -8  1
//                                              0  2 -1 -2  1  0
//                                              0  4  0 -5  0  1
//
// with u = Gv w Gh' computed in double when the weights are packed.  Bv and then Bh are
// applied to the input, each sum over c runs upwards from 0, and the result is y + bias,
// to which `add` adds what stood there.  A tile's result depends on that tile alone,
// and tiles lie at multiples of (2, 4): how an image is cut into calls does not show.
//
// Exactness: the rounding errors of a tile's largest inputs reach all of its outputs.
// Variants and the exact convolution agree to kWinograd3x3RelTol of
// sum_c (largest |in| of the 4 x 6 pixels) * sum_{i,j} |w|.
//
// Rows as in conv3x3.h: a row pointer addresses pixel 0, pixels -1 and `width` are
// zeros in memory; a row above or below the image is a row of zeros.
#pragma once

#include <cstddef>

#include "kernels/variant.h"

namespace dtacs {

inline constexpr int kWinograd3x3Columns = 4;  // pixels of a tile, which has two rows

struct Winograd3x3Args {
  const float* const* in;  // 2 * pairs + 2 rows (width, channels), the first one above the first output row
  float* const* out;       // 2 * pairs rows (width, outputs), pixel 0 of each; must not overlap the inputs
  const float* packed;     // from pack_winograd3x3() for this very kernel
  float* scratch;          // scratch_size_winograd3x3() floats
  int pairs;               // of output rows, >= 1
  int x0;                  // first column to compute, a multiple of 4
  int pixels;              // columns to compute; a multiple of 4 unless they end at `width`
  int width;               // of the rows
  int channels;            // >= 1, any value
  int outputs;             // >= 1, any value
  bool add;                // to what stands in out
  float lo, hi;            // clamp range; lo <= hi, infinities allowed
};

struct Winograd3x3Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Winograd3x3Args&) noexcept;
  int panel;  // outputs computed together; the packed weights are padded to a multiple of it
};

inline constexpr float kWinograd3x3RelTol = 4e-6f;

constexpr int tiles_winograd3x3(int pairs, int pixels) noexcept {
  return pairs * ((pixels + kWinograd3x3Columns - 1) / kWinograd3x3Columns);
}
std::size_t scratch_size_winograd3x3(const Winograd3x3Kernel&, int channels, int tiles) noexcept;

// Floats that pack_winograd3x3() writes.
std::size_t packed_size_winograd3x3(const Winograd3x3Kernel&, int channels, int outputs) noexcept;

// weights: (outputs, depth, 3, 3) as PyTorch stores them, of which channels
// [first, first + channels) are used; bias: (outputs), or nullptr for zeros.
void pack_winograd3x3(const Winograd3x3Kernel&, const float* weights, const float* bias, int depth, int first,
                      int channels, int outputs, float* packed) noexcept;

extern const Family<Winograd3x3Kernel> winograd3x3_f32;

void winograd3x3_f32_scalar(const Winograd3x3Args&) noexcept;
void winograd3x3_f32_sse41(const Winograd3x3Args&) noexcept;
void winograd3x3_f32_avx2(const Winograd3x3Args&) noexcept;
void winograd3x3_f32_avx512(const Winograd3x3Args&) noexcept;
void winograd3x3_f32_neon(const Winograd3x3Args&) noexcept;

}  // namespace dtacs
