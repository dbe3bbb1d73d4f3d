// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/winograd3x3/winograd3x3.h"
#include "tests/kernels/pair_rows.h"

namespace dtacs::test {

struct Winograd3x3Suite {
  using Kernel = Winograd3x3Kernel;
  struct Shape {
    int pairs, width, x0, pixels;
    int channels, outputs;
    bool add = false;
    Range range = kRanges[1];
  };

  static const Family<Kernel>& family() { return winograd3x3_f32; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    unsigned n = 0;
    const auto range = [&n] { return kRanges[n++ % 3]; };
    for (const int outputs : {1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 50})
      for (const int width : {2, 4, 6, 10, 26}) v.push_back({1, width, 0, width, 5, outputs, n % 2 == 1, range()});
    for (const int channels : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33})
      v.push_back({2, 14, 4, 10, channels, 16, n % 2 == 1, range()});
    for (const int pairs : {1, 2, 3, 5})
      for (const int x0 : {0, 4, 16})
        for (const int pixels : {4, 8, 20}) {
          v.push_back({pairs, x0 + pixels, x0, pixels, 6, 20, false, range()});
          v.push_back({pairs, x0 + pixels + 2, x0, pixels, 6, 20, true, range()});
        }
    v.push_back({1, 10, 0, 10, 256, 32, false, kRanges[0]});  // the longest sum of the U-Net
    return v;
  }
  // Jobs of the U-Net's decoder.
  static std::vector<Shape> bench_shapes() {
    return {{4, 32, 0, 32, 256, 256},     {2, 64, 0, 64, 128, 128}, {1, 128, 0, 128, 64, 64},
            {1, 256, 0, 64, 32, 32},      {1, 512, 0, 64, 16, 16},  {4, 32, 0, 32, 96, 256, true},
            {1, 256, 0, 64, 16, 32, true}};
  }

  static std::string describe(const Shape& s) {
    char text[96];
    std::snprintf(text, sizeof text, "%dx%dpx@%d of %d %d->%d%s %s", 2 * s.pairs, s.pixels, s.x0, s.width, s.channels,
                  s.outputs, s.add ? " add" : "", s.range.name);
    return text;
  }
  // As if computed directly.
  static Work work(const Shape& s) {
    const double pixels = 2.0 * s.pairs * s.pixels;
    return {2.0 * 9 * s.channels * s.outputs * pixels,
            4.0 * (9.0 * s.channels * s.outputs + pixels * (2 * s.channels + s.outputs))};
  }

  struct Case : PairCase<Shape, Kernel> {
    Case(const Shape& s, std::uint64_t seed, Fill fill) : PairCase(s, 2 * s.pairs + 2, s.width, Rng(seed), fill) {}
    int pixels() const { return tiles_winograd3x3(1, shape.pixels); }  // what a run is cut by
    void run(const Kernel& k) { run(k, 0, pixels(), shape.pairs); }
    void run(const Kernel& k, int first, int count) { run(k, first, count, 1 + count % 2); }
    void run(const Kernel& k, int first, int count, int pairs_at_once) {
      const int width = shape.width, left = shape.pixels - 4 * first;
      prepare(k, packed_size_winograd3x3(k, shape.channels, shape.outputs),
              scratch_size_winograd3x3(k, shape.channels, tiles_winograd3x3(shape.pairs, shape.pixels)),
              [&](float* to) {  // with `add` as the second of two sources, the first of which had the bias
                pack_winograd3x3(k, weights.data(), shape.add ? nullptr : bias.data(), shape.channels, 0,
                                 shape.channels, shape.outputs, to);
              });
      for (int pair = 0; pair < shape.pairs; pair += pairs_at_once)
        k.run({.in = in.data() + 2 * pair,
               .out = out.pointers.data() + 2 * pair,
               .packed = packed->data(),
               .scratch = scratch->data(),
               .pairs = std::min(pairs_at_once, shape.pairs - pair),
               .x0 = shape.x0 + 4 * first,
               .pixels = std::min(4 * count, left),
               .width = width,
               .channels = shape.channels,
               .outputs = shape.outputs,
               .add = shape.add,
               .lo = shape.range.lo,
               .hi = shape.range.hi});
    }
  };

  static std::string disagreement(const Case& got, const Case& want) {
    const Shape& s = want.shape;
    for (int y = 0; y < 2 * s.pairs; ++y)
      for (int x = 0; x < s.width; ++x)
        for (int n = 0; n < s.outputs; ++n) {
          const auto i = static_cast<std::size_t>((y * s.width + x) * s.outputs + n);
          const float was = want.before.values[i];
          std::string why;
          if (x < s.x0 || x >= s.x0 + s.pixels) {
            why = differs(i, got.out.values[i], was, static_cast<double>(was), 0);
          } else {
            Exact sum(s.add ? was : want.bias[static_cast<std::size_t>(n)]);
            for (int c = 0; c < s.channels; ++c) {
              const float* w = want.weights.data() + (n * s.channels + c) * 9;
              double size = 0;
              for (int t = 0; t < 9; ++t) {
                sum.value += static_cast<double>(want.in.at(y + t / 3, x + t % 3 - 1, c)) * static_cast<double>(w[t]);
                size += std::fabs(static_cast<double>(w[t]));
              }
              sum.size += size * want.in.largest(y / 2 * 2, 4, x / 4 * 4 - 1, 6, c);
            }
            why = differs(i, got.out.values[i], want.out.values[i], clamped(sum.value, s.range),
                          static_cast<double>(kWinograd3x3RelTol) * sum.size);
          }
          if (!why.empty()) return why;
        }
    return {};
  }
};

}  // namespace dtacs::test
