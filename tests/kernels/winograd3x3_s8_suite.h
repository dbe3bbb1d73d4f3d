// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/winograd3x3_s8/winograd3x3_s8.h"
#include "tests/kernels/integer_case.h"

namespace dtacs::test {

struct Winograd3x3S8Suite {
  using Kernel = Winograd3x3S8Kernel;
  struct Shape {
    int pixels, x0, y, channels, outputs;
  };

  static const Family<Kernel>& family() { return winograd3x3_s8; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    for (const int pixels : {4, 8, 12, 16, 20, 24, 28, 64, 68, 132})
      for (const int outputs : {16, 32, 48}) v.push_back({pixels, pixels % 8, pixels / 4, 16, outputs});
    for (const int channels : {32, 48, 128}) v.push_back({36, 4, 2, channels, 16});
    v.push_back({4, 0, 0, kMostWinogradS8Channels, 16});
    return v;
  }
  // Rows of the U-Net on 512 x 512 pixels.
  static std::vector<Shape> bench_shapes() {
    return {{64, 0, 0, 128, 128}, {128, 0, 0, 64, 64}, {256, 0, 0, 32, 32}, {512, 0, 0, 16, 16}};
  }

  static std::string describe(const Shape& s) {
    char text[96];
    std::snprintf(text, sizeof text, "%dpx@%d,%d %d->%d", s.pixels, s.x0, s.y, s.channels, s.outputs);
    return text;
  }
  // Of the direct convolution of two rows, as a case runs.
  static Work work(const Shape& s) {
    return {2.0 * 2 * 9 * s.channels * s.outputs * s.pixels,
            36.0 * s.channels * s.outputs + s.pixels * (4.0 * s.channels + 2 * s.outputs)};
  }

  struct Case : IntegerCase<Kernel> {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : IntegerCase(s.pixels, s.outputs),
          shape(s),
          rng(seed),
          in(s.x0 + s.pixels, s.channels, 9, rng, fill, 0, 255),
          w(static_cast<std::size_t>(s.outputs * s.channels * 9)),
          b(static_cast<std::size_t>(s.outputs)),
          m(static_cast<std::size_t>(s.outputs)),
          scratch(scratch_size_winograd3x3_s8(s.channels, s.pixels)) {
      const double size = 255.0 * 64 * 9 * s.channels;
      fill_pairs(rng, fill, w, 9);  // neighbours are channels
      for (auto& x : b) x = draw_bias(rng, fill, size);
      for (auto& x : m) x = draw_multiplier(rng, fill, size);
    }
    int pixels() const { return shape.pixels; }
    bool intact() const { return IntegerCase::intact() && scratch.intact(); }
    // The row before this one, and then this one.
    void run(const Kernel& k) {
      for (int i = 0; i < 2; ++i)
        k.run({.rows = {in[i], in[i + 1], in[i + 2]},
               .packed = packed_for(
                   k, packed_size_winograd3x3_s8(shape.channels, outputs),
                   [&](std::byte* to) {
                     pack_winograd3x3_s8(
                         k,
                         {.w = w.data(), .b = b.data(), .m = m.data(), .channels = shape.channels, .outputs = outputs},
                         to);
                   }),
               .scratch = scratch.data(),
               .out = out_at(0),
               .x0 = shape.x0,
               .y = shape.y + i,
               .pixels = shape.pixels,
               .channels = shape.channels,
               .outputs = outputs,
               .next = i > 0});
    }
    // The formula of conv3x3_s8.h.
    std::uint8_t exact(int p, int n) const {
      std::int32_t sum = b[static_cast<std::size_t>(n)];
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          for (int c = 0; c < shape.channels; ++c)
            sum += in.at(i + 1, shape.x0 + p + j - 1, c) *
                   w[static_cast<std::size_t>(((n * shape.channels + c) * 3 + i) * 3 + j)];
      return requantise(sum, m[static_cast<std::size_t>(n)]);
    }

    Shape shape;
    Rng rng;
    IntegerRows<std::uint8_t, 4> in;
    Guarded<std::int8_t> w;
    Guarded<std::int32_t> b, m;
    Guarded<std::int16_t> scratch;
  };

  static std::string disagreement(const Case& got, const Case& want) { return first_difference(got, want); }
};

}  // namespace dtacs::test
