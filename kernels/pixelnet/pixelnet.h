// SPDX-License-Identifier: Apache-2.0
// The atmospheric-correction pixel network, fused from digital numbers to digital
// numbers: nothing in between touches memory beyond the L1 cache.
//
//   x(c)  = (dn(c) + offset(c)) / quantification                  float32
//   h(k)  = max(0, b1(k) + sum_c x(c) w1(k, c))                   k < hidden
//   f(m)  = b2(m) + sum_k h(k) w2(m, k)                           m < outputs
//   y(m)  = x(residual(m)) - f(m), or f(m) when residual is nullptr
//   out(m) = trunc(clamp(y(m), 0, 2) * 10000)                     as the reference writes it
//
// hidden == 0 means one layer: f(m) = b2(m) + sum_c x(c) w2(m, c).
// Bands are planes, pixels run along the row.  Sums run in ascending order, bias
// first; a variant may fuse multiply and add, so that a value next to an integer
// may truncate to its neighbour: variants agree to 1 DN while no sum of sizes,
// |b2| + sum_k |h w2|, is above 100 (a reflectance is about 1), and by more DN above, in proportion.  What overflows,
// of absurd weights alone, may come out as any number.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs {

inline constexpr int kPixelNetMaxBands = 16;  // inputs and outputs
inline constexpr int kPixelNetMaxHidden = 128;

struct PixelNetArgs {
  const std::uint16_t* in[kPixelNetMaxBands];  // [inputs] rows of `pixels` digital numbers
  std::uint16_t* out[kPixelNetMaxBands];       // [outputs] rows of `pixels`; must not overlap the inputs
  const float* offset;                         // (inputs), added to the digital number: RADIO_ADD_OFFSET
  float quantification;                        // > 0: QUANTIFICATION_VALUE
  const float* w1;                             // (hidden, inputs)
  const float* b1;                             // (hidden)
  const float* w2;                             // (outputs, hidden), or (outputs, inputs) when hidden == 0
  const float* b2;                             // (outputs)
  const int* residual;                         // (outputs) input index each output corrects, or nullptr
  std::ptrdiff_t pixels;                       // >= 1
  int inputs;                                  // 1..kPixelNetMaxBands
  int hidden;                                  // 0..kPixelNetMaxHidden
  int outputs;                                 // 1..kPixelNetMaxBands
};

struct PixelNetKernel {
  const char* name;
  IsaSet needs;
  void (*run)(const PixelNetArgs&) noexcept;
};

extern const Family<PixelNetKernel> pixelnet_u16;

void pixelnet_u16_scalar(const PixelNetArgs&) noexcept;
void pixelnet_u16_sse41(const PixelNetArgs&) noexcept;
void pixelnet_u16_avx2(const PixelNetArgs&) noexcept;
void pixelnet_u16_avx512(const PixelNetArgs&) noexcept;
void pixelnet_u16_neon(const PixelNetArgs&) noexcept;

}  // namespace dtacs
