// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/upconv3x3/upconv3x3.h"
#include "tests/kernels/pair_rows.h"

namespace dtacs::test {

struct Upconv3x3Suite {
  using Kernel = Upconv3x3Kernel;
  struct Shape {
    int pairs, width, x0, pixels;  // of the input
    int channels, outputs;
    Range range = kRanges[1];
    int across = 1;
  };

  static const Family<Kernel>& family() { return upconv3x3_f32; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    unsigned n = 0;
    const auto range = [&n] { return kRanges[n++ % 3]; };
    for (const int outputs : {1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 50})
      for (const int width : {1, 2, 3, 5, 13}) v.push_back({1, width, 0, width, 5, outputs, range()});
    for (const int channels : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33})
      v.push_back({2, 9, 2, 7, channels, 16, range()});
    for (const int pairs : {1, 2, 3, 5})
      for (const int x0 : {0, 1, 7})
        for (const int pixels : {1, 4, 11}) {
          v.push_back({pairs, x0 + pixels, x0, pixels, 6, 20, range()});
          v.push_back({pairs, x0 + pixels + 1, x0, pixels, 6, 20, range()});
        }
    v.push_back({1, 7, 0, 7, 1280, 16, kRanges[0]});  // the longest sum of the U-Net
    for (std::size_t i = 0, all = v.size(); i < all; ++i) {
      Shape s = v[i];
      if (s.x0 % 2 != 0 || (s.pixels % 2 != 0 && s.x0 + s.pixels != s.width)) continue;
      s.across = 2;
      v.push_back(s);
    }
    return v;
  }
  // Jobs of the U-Net's decoder.
  static std::vector<Shape> bench_shapes() {
    return {{4, 16, 0, 16, 1280, 256},
            {2, 32, 0, 32, 256, 128, kRanges[1], 2},
            {1, 64, 0, 64, 128, 64, kRanges[1], 2},
            {1, 128, 0, 32, 64, 32, kRanges[1], 2},
            {1, 256, 0, 32, 32, 16, kRanges[1], 2}};
  }

  static std::string describe(const Shape& s) {
    char text[96];
    std::snprintf(text, sizeof text, "%dx%dpx@%d of %d by %d %d->%d %s", s.pairs, s.pixels, s.x0, s.width, s.across,
                  s.channels, s.outputs, s.range.name);
    return text;
  }
  // As if computed directly.
  static Work work(const Shape& s) {
    const double pixels = static_cast<double>(s.pairs) * s.pixels;
    return {4 * 2.0 * 9 * s.channels * s.outputs * pixels,
            4.0 * (9.0 * s.channels * s.outputs + pixels * (2 * s.channels + 4 * s.outputs))};
  }

  struct Case : PairCase<Shape, Kernel> {
    Case(const Shape& s, std::uint64_t seed, Fill fill) : PairCase(s, s.pairs + 2, 2 * s.width, Rng(seed), fill) {}
    int pixels() const { return (shape.pixels + shape.across - 1) / shape.across; }  // what a run is cut by
    void run(const Kernel& k) { run(k, 0, pixels(), shape.pairs); }
    void run(const Kernel& k, int first, int count) { run(k, first, count, 1 + count % 2); }
    void run(const Kernel& k, int first, int count, int pairs_at_once) {
      const int begin = first * shape.across, columns = std::min(count * shape.across, shape.pixels - begin);
      prepare(k, packed_size_upconv3x3(k, shape.across, shape.channels, shape.outputs),
              scratch_size_upconv3x3(k, shape.across, shape.channels, shape.pairs, shape.pixels), [&](float* to) {
                pack_upconv3x3(k, shape.across, weights.data(), bias.data(), shape.channels, shape.channels,
                               shape.outputs, to);
              });
      for (int pair = 0; pair < shape.pairs; pair += pairs_at_once)
        k.run({.in = in.data() + pair,
               .out = out.pointers.data() + 2 * pair,
               .packed = packed->data(),
               .scratch = scratch->data(),
               .pairs = std::min(pairs_at_once, shape.pairs - pair),
               .across = shape.across,
               .x0 = shape.x0 + begin,
               .pixels = columns,
               .channels = shape.channels,
               .outputs = shape.outputs,
               .lo = shape.range.lo,
               .hi = shape.range.hi});
    }
  };

  static std::string disagreement(const Case& got, const Case& want) {
    const Shape& s = want.shape;
    for (int y = 0; y < 2 * s.pairs; ++y)
      for (int x = 0; x < 2 * s.width; ++x)
        for (int n = 0; n < s.outputs; ++n) {
          const auto i = static_cast<std::size_t>((y * 2 * s.width + x) * s.outputs + n);
          std::string why;
          if (x < 2 * s.x0 || x >= 2 * (s.x0 + s.pixels)) {
            const float was = want.before.values[i];
            why = differs(i, got.out.values[i], was, static_cast<double>(was), 0);
          } else {
            Exact sum(want.bias[static_cast<std::size_t>(n)]);
            for (int c = 0; c < s.channels; ++c) {
              const float* w = want.weights.data() + (n * s.channels + c) * 9;
              double size = 0;
              for (int t = 0; t < 9; ++t) {
                // Row 0 of `in` is the one above the image's row 0.
                const float x_in = want.in.at((y + t / 3 + 1) / 2, (x + t % 3 + 1) / 2 - 1, c);
                sum.value += static_cast<double>(x_in) * static_cast<double>(w[t]);
                size += std::fabs(static_cast<double>(w[t]));
              }
              sum.size += size * want.in.largest(y / 2, 3, x / 2 - 1, 3, c);
            }
            why = differs(i, got.out.values[i], want.out.values[i], clamped(sum.value, s.range),
                          static_cast<double>(kUpconv3x3RelTol) * sum.size);
          }
          if (!why.empty()) return why;
        }
    return {};
  }
};

}  // namespace dtacs::test
