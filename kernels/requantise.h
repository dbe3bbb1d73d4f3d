// SPDX-License-Identifier: Apache-2.0
// How the integer kernels turn a sum into a byte, and what they ask of weights so that
// every instruction set gets the same sum.  weights/FORMAT.md has the derivation.
//
//   y = clamp(floor(sum * m / 2^31), 0, 255)        0 <= m < 2^30
//
// There is no rounding term, no zero point and no activation: a half, the output's zero
// point and the input's are part of the bias, and the clamp to a byte is the ReLU.
//
// Sums stay within 32 bits when |bias| <= kMostBias and a sum has at most 32,700
// products of a u8 and an s8, and a residual, of a u8 and an s16.  x86 before VNNI adds products of neighbours in 16
// bits with saturation: no two weights of a pair may sum to more than kMostPair in size.
#pragma once

#include <cstdint>

namespace dtacs {

inline constexpr std::int32_t kMostBias = 1 << 30;
inline constexpr std::int32_t kMostMultiplier = (1 << 30) - 1;
inline constexpr int kMostPair = 128;  // 255 * 128 < 2^15

constexpr std::uint8_t requantise(std::int32_t sum, std::int32_t m) noexcept {
  const std::int64_t y = static_cast<std::int64_t>(sum) * m >> 31;
  return static_cast<std::uint8_t>(y < 0 ? 0 : y > 255 ? 255 : y);
}

// Whether u8 * a + u8 * b fits in 16 bits whatever the two bytes.
constexpr bool pair_fits(int a, int b) noexcept {
  const int up = (a > 0 ? a : 0) + (b > 0 ? b : 0), down = (a < 0 ? a : 0) + (b < 0 ? b : 0);
  return up <= kMostPair && down >= -kMostPair;
}

// Wide weights: 14 bits, as 128 * high + low with parts that always fit as pairs.  For layers whose
// outputs are small differences of large sums, which 8 bits of weight blur.
inline constexpr int kMostWide = 8127;
constexpr int wide_high(int w) noexcept {
  return (w + 64) >> 7;
}
constexpr int wide_low(int w) noexcept {
  return w - wide_high(w) * 128;
}

}  // namespace dtacs
