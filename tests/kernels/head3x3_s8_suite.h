// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/head3x3_s8/head3x3_s8.h"
#include "tests/kernels/integer_case.h"

namespace dtacs::test {

struct Head3x3S8Suite {
  using Kernel = Head3x3S8Kernel;
  struct Shape {
    int pixels, x0, outputs;
  };

  static const Family<Kernel>& family() { return head3x3_s8; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    for (const int outputs : {1, 2, 3, 4, 5, 7, 8, 16})
      for (const int pixels : {1, 2, 3, 4, 5, 7, 8, 9, 31}) v.push_back({pixels, pixels % 4, outputs});
    return v;
  }
  static std::vector<Shape> bench_shapes() { return {{512, 0, 4}}; }

  static std::string describe(const Shape& s) {
    return std::to_string(s.pixels) + "px@" + std::to_string(s.x0) + " 16->" + std::to_string(s.outputs);
  }
  static Work work(const Shape& s) {
    const double p = s.pixels, n = s.outputs;
    return {2 * 9 * 16 * p * n, 9 * 16 * n + p * (3 * 16 + 1)};
  }

  struct Case : IntegerCase<Kernel> {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : IntegerCase(s.pixels, 1),
          shape(s),
          rng(seed),
          rows(s.x0 + s.pixels, 16, 0, rng, fill, 0, 255),
          w(static_cast<std::size_t>(s.outputs * 16 * 9)),
          b(static_cast<std::size_t>(s.outputs)) {
      for (auto& x : w) x = static_cast<std::int8_t>(draw(rng, fill, -64, 64));
      for (auto& x : b) x = draw_bias(rng, fill, 255.0 * 32 * 12);
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      const Head3x3S8Weights weights = {.w = w.data(), .b = b.data(), .outputs = shape.outputs};
      k.run({.rows = {rows[0], rows[1], rows[2]},
             .packed = packed_for(k, packed_size_head3x3_s8(shape.outputs),
                                  [&](std::byte* to) { pack_head3x3_s8(k, weights, to); }),
             .classes = out_at(first),
             .x0 = shape.x0 + first,
             .pixels = count,
             .outputs = shape.outputs});
    }
    // The formula, from the weights as they came.
    std::uint8_t exact(int p, int) const {
      int best = 0;
      std::int32_t largest = 0;
      for (int n = 0; n < shape.outputs; ++n) {
        std::int32_t sum = b[static_cast<std::size_t>(n)];
        for (int t = 0; t < 9; ++t)
          for (int c = 0; c < 16; ++c)
            sum += rows.at(t / 3, shape.x0 + p + t % 3 - 1, c) * w[static_cast<std::size_t>((n * 16 + c) * 9 + t)];
        if (n > 0 && sum <= largest) continue;
        best = n;
        largest = sum;
      }
      return static_cast<std::uint8_t>(best);
    }

    Shape shape;
    Rng rng;
    IntegerRows<std::uint8_t, 3> rows;
    Guarded<std::int8_t> w;
    Guarded<std::int32_t> b;
  };

  static std::string disagreement(const Case& got, const Case& want) { return first_difference(got, want); }
};

}  // namespace dtacs::test
