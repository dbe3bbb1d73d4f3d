// SPDX-License-Identifier: Apache-2.0
// Depthwise 3x3 convolution of one output row, 8-bit integers, channels last, zero
// padding 1, exact.
//
//   out(x, c) = requantise(bias(c) + sum_{i,j in 0..2} in(i, x*stride + j - 1, c) * w(i, j, c), m(c))
//
// Rows as in conv3x3.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs {

struct Dwconv3x3S8Args {
  const std::uint8_t* rows[3];  // (width, channels) each
  const std::byte* packed;      // from pack_dwconv3x3_s8() for this very kernel
  std::uint8_t* out;            // (pixels, channels) from the first pixel to compute; must not overlap the rows
  int x0;                       // column of that pixel in the output row, >= 0
  int pixels;                   // >= 1
  int channels;                 // a multiple of 16
  int stride;                   // 1 or 2
  bool wide = false;            // weights are wide: see requantise.h
};

struct Dwconv3x3S8Weights {
  const std::int8_t* w;      // (channels, 3, 3), neighbours in a row fit as pairs: see requantise.h; or
  const std::int16_t* wide;  // (channels, 3, 3), at most kMostWide in size; the other is nullptr
  const std::int32_t* b;     // (channels)
  const std::int32_t* m;     // (channels)
  int channels;
};

struct Dwconv3x3S8Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Dwconv3x3S8Args&) noexcept;
  int group;   // channels computed together, a multiple of 16; the packed weights are padded to a multiple of it
  int offset;  // the variant multiplies inputs less this; packing makes up for it in the bias
  bool down;   // weights of a column stand together, not those of a row
};

// Bytes that pack_dwconv3x3_s8() writes, on a 64-byte boundary.
std::size_t packed_size_dwconv3x3_s8(const Dwconv3x3S8Kernel&, int channels, bool wide) noexcept;
void pack_dwconv3x3_s8(const Dwconv3x3S8Kernel&, const Dwconv3x3S8Weights& weights, std::byte* packed) noexcept;

extern const Family<Dwconv3x3S8Kernel> dwconv3x3_s8;

void dwconv3x3_s8_scalar(const Dwconv3x3S8Args&) noexcept;
void dwconv3x3_s8_sse41(const Dwconv3x3S8Args&) noexcept;
void dwconv3x3_s8_avx2(const Dwconv3x3S8Args&) noexcept;
void dwconv3x3_s8_avxvnni(const Dwconv3x3S8Args&) noexcept;
void dwconv3x3_s8_avx512vnni(const Dwconv3x3S8Args&) noexcept;
void dwconv3x3_s8_neon(const Dwconv3x3S8Args&) noexcept;
void dwconv3x3_s8_dotprod(const Dwconv3x3S8Args&) noexcept;
void dwconv3x3_s8_i8mm(const Dwconv3x3S8Args&) noexcept;

}  // namespace dtacs
