// SPDX-License-Identifier: Apache-2.0
// One description of a kernel family, walked by the tests and by the
// benchmarks.  A suite knows its family, the shapes worth running, how to build
// a case, and what "agree" means.  check_family() and bench_family() do the rest.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/variant.h"

namespace dtacs::test {

// What fills the inputs.  Overflow and clamping bugs live in the corners.
enum class Fill { random, lowest, highest, mixed_extremes };
inline std::string to_string(Fill f) {
  constexpr const char* kNames[] = {"random", "lowest", "highest", "mixed_extremes"};
  return kNames[static_cast<int>(f)];
}
inline constexpr Fill kFills[] = {Fill::random, Fill::lowest, Fill::highest, Fill::mixed_extremes};

// splitmix64: small, seedable, the same on every platform.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // Uniform in [lo, hi].
  int between(int lo, int hi) { return lo + static_cast<int>(next() % static_cast<std::uint64_t>(hi - lo + 1)); }

 private:
  std::uint64_t state_;
};

// A value in [lo, hi] according to the fill.
inline int draw(Rng& rng, Fill fill, int lo, int hi) {
  switch (fill) {
    case Fill::lowest: return lo;
    case Fill::highest: return hi;
    case Fill::mixed_extremes: return (rng.next() & 1u) != 0 ? lo : hi;
    case Fill::random: break;
  }
  return rng.between(lo, hi);
}

// Sizes around the widths where vector code changes its mind.
inline std::vector<int> edge_sizes(int width, int largest) {
  std::vector<int> v;
  for (int s : {1, 2, width - 1, width, width + 1, 2 * width - 1, 2 * width, 2 * width + 1, 3 * width + 2})
    if (s >= 1 && s <= largest && (v.empty() || s > v.back())) v.push_back(s);
  return v;
}

// Useful work of one run, for rates: padding and packing do not count.
struct Work {
  double ops = 0;
  double bytes = 0;
};

template <class S>
concept KernelSuite = requires(typename S::Shape shape, typename S::Case& c, const typename S::Case& cc) {
  { S::family() } -> std::convertible_to<const Family<typename S::Kernel>&>;
  { S::test_shapes() } -> std::convertible_to<std::vector<typename S::Shape>>;
  { S::bench_shapes() } -> std::convertible_to<std::vector<typename S::Shape>>;
  { S::describe(shape) } -> std::convertible_to<std::string>;
  { S::work(shape) } -> std::convertible_to<Work>;
  typename S::Case;
  { S::disagreement(cc, cc) } -> std::convertible_to<std::string>;  // empty: they agree
};

}  // namespace dtacs::test
