// SPDX-License-Identifier: Apache-2.0
// What the row kernels' suites share: an input row with exactly the memory the row
// contract promises, clamp ranges, and how float results are compared.
#pragma once

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/buffer.h"
#include "tests/support/suite.h"

namespace dtacs::test {

// A value within +-range according to the fill.  Ranges are small multiples of a
// power of two, so that sums of extremes are exact: a sum of thousands of equal terms
// rounds the same way each time, and no tolerance of a family covers that.
inline float draw_real(Rng& rng, Fill fill, float range) {
  return static_cast<float>(draw(rng, fill, -1000, 1000)) / 1000.0f * range;
}
inline constexpr float kInputRange = 31.0f / 8, kWeightRange = 31.0f / 32, kBiasRange = 6.5f;

// (width, channels) between one zero pixel on either side.  The right one ends at
// an unreadable page; in front of the left one stand NaNs, which no result survives.
class PaddedRow {
 public:
  PaddedRow(int width, int channels)
      : width_(width), channels_(channels), memory_(kFront + static_cast<std::size_t>(width + 2) * pixel()) {
    for (std::size_t i = 0; i < memory_.size(); ++i)
      memory_[i] = i < kFront ? std::numeric_limits<float>::quiet_NaN() : 0.0f;
  }
  void fill(Rng& rng, Fill fill) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(width_) * pixel(); ++i)
      memory_[kFront + pixel() + i] = draw_real(rng, fill, kInputRange);
  }
  const float* data() const { return memory_.data() + kFront + pixel(); }  // pixel 0
  bool intact() const { return memory_.intact(); }

 private:
  static constexpr std::size_t kFront = 16;
  std::size_t pixel() const { return static_cast<std::size_t>(channels_); }

  int width_, channels_;
  Guarded<float> memory_;
};

// What the network uses, and nothing.
struct Range {
  float lo, hi;
  const char* name;
};
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr Range kRanges[] = {
    {-kInfinity, kInfinity, "linear"}, {0.0f, kInfinity, "relu"}, {0.0f, 6.0f, "relu6"}};

// A sum in double precision and the sum of the sizes of its terms.
struct Exact {
  double value = 0, size = 0;

  explicit Exact(float bias) : value(static_cast<double>(bias)), size(std::fabs(value)) {}
  void add(float a, float b) {
    const double product = static_cast<double>(a) * static_cast<double>(b);
    value += product;
    size += std::fabs(product);
  }
};
inline double clamped(double v, Range r) {
  const double lo = static_cast<double>(r.lo), hi = static_cast<double>(r.hi);
  return v < lo ? lo : v > hi ? hi : v;
}

// Empty when `got` is as near to the reference's result, and to the sum in double
// precision, as the family promises.
inline std::string differs(std::size_t at, float got, float want, double exact, double tolerance) {
  const double v = static_cast<double>(got);
  if (std::fabs(v - static_cast<double>(want)) <= tolerance && std::fabs(v - exact) <= tolerance) return {};
  char line[160];
  std::snprintf(line, sizeof line, "out[%zu] = %.9g, the reference has %.9g, exact %.12g, tolerance %.3g", at, v,
                static_cast<double>(want), exact, tolerance);
  return line;
}

}  // namespace dtacs::test
