// SPDX-License-Identifier: Apache-2.0
// What the integer kernels' suites share: rows with the memory the row contract
// promises, weights at the edge of what is allowed, and comparison to the byte.
#pragma once

#include <cstdio>
#include <string>

#include "kernels/requantise.h"
#include "tests/support/buffer.h"
#include "tests/support/suite.h"

namespace dtacs::test {

// (width, channels) between one pixel of padding on either side, all of `zero`.  The right one
// ends at an unreadable page.
template <class T>
class IntegerRow {
 public:
  IntegerRow(int width, int channels, T zero)
      : width_(width), channels_(channels), memory_(static_cast<std::size_t>((width + 2) * channels)) {
    for (T& v : memory_) v = zero;
  }
  void fill(Rng& rng, Fill fill, int lo, int hi) {
    for (int i = 0; i < width_ * channels_; ++i)
      memory_[static_cast<std::size_t>(channels_ + i)] = static_cast<T>(draw(rng, fill, lo, hi));
  }
  const T* data() const { return memory_.data() + channels_; }  // pixel 0
  bool intact() const { return memory_.intact(); }

 private:
  int width_, channels_;
  Guarded<T> memory_;
};

// Weights of which every two neighbours just fit as a pair: see requantise.h.
inline void fill_pairs(Rng& rng, Fill fill, Guarded<std::int8_t>& w, int neighbour) {
  const auto size = static_cast<int>(w.size());
  for (int i = 0; i < size; ++i) w[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(draw(rng, fill, -64, 64));
  if (fill != Fill::random) return;
  for (int i = 0; i + neighbour < size; i += 2 * neighbour) {  // some lopsided ones
    if (rng.between(0, 3) != 0) continue;
    const int large = rng.between(65, 127);
    w[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(large);
    w[static_cast<std::size_t>(i + neighbour)] = static_cast<std::int8_t>(rng.between(-64, kMostPair - large));
  }
}

// Multipliers and biases that bring sums of about `size` into and beyond the range of a byte.
inline std::int32_t draw_multiplier(Rng& rng, Fill fill, double size) {
  const double most = 255.0 / size * 2147483648.0;
  const int top = most < kMostMultiplier ? static_cast<int>(most) : kMostMultiplier;
  return fill == Fill::lowest ? 0 : rng.between(top / 4, top);
}
inline std::int32_t draw_bias(Rng& rng, Fill fill, double size) {
  return draw(rng, fill, static_cast<int>(-size), static_cast<int>(size));
}

template <class T>
std::string first_difference(const Guarded<T>& got, const Guarded<T>& want) {
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (got[i] == want[i]) continue;
    char line[96];
    std::snprintf(line, sizeof line, "out[%zu] = %d, expected %d", i, got[i], want[i]);
    return line;
  }
  return {};
}

}  // namespace dtacs::test
