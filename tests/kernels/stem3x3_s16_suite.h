// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/stem3x3_s16/stem3x3_s16.h"
#include "tests/kernels/integer_case.h"

namespace dtacs::test {

struct Stem3x3S16Suite {
  using Kernel = Stem3x3S16Kernel;
  struct Shape {
    int pixels, x0, channels, outputs;  // channels: of the weights
  };

  static const Family<Kernel>& family() { return stem3x3_s16; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    for (const int outputs : {8, 16, 24, 32, 40})
      for (const int pixels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 25}) v.push_back({pixels, 0, 13, outputs});
    for (const int channels : {1, 2, 3, 4, 8, 12}) v.push_back({17, 5, channels, 32});
    return v;
  }
  static std::vector<Shape> bench_shapes() { return {{256, 0, 13, 32}}; }

  static std::string describe(const Shape& s) {
    return std::to_string(s.pixels) + "px@" + std::to_string(s.x0) + " " + std::to_string(s.channels) + "->" +
           std::to_string(s.outputs);
  }
  static Work work(const Shape& s) {
    const double p = s.pixels, c = s.channels, n = s.outputs;
    return {2 * 9 * p * c * n, 2 * 9 * c * n + p * (2 * 6 * c + n)};
  }

  struct Case : IntegerCase<Kernel> {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : IntegerCase(s.pixels, s.outputs),
          shape(s),
          depth(s.channels + s.channels % 2),
          rng(seed),
          rows((s.x0 + s.pixels) * 2, depth, 0, rng, fill, -32768, 32767),
          w(static_cast<std::size_t>(s.outputs * s.channels * 9)),
          b(static_cast<std::size_t>(s.outputs)),
          m(static_cast<std::size_t>(s.outputs)) {
      const int most = 60000 / (9 * s.channels);  // the sum of their sizes is what 32 bits allow
      const double size = 16384.0 * most * 9 * s.channels / 4;
      for (auto& x : w) x = static_cast<std::int16_t>(draw(rng, fill, -most, most));
      for (auto& x : b) x = draw_bias(rng, fill, 1e8);
      for (auto& x : m) x = draw_multiplier(rng, fill, size);
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      const Stem3x3S16Weights weights = {
          .w = w.data(), .b = b.data(), .m = m.data(), .channels = shape.channels, .outputs = shape.outputs};
      k.run({.rows = {rows[0], rows[1], rows[2]},
             .packed = packed_for(k, packed_size_stem3x3_s16(k, shape.channels, outputs),
                                  [&](std::byte* to) { pack_stem3x3_s16(k, weights, to); }),
             .out = out_at(first),
             .x0 = shape.x0 + first,
             .pixels = count,
             .channels = depth,
             .outputs = shape.outputs});
    }
    // The formula, from the weights as they came.
    std::uint8_t exact(int p, int n) const {
      std::int32_t sum = b[static_cast<std::size_t>(n)];
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          for (int c = 0; c < shape.channels; ++c)
            sum += rows.at(i, (shape.x0 + p) * 2 + j - 1, c) *
                   w[static_cast<std::size_t>((n * shape.channels + c) * 9 + i * 3 + j)];
      return requantise(sum, m[static_cast<std::size_t>(n)]);
    }

    Shape shape;
    int depth;
    Rng rng;
    IntegerRows<std::int16_t, 3> rows;
    Guarded<std::int16_t> w;
    Guarded<std::int32_t> b, m;
  };

  static std::string disagreement(const Case& got, const Case& want) { return first_difference(got, want); }
};

}  // namespace dtacs::test
