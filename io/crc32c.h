// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli): polynomial 0x1EDC6F41 reflected, start and final XOR
// 0xFFFFFFFF; the check value of "123456789" is 0xE3069283.  It finds every damage
// that fits in 32 neighbouring bits, so every damaged byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dtacs {

// before: the CRC of what precedes `bytes`, so that crc32c(b, crc32c(a)) is the CRC
// of a and b one after the other.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

// That of bytes which hold it themselves, in the four from `at` on: they count as zero.
inline std::uint32_t crc32c_without(std::span<const std::byte> bytes, std::size_t at) noexcept {
  constexpr std::byte kZero[4] = {};
  return crc32c(bytes.subspan(at + 4), crc32c(kZero, crc32c(bytes.first(at))));
}

}  // namespace dtacs
