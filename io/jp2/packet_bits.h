// SPDX-License-Identifier: Apache-2.0
// The bits of a packet header (T.800 B.10.1) and the tag trees in them (B.10.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/jp2/tile.h"

namespace dtacs::jp2 {

// Most significant bit first; after a byte 0xff the next one holds seven bits.
// Past the end it yields zeros and remembers.
class PacketBits {
 public:
  explicit PacketBits(std::span<const std::byte> bytes) noexcept : at_(bytes.data()), end_(at_ + bytes.size()) {}

  unsigned bit() noexcept {
    if (left_ == 0) {
      left_ = byte_ == 0xff ? 7 : 8;
      if (at_ == end_) {
        overrun_ = true;
        byte_ = 0;
      } else {
        byte_ = static_cast<std::uint8_t>(*at_++);
      }
    }
    --left_;
    return (byte_ >> left_) & 1u;
  }

  std::uint32_t bits(int n) noexcept {
    std::uint32_t v = 0;
    for (; n > 0; --n) v = v << 1 | bit();
    return v;
  }

  // Ends the header: the byte stuffed after a closing 0xff belongs to it.
  const std::byte* finish() noexcept {
    if (byte_ == 0xff) {
      if (at_ == end_)
        overrun_ = true;
      else
        ++at_;
    }
    return at_;
  }

  bool overrun() const noexcept { return overrun_; }

 private:
  const std::byte *at_, *end_;
  unsigned byte_ = 0;
  int left_ = 0;
  bool overrun_ = false;
};

// A tag tree over across x down leaves (both 1 .. 65535) in `nodes`, leaves first.
class TagTree {
 public:
  TagTree(TagNode* nodes, std::uint32_t across, std::uint32_t down) noexcept {
    for (;; across = (across + 1) / 2, down = (down + 1) / 2) {
      level_[levels_++] = {nodes, across};
      nodes += static_cast<std::size_t>(across) * down;
      if (across == 1 && down == 1) break;
    }
    end_ = nodes;
  }
  // The node after the last one.
  TagNode* end() const noexcept { return end_; }

  static constexpr int kBelow = -1;
  // Reads on until it is settled whether the value of leaf (x, y) is below `threshold`:
  // kBelow, and value() is its value, or the level of the first node on the way down
  // that is not, with which no leaf under that node is.  (A node is at least its parent.)
  // Each way down ends at a node that takes a bit or took one in this packet.
  int settle(PacketBits& bits, std::uint32_t x, std::uint32_t y, unsigned threshold) noexcept {
    unsigned low = 0;
    for (int i = levels_ - 1; i >= 0; --i) {
      TagNode& node = level_[i].nodes[(y >> i) * level_[i].across + (x >> i)];
      ++steps_;
      if (node.low < low) node.low = static_cast<std::uint16_t>(low);
      while (node.known == 0 && node.low < threshold) {
        if (bits.bit() != 0)
          node.known = 1;
        else
          ++node.low;
      }
      if (node.low >= threshold) return i;
      low = node.low;
    }
    return kBelow;
  }

  unsigned value(std::uint32_t x, std::uint32_t y) const noexcept {
    return level_[0].nodes[y * level_[0].across + x].low;
  }

  int levels() const noexcept { return levels_; }
  // Nodes looked at so far.
  std::uint64_t steps() const noexcept { return steps_; }

 private:
  struct Level {
    TagNode* nodes;
    std::uint32_t across;
  };
  Level level_[17];
  int levels_ = 0;
  std::uint64_t steps_ = 0;
  TagNode* end_;
};

}  // namespace dtacs::jp2
