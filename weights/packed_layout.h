// SPDX-License-Identifier: Apache-2.0
// The numbers of packed files, shared by their reader and their writer.  FORMAT.md is the
// specification; the names below are its field names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dtacs::packed {

inline constexpr std::uint8_t kMagic[8] = {'D', 'T', 'A', 'C', 'S', 'Z', '\r', '\n'};
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kHeaderBytes = 64, kSegmentBytes = 20, kChunkBytes = 12;  // of a record

inline constexpr std::uint32_t kMaxFile = 0x7fffffffu;
inline constexpr std::uint32_t kMaxSegments = 4097;
inline constexpr std::uint32_t kLeastChunk = 1024, kMostChunk = 1u << 20;  // bytes of the original in one
inline constexpr std::uint32_t kNoBase = 0xffffffffu;

// Offsets within the header.
inline constexpr std::size_t kHeadVersion = 8, kHeadCrc = 12, kHeadPacked = 16, kHeadOriginal = 20,
                             kHeadOriginalCrc = 24, kHeadBase = 28, kHeadBaseCrc = 32, kHeadSegments = 36,
                             kHeadChunk = 40, kHeadReserved = 44;
// Offsets within a segment record and a chunk record.
inline constexpr std::size_t kSegmentRows = 0, kSegmentColumns = 4, kSegmentGroup = 8, kSegmentElement = 12,
                             kSegmentBase = 16;
inline constexpr std::size_t kChunkBegin = 0, kChunkLength = 4, kChunkCrc = 8;

inline std::uint32_t number(const std::byte* p) noexcept {
  std::uint32_t v = 0;
  for (int i = 4; i-- > 0;) v = v << 8 | static_cast<std::uint32_t>(p[i]);
  return v;
}

// A piece of the original, and the order in which its bytes are coded: as an array of rows x columns x group x
// element bytes, the last byte of all elements first, and of those the first column.
struct Segment {
  std::uint32_t rows = 1, columns = 1, group = 1, element = 1;
  std::uint32_t base = kNoBase;  // where in the base its bytes are those to add

  std::uint64_t bytes() const noexcept { return std::uint64_t{rows} * columns * group * element; }
};

inline Segment segment(const std::byte* r) noexcept {
  return {number(r + kSegmentRows), number(r + kSegmentColumns), number(r + kSegmentGroup), number(r + kSegmentElement),
          number(r + kSegmentBase)};
}

// Visits the bytes of a file in coding order, by way of its table of valid segments.
class Walk {
 public:
  // To the byte that is `index`th in coding order, 0 .. bytes of the file.
  Walk(std::span<const std::byte> table, std::uint32_t index) noexcept : table_(table) {
    std::uint32_t start = 0;
    while (!table_.empty()) {
      load(start);
      const auto size = static_cast<std::uint32_t>(s_.bytes());
      if (index < size) break;
      index -= size;
      start += size;
      table_ = table_.subspan(kSegmentBytes);
    }
    if (table_.empty()) return;
    g_ = index % s_.group;
    index /= s_.group;
    a_ = index % s_.rows;
    index /= s_.rows;
    b_ = index % s_.columns;
    e_ = s_.element - 1 - index / s_.columns;
    seek();
  }
  std::uint32_t at() const noexcept { return at_; }  // offset in the original
  bool has_base() const noexcept { return s_.base != kNoBase; }
  std::uint32_t base_at() const noexcept { return s_.base + (at_ - start_); }  // and in the base
  void next() noexcept {
    at_ += s_.element;
    if (++g_ < s_.group) return;
    g_ = 0;
    if (++a_ == s_.rows) {
      a_ = 0;
      if (++b_ == s_.columns) {
        b_ = 0;
        if (e_-- == 0) {
          const auto end = start_ + static_cast<std::uint32_t>(s_.bytes());
          table_ = table_.subspan(kSegmentBytes);
          if (table_.empty()) return;
          load(end);
        }
      }
    }
    seek();
  }

 private:
  void load(std::uint32_t start) noexcept {
    s_ = segment(table_.data());
    start_ = start;
    g_ = a_ = b_ = 0;
    e_ = s_.element - 1;
  }
  void seek() noexcept { at_ = start_ + ((a_ * s_.columns + b_) * s_.group + g_) * s_.element + e_; }

  std::span<const std::byte> table_;  // from the present segment on
  Segment s_;
  std::uint32_t start_ = 0, at_ = 0, g_ = 0, a_ = 0, b_ = 0, e_ = 0;
};

}  // namespace dtacs::packed
