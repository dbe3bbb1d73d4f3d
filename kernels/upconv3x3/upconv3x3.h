// SPDX-License-Identifier: Apache-2.0
// Nearest-neighbour 2x upsampling and a 3x3 convolution of the result in one, of
// pairs of output rows, float32, channels last, zero padding 1, with bias and clamp:
// 9 products for 2 x 2 output pixels where the direct form needs 36, or 15 for 2 x 4 where it
// needs 72.
//
// Two neighbouring outputs read three neighbouring inputs p, q, r of an axis as
// p q q and q q r.  With the differences between neighbours these are
//
//   w0 p + w1 q + w2 q = (w0 + w1 + w2) q - w0 (q - p)
//   w0 q + w1 q + w2 r = (w0 + w1 + w2) q + w2 (r - q)
//
// and the outputs on either side of these two want the same q and differences:
//
//   w0 p + w1 p + w2 q = (w0 + w1 + w2) q - (w0 + w1) (q - p)
//   w0 q + w1 r + w2 r = (w0 + w1 + w2) q + (w1 + w2) (r - q)
//
// Down and across, for the input pixel x(y, x) of each tile of 2 x 2 or 2 x 4 outputs:
//
//   t(k, l, c): k picks row y of the rows' differences (0), of the rows (1), row y + 1 of the differences (2);
//               l does the same across: (0) differences at x, (1) values, (2) differences at x + 1; (3) as 0, (4) as 2
//   m(k, l, n) = sum_c t(k, l, c) * u(k, l, c, n)
//   s(i, l, n) = m(i, l, n) + m(i + 1, l, n)
//   out(2y + i, 2x + j, n) = clamp(s(i, 1) + s(i, l) + bias(n)),   l = 3, 0, 2, 4 for j = -1, 0, 1, 2
//
// with u computed in double when the weights are packed: down and across, w becomes
// (-w0, w0 + w1 + w2, w2; -w0 - w1, w1 + w2).  A difference is a value less its left or upper
// neighbour, taken down before across.  Each sum over c runs upwards from 0.  Tiles of 2 x 2 lie at every
// x and have j = 0, 1; those of 2 x 4 lie at even x.  A tile's result depends on that tile alone:
// how an image is cut into calls does not show.
//
// Exactness: variants and the exact convolution agree to kUpconv3x3RelTol of
// sum_c (largest |in| of the 3 x 3 pixels) * sum_{i,j} |w|.
//
// Rows as in conv3x3.h: a row pointer addresses pixel 0, the pixels on either side of a
// row are zeros in memory; a row above or below the image is a row of zeros.
#pragma once

#include <cstddef>

#include "kernels/variant.h"

namespace dtacs {

// Products across of a tile, and tiles of a row: those of two columns begin one output before their first
// column and end one behind, so that one more is needed.
constexpr int products_upconv3x3(int across) noexcept {
  return across == 2 ? 5 : 3;
}
constexpr int tiles_upconv3x3(int across, int pixels) noexcept {
  return across == 2 ? pixels / 2 + 1 : pixels;
}

struct Upconv3x3Args {
  const float* const* in;  // pairs + 2 rows (width, channels), the first one above that of the first pair
  float* const* out;       // 2 * pairs rows (2 * width, outputs), pixel 0 of each; must not overlap the inputs
  const float* packed;     // from pack_upconv3x3() for this very kernel
  float* scratch;          // scratch_size_upconv3x3() floats
  int pairs;               // of output rows, >= 1
  int across;              // input columns of a tile: 1, or 2 for tiles of 2 x 4 outputs
  int x0;                  // first input column, a multiple of `across`: outputs start at 2 * x0
  int pixels;              // input columns, >= 1; a multiple of `across` unless they end at the rows' width
  int channels;            // >= 1, any value
  int outputs;             // >= 1, any value
  float lo, hi;            // clamp range; lo <= hi, infinities allowed
};

struct Upconv3x3Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Upconv3x3Args&) noexcept;
  int panel;  // outputs computed together; the packed weights are padded to a multiple of it
};

inline constexpr float kUpconv3x3RelTol = 2e-6f;

std::size_t scratch_size_upconv3x3(const Upconv3x3Kernel&, int across, int channels, int pairs, int pixels) noexcept;

// Floats that pack_upconv3x3() writes.
std::size_t packed_size_upconv3x3(const Upconv3x3Kernel&, int across, int channels, int outputs) noexcept;

// weights: (outputs, depth, 3, 3) as PyTorch stores them, of which channels
// [0, channels) are used; bias: (outputs).
void pack_upconv3x3(const Upconv3x3Kernel&, int across, const float* weights, const float* bias, int depth,
                    int channels, int outputs, float* packed) noexcept;

extern const Family<Upconv3x3Kernel> upconv3x3_f32;

void upconv3x3_f32_scalar(const Upconv3x3Args&) noexcept;
void upconv3x3_f32_sse41(const Upconv3x3Args&) noexcept;
void upconv3x3_f32_avx2(const Upconv3x3Args&) noexcept;
void upconv3x3_f32_avx512(const Upconv3x3Args&) noexcept;
void upconv3x3_f32_neon(const Upconv3x3Args&) noexcept;

}  // namespace dtacs
