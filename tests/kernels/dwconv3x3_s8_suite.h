// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/dwconv3x3_s8/dwconv3x3_s8.h"
#include "tests/kernels/integer_case.h"

namespace dtacs::test {

struct Dwconv3x3S8Suite {
  using Kernel = Dwconv3x3S8Kernel;
  struct Shape {
    int pixels, x0, channels, stride;
    bool wide = false;
  };

  static const Family<Kernel>& family() { return dwconv3x3_s8; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    for (const int channels : {16, 32, 48, 64, 80, 96, 112, 144})
      for (const int pixels : {1, 2, 3, 4, 7})
        for (const int stride : {1, 2})
          for (const bool wide : {false, true}) v.push_back({pixels, pixels % 3, channels, stride, wide});
    return v;
  }
  // Rows of the U-Net on 512 x 512 pixels.
  static std::vector<Shape> bench_shapes() {
    return {{256, 0, 32, 1}, {128, 0, 96, 2}, {128, 0, 144, 1}, {32, 0, 384, 1}, {16, 0, 960, 1}};
  }

  static std::string describe(const Shape& s) {
    return std::to_string(s.pixels) + "px@" + std::to_string(s.x0) + " x" + std::to_string(s.channels) + " s" +
           std::to_string(s.stride) + (s.wide ? " wide" : "");
  }
  static Work work(const Shape& s) {
    const double p = s.pixels, c = s.channels;
    return {2 * 9 * p * c, 9 * c + p * c * (3 * s.stride + 1)};
  }

  struct Case : IntegerCase<Kernel> {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : IntegerCase(s.pixels, s.channels),
          shape(s),
          rng(seed),
          // With stride 2 the right padding is read at odd widths only; both are met.
          rows((s.x0 + s.pixels) * s.stride - (s.stride == 2 && s.pixels % 2 == 1 ? 1 : 0), s.channels, 0, rng, fill, 0,
               255),
          w(static_cast<std::size_t>(s.channels * 9)),
          wide(static_cast<std::size_t>(s.channels * 9)),
          b(static_cast<std::size_t>(s.channels)),
          m(static_cast<std::size_t>(s.channels)) {
      for (std::size_t i = 0; i < w.size(); i += 3) {  // a row of taps
        const int middle = draw(rng, fill, -64, 127), rest = middle > 64 ? kMostPair - middle : 64;
        w[i] = static_cast<std::int8_t>(draw(rng, fill, -64, rest));
        w[i + 1] = static_cast<std::int8_t>(middle);
        w[i + 2] = static_cast<std::int8_t>(draw(rng, fill, -64, rest));
      }
      for (auto& x : wide) x = static_cast<std::int16_t>(draw(rng, fill, -kMostWide, kMostWide));
      const double size = 255.0 * (s.wide ? 4000 : 32) * 9;
      for (auto& x : b) x = draw_bias(rng, fill, size);
      for (auto& x : m) x = draw_multiplier(rng, fill, size);
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      const Dwconv3x3S8Weights weights = {.w = shape.wide ? nullptr : w.data(),
                                          .wide = shape.wide ? wide.data() : nullptr,
                                          .b = b.data(),
                                          .m = m.data(),
                                          .channels = shape.channels};
      k.run({.rows = {rows[0], rows[1], rows[2]},
             .packed = packed_for(k, packed_size_dwconv3x3_s8(k, shape.channels, shape.wide),
                                  [&](std::byte* to) { pack_dwconv3x3_s8(k, weights, to); }),
             .out = out_at(first),
             .x0 = shape.x0 + first,
             .pixels = count,
             .channels = shape.channels,
             .stride = shape.stride,
             .wide = shape.wide});
    }
    // The formula, from the weights as they came.
    std::uint8_t exact(int p, int c) const {
      std::int32_t sum = b[static_cast<std::size_t>(c)];
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          sum += rows.at(i, (shape.x0 + p) * shape.stride + j - 1, c) *
                 (shape.wide ? wide[static_cast<std::size_t>(c * 9 + i * 3 + j)]
                             : w[static_cast<std::size_t>(c * 9 + i * 3 + j)]);
      return requantise(sum, m[static_cast<std::size_t>(c)]);
    }

    Shape shape;
    Rng rng;
    IntegerRows<std::uint8_t, 3> rows;
    Guarded<std::int8_t> w;
    Guarded<std::int16_t> wide;
    Guarded<std::int32_t> b, m;
  };

  static std::string disagreement(const Case& got, const Case& want) { return first_difference(got, want); }
};

}  // namespace dtacs::test
