// SPDX-License-Identifier: Apache-2.0
// The adaptive model of packed files (FORMAT.md), shared by the decoder and the encoder.
//
// A byte, as a number in two's complement, is eight binary decisions down a tree, the highest
// bit first.  Which of twelve trees says how large the bytes before it were: an input
// channel's weights are of one size, and those of two channels differ by powers of two.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace dtacs::packed {

inline constexpr int kProbabilityBits = 14;
inline constexpr std::uint32_t kBottom = 1u << 24;  // the range is kept at or above it

// A node's estimate that its bit is 0, in 1 / 65536: the mean of a fast and a slow one.  Both
// begin as averages of what was seen.  Steps are cut
// off, so that fast stays within 31 .. 65504, slow within 127 .. 65408, and zero() within 19 .. 16364.
struct Node {
  std::uint16_t fast, slow;
  std::uint16_t seen;  // up to 5

  std::uint32_t zero() const noexcept { return (std::uint32_t{fast} + slow) >> (17 - kProbabilityBits); }
  void learn(unsigned bit) noexcept {
    const unsigned f = seen < 3 ? seen + 2u : 5u, s = seen + 2u;
    if (bit == 0) {
      fast = static_cast<std::uint16_t>(fast + ((65535u - fast) >> f));
      slow = static_cast<std::uint16_t>(slow + ((65535u - slow) >> s));
    } else {
      fast = static_cast<std::uint16_t>(fast - (fast >> f));
      slow = static_cast<std::uint16_t>(slow - (slow >> s));
    }
    if (seen < 5) ++seen;
  }
};

// 18 KB, for whoever decodes to place where it likes.
class Model {
 public:
  void reset() noexcept {
    for (Node& n : nodes_) n = {32768, 32768, 0};
    size_ = 0;
  }
  // Of the next byte: nodes 1 .. 255, the root first; the children of i are 2i and 2i + 1.
  Node* tree() noexcept { return nodes_ + 256 * std::bit_width(size_); }
  // symbol: the byte with its highest bit inverted, so that order is that of the numbers.
  void saw(unsigned symbol) noexcept { size_ += (symbol < 128 ? 128 - symbol : symbol - 128) - (size_ >> 3); }

 private:
  static constexpr int kTrees = 12;
  Node nodes_[256 * kTrees];
  std::uint32_t size_ = 0;  // at most 1031: eight times the recent mean size
};

}  // namespace dtacs::packed
