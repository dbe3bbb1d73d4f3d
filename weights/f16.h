// SPDX-License-Identifier: Apache-2.0
// IEEE 754 binary16 <-> binary32, in integers only: the same bits on every machine,
// whatever it does with subnormals.
#pragma once

#include <bit>
#include <cstdint>

namespace dtacs {

// Exact; NaN keeps its sign and the bits of its payload.
constexpr float f16_to_f32(std::uint16_t h) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
  std::uint32_t exponent = (h >> 10) & 0x1fu, fraction = h & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0) {
    if (fraction == 0) return std::bit_cast<float>(sign);
    exponent = 1;  // subnormal: every f16 is a normal f32
    for (; (fraction & 0x400u) == 0; fraction <<= 1) --exponent;
    fraction &= 0x3ffu;
  }
  return std::bit_cast<float>(sign | (exponent + (127 - 15)) << 23 | fraction << 13);
}

// To the nearest, ties to even; infinite from 65520 on; NaN stays NaN (quiet).
constexpr std::uint16_t f32_to_f16(float f) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(f);
  const std::uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude >= 0x47800000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // 2^16
  if (magnitude < 0x33000000u) return static_cast<std::uint16_t>(sign);             // below 2^-25, half of the smallest
  // value = kept.dropped, in units of the last place of the result; a carry out of
  // the fraction moves on into the exponent, as it should.
  std::uint32_t kept = 0, dropped = 0, half = 0;
  if (magnitude >= 0x38800000u) {  // 2^-14: normal
    kept = (magnitude >> 13) - ((127u - 15u) << 10);
    dropped = magnitude & 0x1fffu;
    half = 0x1000u;
  } else {
    const std::uint32_t shift = 126u - (magnitude >> 23);  // 14..24
    const std::uint32_t fraction = (magnitude & 0x7fffffu) | 0x800000u;
    kept = fraction >> shift;
    dropped = fraction & ((1u << shift) - 1u);
    half = 1u << (shift - 1u);
  }
  const bool up = dropped > half || (dropped == half && (kept & 1u) != 0);
  return static_cast<std::uint16_t>(sign | (kept + (up ? 1u : 0u)));
}

}  // namespace dtacs
