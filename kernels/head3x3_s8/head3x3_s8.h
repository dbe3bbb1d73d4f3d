// SPDX-License-Identifier: Apache-2.0
// The last layer of a segmentation network for one output row: 3x3 convolution of 16
// channels to a few outputs, 8-bit integers, channels last, zero padding 1; then the
// class with the largest sum, exact.
//
//   sum(x, n)  = bias(n) + sum_{i,j,c} in(i, x + j - 1, c) * w(n, i, j, c)
//   classes(x) = the smallest n whose sum is largest
//
// All outputs share one unit, so their sums compare.  Rows as in conv3x3.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs {

inline constexpr int kHead3x3S8Channels = 16;
inline constexpr int kHead3x3S8MaxOutputs = 16;

struct Head3x3S8Args {
  const std::uint8_t* rows[3];  // (width, 16) each
  const std::byte* packed;      // from pack_head3x3_s8()
  std::uint8_t* classes;        // (pixels) from the first pixel to compute
  int x0;                       // column of that pixel, >= 0
  int pixels;                   // >= 1
  int outputs;                  // 1..kHead3x3S8MaxOutputs
};

struct Head3x3S8Weights {
  const std::int8_t* w;   // (outputs, 16, 3, 3), neighbours 2i and 2i + 1 fit as pairs: see requantise.h
  const std::int32_t* b;  // (outputs)
  int outputs;
};

struct Head3x3S8Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Head3x3S8Args&) noexcept;
  int offset;  // the variant multiplies inputs less this; packing makes up for it in the bias
};

// Bytes that pack_head3x3_s8() writes, on a 64-byte boundary.
std::size_t packed_size_head3x3_s8(int outputs) noexcept;
void pack_head3x3_s8(const Head3x3S8Kernel&, const Head3x3S8Weights& weights, std::byte* packed) noexcept;

extern const Family<Head3x3S8Kernel> head3x3_s8;

void head3x3_s8_scalar(const Head3x3S8Args&) noexcept;
void head3x3_s8_sse41(const Head3x3S8Args&) noexcept;
void head3x3_s8_avx2(const Head3x3S8Args&) noexcept;
void head3x3_s8_avxvnni(const Head3x3S8Args&) noexcept;
void head3x3_s8_avx512vnni(const Head3x3S8Args&) noexcept;
void head3x3_s8_neon(const Head3x3S8Args&) noexcept;
void head3x3_s8_dotprod(const Head3x3S8Args&) noexcept;
void head3x3_s8_i8mm(const Head3x3S8Args&) noexcept;

}  // namespace dtacs
