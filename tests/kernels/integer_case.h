// SPDX-License-Identifier: Apache-2.0
// What the integer kernels' suites share: rows with the memory the row contract
// promises, weights at the edge of what is allowed, packing, and comparison to the byte.
#pragma once

#include <cstdio>
#include <memory>
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

 private:
  int width_, channels_;
  Guarded<T> memory_;
};

// `count` such rows, filled.
template <class T, int count>
class IntegerRows {
 public:
  IntegerRows(int width, int channels, T zero, Rng& rng, Fill fill, int lo, int hi) : channels_(channels) {
    for (auto& row : rows_) {
      row = std::make_unique<IntegerRow<T>>(width, channels, zero);
      row->fill(rng, fill, lo, hi);
    }
  }
  const T* operator[](int row) const { return rows_[row]->data(); }
  int at(int row, int x, int channel) const { return rows_[row]->data()[x * channels_ + channel]; }

 private:
  int channels_;
  std::unique_ptr<IntegerRow<T>> rows_[count];
};

// Where a variant writes, and the weights packed for the one that ran last.  A case adds
//   int pixels() const
//   std::uint8_t exact(int p, int n) const    // the formula, from the weights as they came
template <class Kernel>
struct IntegerCase {
  IntegerCase(int pixels, int pixel_bytes) : outputs(pixel_bytes), out(static_cast<std::size_t>(pixels * pixel_bytes)) {
    for (auto& x : out) x = 77;
  }
  // pack(to) writes `size` bytes.  Packing is load-time work: benches pay it once.
  template <class Pack>
  const std::byte* packed_for(const Kernel& k, std::size_t size, Pack&& pack) {
    if (packer != &k) {
      packed = std::make_unique<Guarded<std::byte>>(size);
      pack(packed->data());
      packer = &k;
    }
    return packed->data();
  }
  std::uint8_t* out_at(int pixel) { return out.data() + static_cast<std::ptrdiff_t>(pixel) * outputs; }
  bool intact() const { return out.intact() && packed->intact(); }

  int outputs;  // bytes of a pixel
  Guarded<std::uint8_t> out;
  std::unique_ptr<Guarded<std::byte>> packed;
  const Kernel* packer = nullptr;
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

// Between a variant and the reference; or between the reference and the formula.
template <class Case>
std::string first_difference(const Case& got, const Case& want) {
  char line[96];
  for (int p = 0; p < want.pixels(); ++p)
    for (int n = 0; n < want.outputs; ++n) {
      const auto i = static_cast<std::size_t>(p * want.outputs + n);
      const std::uint8_t exact = want.exact(p, n);
      const bool right = want.out[i] == exact;
      if (right && got.out[i] == exact) continue;
      std::snprintf(line, sizeof line, "%s = %d at pixel %d output %d, expected %d", right ? "out" : "the reference",
                    right ? got.out[i] : want.out[i], p, n, exact);
      return line;
    }
  return {};
}

}  // namespace dtacs::test
