// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "kernels/conv3x3_s8/conv3x3_s8.h"
#include "tests/kernels/integer_case.h"

namespace dtacs::test {

struct Conv3x3S8Suite {
  using Kernel = Conv3x3S8Kernel;
  struct Shape {
    int pixels, x0, y, half, full, outputs;
    bool wide = false;
  };

  static const Family<Kernel>& family() { return conv3x3_s8; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    for (const int outputs : {8, 16, 24, 32, 40, 56, 72})
      for (const int pixels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 25}) {
        v.push_back({pixels, 0, 0, 0, 8, outputs, pixels % 2 == 1});
        v.push_back({pixels, pixels % 3, pixels, 8, 16, outputs});
      }
    for (const int y : {0, 1})
      for (const int x0 : {0, 1, 2, 5}) {
        v.push_back({26, x0, y, 16, 0, 16});
        v.push_back({27, x0, y, 16, 24, 24});
        v.push_back({27, x0, y, 0, 24, 8});
      }
    v.push_back({10, 0, 1, 1280, 96, 16});  // the longest sum of the U-Net
    return v;
  }
  // Rows of the U-Net on 512 x 512 pixels; the last is the heaviest row of a whole scene.
  static std::vector<Shape> bench_shapes() {
    return {{32, 0, 0, 1280, 96, 256}, {32, 0, 0, 0, 256, 256}, {64, 0, 0, 0, 128, 128},   {256, 0, 0, 64, 16, 32},
            {512, 0, 0, 32, 0, 16},    {512, 0, 0, 0, 16, 16},  {688, 0, 0, 1280, 96, 256}};
  }

  static std::string describe(const Shape& s) {
    char text[96];
    std::snprintf(text, sizeof text, "%dpx@%d,%d %dup2+%d->%d%s", s.pixels, s.x0, s.y, s.half, s.full, s.outputs,
                  s.wide ? " wide" : "");
    return text;
  }
  // Of the direct convolution: phases do 4/9 of its products.
  static Work work(const Shape& s) {
    const double in = s.half + s.full;
    return {2.0 * 9 * in * s.outputs * s.pixels, 9 * in * s.outputs + s.pixels * (3 * in + s.outputs)};
  }

  struct Case : IntegerCase<Kernel> {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : IntegerCase(s.pixels, s.outputs),
          shape(s),
          rng(seed),
          half((s.x0 + s.pixels + 1) / 2, s.half, 131, rng, fill, 0, 255),
          full(s.x0 + s.pixels, s.full, 9, rng, fill, 0, 255),
          w(static_cast<std::size_t>(s.outputs * (s.half + s.full) * 9)),
          wide(w.size()),
          b(static_cast<std::size_t>(s.outputs)),
          m(static_cast<std::size_t>(s.outputs)) {
      const double size = 255.0 * (s.wide ? 4000 : 32) * (4 * s.half + 9 * s.full);
      // Neighbours in memory are taps of a channel; half of them go into phases in fours.
      const int most = s.half > 0 ? 31 : 64;
      for (auto& x : w) x = static_cast<std::int8_t>(draw(rng, fill, -most, most));
      for (auto& x : wide) x = static_cast<std::int16_t>(draw(rng, fill, -kMostWide, kMostWide));
      for (auto& x : b) x = draw_bias(rng, fill, size);
      for (auto& x : m) x = draw_multiplier(rng, fill, size);
    }
    Conv3x3S8Weights weights() const {
      return {.w = shape.wide ? nullptr : w.data(),
              .wide = shape.wide ? wide.data() : nullptr,
              .b = b.data(),
              .m = m.data(),
              .half_channels = shape.half,
              .full_channels = shape.full,
              .outputs = shape.outputs};
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      const std::byte* weights_of_k =
          packed_for(k, packed_size_conv3x3_s8(k, shape.half, shape.full, outputs, shape.wide),
                     [&](std::byte* to) { pack_conv3x3_s8(k, weights(), to); });
      const int some = shape.x0 % 2 == 1 ? kConv3x3S8Outputs : outputs;  // all outputs at once, and not
      for (int begin = 0; begin < outputs; begin += some)
        k.run({.full = {full[0], full[1], full[2]},
               .half = {half[0], half[1]},
               .full_channels = shape.full,
               .half_channels = shape.half,
               .packed = weights_of_k,
               .out = out_at(first),
               .x0 = shape.x0 + first,
               .y = shape.y,
               .pixels = count,
               .outputs = outputs,
               .begin = begin,
               .end = std::min(begin + some, outputs),
               .wide = shape.wide});
    }
    // The formula, from the weights as they came.
    std::uint8_t exact(int p, int n) const {
      const int x = shape.x0 + p;
      const Conv3x3S8Weights s = weights();
      std::int32_t sum = b[static_cast<std::size_t>(n)];
      for (int k = 0; k < 2; ++k)
        for (int l = 0; l < 2; ++l) {
          // Which taps meet pixel (k, l) of the half-size source, found from where each one falls.
          const int at = (x + 1) / 2 - 1 + l;
          for (int c = 0; c < shape.half; ++c) {
            int taps = 0;
            for (int i = 0; i < 3; ++i)
              for (int j = 0; j < 3; ++j) {
                const int row = (shape.y % 2 + i + 1) / 2 - (shape.y % 2 + 1) / 2, column = (x + j + 1) / 2 - 1;
                if (row == k && column == at) taps += s.tap(n, c, i, j);
              }
            sum += half.at(k, at, c) * (taps % 2 == 0             ? taps / 2
                                        : (taps + 1) / 2 % 2 == 0 ? (taps + 1) / 2
                                                                  : (taps - 1) / 2);
          }
        }
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          for (int c = 0; c < shape.full; ++c) sum += full.at(i, x + j - 1, c) * s.tap(n, shape.half + c, i, j);
      return requantise(sum, m[static_cast<std::size_t>(n)]);
    }

    Shape shape;
    Rng rng;
    IntegerRows<std::uint8_t, 2> half;
    IntegerRows<std::uint8_t, 3> full;
    Guarded<std::int8_t> w;
    Guarded<std::int16_t> wide;
    Guarded<std::int32_t> b, m;
  };

  static std::string disagreement(const Case& got, const Case& want) {
    if (!want.shape.wide && !exact_conv3x3_s8(want.weights())) return "the suite's weights are not exact";
    return first_difference(got, want);
  }
};

}  // namespace dtacs::test
