// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "kernels/dwconv3x3/dwconv3x3.h"
#include "tests/kernels/padded_row.h"

namespace dtacs::test {

struct Dwconv3x3Suite {
  using Kernel = Dwconv3x3Kernel;
  struct Shape {
    int pixels, x0, channels, stride;
    Range range = kRanges[2];
  };

  static const Family<Kernel>& family() { return dwconv3x3_f32; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    unsigned n = 0;
    for (const int channels : edge_sizes(8, 64))
      for (const int pixels : {1, 2, 3, 4, 5, 8, 11})
        for (const int x0 : {0, 3})
          for (const int stride : {1, 2}) v.push_back({pixels, x0, channels, stride, kRanges[n++ % 3]});
    return v;
  }
  static std::vector<Shape> bench_shapes() {
    return {{128, 0, 96, 2}, {128, 0, 144, 1}, {256, 0, 32, 1}, {32, 0, 384, 1}, {16, 0, 960, 1}};
  }

  static std::string describe(const Shape& s) {
    char text[64];
    std::snprintf(text, sizeof text, "%dpx@%d %d s%d %s", s.pixels, s.x0, s.channels, s.stride, s.range.name);
    return text;
  }
  static Work work(const Shape& s) {
    const double out = 1.0 * s.pixels * s.channels;
    return {out * 18, 4.0 * (3 * s.stride + 1) * out};
  }

  struct Case {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : shape(s),
          weights(static_cast<std::size_t>(9 * s.channels)),
          bias(static_cast<std::size_t>(s.channels)),
          out(static_cast<std::size_t>(s.pixels * s.channels)) {
      Rng rng(seed);
      const int width = (s.x0 + s.pixels) * s.stride - (s.stride == 2 && s.pixels % 2 == 1 ? 1 : 0);
      for (auto& row : rows) {
        row = std::make_unique<PaddedRow>(width, s.channels);
        row->fill(rng, fill);
      }
      for (float& x : weights) x = draw_real(rng, fill, kWeightRange);
      for (float& x : bias) x = draw_real(rng, fill, kBiasRange);
      for (float& x : out) x = -12345.0f;
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      k.run({.rows = {rows[0]->data(), rows[1]->data(), rows[2]->data()},
             .weights = weights.data(),
             .bias = bias.data(),
             .out = out.data() + static_cast<std::ptrdiff_t>(first) * shape.channels,
             .x0 = shape.x0 + first,
             .pixels = count,
             .channels = shape.channels,
             .stride = shape.stride,
             .lo = shape.range.lo,
             .hi = shape.range.hi});
    }
    bool intact() const {
      return out.intact() && weights.intact() && bias.intact() && rows[0]->intact() && rows[1]->intact() &&
             rows[2]->intact();
    }
    Exact exact(int p, int c) const {
      Exact sum(bias[static_cast<std::size_t>(c)]);
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          sum.add(rows[i]->data()[((shape.x0 + p) * shape.stride + j - 1) * shape.channels + c],
                  weights[static_cast<std::size_t>((i * 3 + j) * shape.channels + c)]);
      return sum;
    }

    Shape shape;
    std::unique_ptr<PaddedRow> rows[3];
    Guarded<float> weights, bias, out;
  };

  static std::string disagreement(const Case& got, const Case& want) {
    const Shape& s = want.shape;
    for (int p = 0; p < s.pixels; ++p) {
      for (int c = 0; c < s.channels; ++c) {
        const Exact exact = want.exact(p, c);
        const auto i = static_cast<std::size_t>(p * s.channels + c);
        const double tolerance = static_cast<double>(kDwconv3x3RelTol) * exact.size;
        std::string why = differs(i, got.out[i], want.out[i], clamped(exact.value, s.range), tolerance);
        if (!why.empty()) return why;
      }
    }
    return {};
  }
};

}  // namespace dtacs::test
