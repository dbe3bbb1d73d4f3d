// SPDX-License-Identifier: Apache-2.0
// 1x1 convolution of a run of pixels, 8-bit integers, channels last, with an optional
// residual, exact.
//
//   out(p, n) = requantise(bias(n) + sum_{k < depth} in(p, k) * w(n, k) + add(p, n) * r(n), m(n))
//
// Every variant gives the same bytes (see requantise.h for what that asks of the weights).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs {

struct PointwiseS8Args {
  const std::uint8_t* in;   // (pixels, depth), dense
  const std::byte* packed;  // from pack_pointwise_s8() for this very kernel
  const std::uint8_t* add;  // (pixels, outputs), dense, or nullptr
  std::uint8_t* out;        // (pixels, outputs), dense; must not overlap in; may be add
  int pixels;               // >= 1
  int depth;                // a multiple of 8
  int outputs;              // a multiple of 8
  bool wide = false;        // weights are wide: see requantise.h
};

struct PointwiseS8Weights {
  const std::int8_t* w;      // (outputs, depth), neighbours 2i and 2i + 1 fit as pairs; or
  const std::int16_t* wide;  // (outputs, depth), at most kMostWide in size; the other is nullptr
  const std::int32_t* b;     // (outputs)
  const std::int32_t* m;     // (outputs)
  const std::int16_t* r;     // (outputs), >= 0, or nullptr
  int depth, outputs;
};

struct PointwiseS8Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const PointwiseS8Args&) noexcept;
  int panel;     // outputs computed together; the packed weights are padded to a multiple of it
  int group;     // inputs multiplied together: 4 or 8
  int offset;    // the variant multiplies inputs less this; packing makes up for it in the bias
  int multiple;  // `depth` weights are padded with zeros to a multiple of it
};

// Bytes that pack_pointwise_s8() writes, on a 64-byte boundary.
std::size_t packed_size_pointwise_s8(const PointwiseS8Kernel&, int depth, int outputs, bool wide) noexcept;
void pack_pointwise_s8(const PointwiseS8Kernel&, const PointwiseS8Weights& weights, std::byte* packed) noexcept;

extern const Family<PointwiseS8Kernel> pointwise_s8;

void pointwise_s8_scalar(const PointwiseS8Args&) noexcept;
void pointwise_s8_sse41(const PointwiseS8Args&) noexcept;
void pointwise_s8_avx2(const PointwiseS8Args&) noexcept;
void pointwise_s8_avxvnni(const PointwiseS8Args&) noexcept;
void pointwise_s8_avx512vnni(const PointwiseS8Args&) noexcept;
void pointwise_s8_amxint8(const PointwiseS8Args&) noexcept;
void pointwise_s8_neon(const PointwiseS8Args&) noexcept;
void pointwise_s8_dotprod(const PointwiseS8Args&) noexcept;
void pointwise_s8_i8mm(const PointwiseS8Args&) noexcept;

}  // namespace dtacs
