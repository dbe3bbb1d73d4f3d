// SPDX-License-Identifier: Apache-2.0
// The numbers of the weights format, shared by its reader and its
// writer.  FORMAT.md is the specification; the names below are its field names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dtacs::weights_v1 {

inline constexpr std::uint8_t kMagic[8] = {'D', 'T', 'A', 'C', 'S', 'W', '\r', '\n'};
inline constexpr std::uint32_t kVersion = 1;         // of a file without integers
inline constexpr std::uint32_t kIntegerVersion = 2;  // of a file with some

inline constexpr std::size_t kAlign = 64;  // of tensor data and of the file's size
inline constexpr std::size_t kHeaderBytes = 64;
inline constexpr std::size_t kTensorBytes = 64;  // one record of the tensor table
inline constexpr std::size_t kMetaBytes = 16;    // one record of the metadata table

inline constexpr std::uint32_t kMaxTensors = 4096;
inline constexpr std::uint32_t kMaxMeta = 256;
inline constexpr std::uint32_t kMaxName = 63;
inline constexpr std::uint32_t kMaxKey = 63;
inline constexpr std::uint32_t kMaxValue = 4095;
inline constexpr std::uint64_t kMaxFile = 0x7fffffffu;

// Offsets within the header.
inline constexpr std::size_t kHeadVersion = 8, kHeadCrc = 12, kHeadBytes = 16, kHeadTensors = 24, kHeadMeta = 28,
                             kHeadStrings = 32, kHeadData = 36, kHeadReserved = 40;
// Offsets within a tensor record.
inline constexpr std::size_t kTensorName = 0, kTensorNameLength = 4, kTensorDType = 5, kTensorRank = 6,
                             kTensorReserved = 7, kTensorDims = 8, kTensorData = 24, kTensorDataBytes = 32,
                             kTensorCrc = 40, kTensorReserved2 = 44;
// Offsets within a metadata record.
inline constexpr std::size_t kMetaKey = 0, kMetaKeyLength = 4, kMetaValue = 8, kMetaValueLength = 12;

constexpr std::uint64_t align_up(std::uint64_t n) noexcept {
  return (n + kAlign - 1) / kAlign * kAlign;
}

// "e17.prj.w": letters, digits, dot, underscore, hyphen.
constexpr bool is_name(std::string_view s) noexcept {
  for (const char c : s) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') return false;
  }
  return !s.empty() && s.size() <= kMaxName;
}

// UTF-8 in its shortest form, no surrogates, no control characters (U+0000..U+001F,
// U+007F..U+009F): what may be printed on a terminal without second thoughts.
constexpr bool is_text(std::string_view s) noexcept {
  for (std::size_t i = 0; i < s.size();) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned>(static_cast<unsigned char>(s[k])); };
    const unsigned lead = byte(i);
    const std::size_t more = lead < 0x80   ? 0
                             : lead < 0xc2 ? 4
                             : lead < 0xe0 ? 1
                             : lead < 0xf0 ? 2
                             : lead < 0xf5 ? 3
                                           : 4;
    if (more == 4 || s.size() - i <= more) return false;
    std::uint32_t code = more == 0 ? lead : lead & (0x3fu >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      if ((byte(i + k) & 0xc0u) != 0x80u) return false;
      code = code << 6 | (byte(i + k) & 0x3fu);
    }
    constexpr std::uint32_t kShortest[] = {0, 0x80, 0x800, 0x10000};
    if (code < kShortest[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
    i += more + 1;
  }
  return true;
}

}  // namespace dtacs::weights_v1
