// SPDX-License-Identifier: Apache-2.0
// The first convolution: 3x3, stride 2, zero padding 1, one output row, from 16-bit
// input to bytes, channels last, exact.
//
//   out(x, n) = requantise(bias(n) + sum_{i, j, c} in(i, 2x + j - 1, c) * w(i, j, c, n), m(n))
//
// Reflectance keeps its digital numbers: 8 bits would round dark surfaces away.  The
// sum fits in 32 bits when 2^15 * sum |w(n)| + |bias(n)| does.  Rows as in conv3x3.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs {

struct Stem3x3S16Args {
  const std::int16_t* rows[3];  // (width, channels) each
  const std::byte* packed;      // from pack_stem3x3_s16() for this very kernel
  std::uint8_t* out;            // (pixels, outputs) from the first pixel to compute
  int x0;                       // column of that pixel in the output row, >= 0
  int pixels;                   // >= 1
  int channels;                 // even: the caller adds a channel of zeros where needed
  int outputs;                  // a multiple of 8
};

struct Stem3x3S16Weights {
  const std::int16_t* w;  // (outputs, channels, 3, 3), none below -32767
  const std::int32_t* b;  // (outputs)
  const std::int32_t* m;  // (outputs)
  int channels;           // of the weights; odd: the input has one more
  int outputs;
};

struct Stem3x3S16Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const Stem3x3S16Args&) noexcept;
  int panel;  // outputs computed together; the packed weights are padded to a multiple of it
  int group;  // inputs multiplied together: 1 or 2
};

// Bytes that pack_stem3x3_s16() writes, on a 64-byte boundary.
std::size_t packed_size_stem3x3_s16(const Stem3x3S16Kernel&, int channels, int outputs) noexcept;
void pack_stem3x3_s16(const Stem3x3S16Kernel&, const Stem3x3S16Weights& weights, std::byte* packed) noexcept;

extern const Family<Stem3x3S16Kernel> stem3x3_s16;

void stem3x3_s16_scalar(const Stem3x3S16Args&) noexcept;
void stem3x3_s16_sse41(const Stem3x3S16Args&) noexcept;
void stem3x3_s16_avx2(const Stem3x3S16Args&) noexcept;
void stem3x3_s16_avxvnni(const Stem3x3S16Args&) noexcept;
void stem3x3_s16_avx512vnni(const Stem3x3S16Args&) noexcept;
void stem3x3_s16_neon(const Stem3x3S16Args&) noexcept;

}  // namespace dtacs
