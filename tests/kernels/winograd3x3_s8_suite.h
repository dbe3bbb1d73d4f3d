// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/winograd3x3_s8/winograd3x3_s8.h"
#include "tests/kernels/integer_case.h"

namespace dtacs::test {

struct Winograd3x3S8Suite {
  using Kernel = Winograd3x3S8Kernel;
  struct Shape {
    int pixels, x0, high, channels, outputs;
  };

  static const Family<Kernel>& family() { return winograd3x3_s8; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    for (const int pixels : {4, 8, 12, 16, 20, 24, 28, 64, 68, 132})
      for (const int outputs : {16, 32, 48}) v.push_back({pixels, pixels % 8, 1 + pixels % 3, 16, outputs});
    for (const int channels : {32, 48, 128}) v.push_back({36, 4, 4, channels, 16});
    v.push_back({4, 0, 1, 224, 16});  // the most that is exact whatever the weights
    return v;
  }
  // Tiles of the U-Net on 512 x 512 pixels.
  static std::vector<Shape> bench_shapes() {
    return {{64, 0, 2, 128, 128}, {128, 0, 1, 64, 64}, {256, 0, 1, 32, 32}, {512, 0, 1, 16, 16}};
  }

  static std::string describe(const Shape& s) {
    char text[96];
    std::snprintf(text, sizeof text, "%dx%dpx@%d %d->%d", 4 * s.high, s.pixels, s.x0, s.channels, s.outputs);
    return text;
  }
  // Of the direct convolution.
  static Work work(const Shape& s) {
    const double rows = 4.0 * s.high;
    return {2.0 * 9 * s.channels * s.outputs * s.pixels * rows,
            72.0 * s.channels * s.outputs + s.pixels * ((rows + 2) * s.channels + rows * s.outputs)};
  }

  static constexpr int kMostRows = 16;
  struct Case : IntegerCase<Kernel> {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : IntegerCase(4 * s.high * s.pixels, s.outputs),
          shape(s),
          rng(seed),
          in(s.x0 + s.pixels, s.channels, 9, rng, fill, 0, 255),
          w(static_cast<std::size_t>(s.outputs * s.channels * 9)),
          b(static_cast<std::size_t>(s.outputs)),
          m(static_cast<std::size_t>(s.outputs)) {
      const double size = 255.0 * 64 * 9 * s.channels;
      fill_pairs(rng, fill, w, 9);  // neighbours are channels
      for (auto& x : b) x = draw_bias(rng, fill, size);
      for (auto& x : m) x = draw_multiplier(rng, fill, size);
    }
    int pixels() const { return 4 * shape.high * shape.pixels; }
    bool intact() const { return IntegerCase::intact() && scratch->intact(); }
    void run(const Kernel& k) {
      if (packer != &k)
        scratch = std::make_unique<Guarded<std::int16_t>>(scratch_size_winograd3x3_s8(k, shape.channels));
      const std::uint8_t* rows[kMostRows + 2];
      std::uint8_t* to[kMostRows];
      for (int i = 0; i < 4 * shape.high + 2; ++i) rows[i] = in[i];
      for (int i = 0; i < 4 * shape.high; ++i) to[i] = out_at(i * shape.pixels - shape.x0);
      k.run({.rows = rows,
             .out = to,
             .packed = packed_for(
                 k, packed_size_winograd3x3_s8(k, shape.channels, outputs),
                 [&](std::byte* p) {
                   pack_winograd3x3_s8(
                       k, {.w = w.data(), .b = b.data(), .m = m.data(), .channels = shape.channels, .outputs = outputs},
                       p);
                 }),
             .scratch = scratch->data(),
             .high = shape.high,
             .x0 = shape.x0,
             .pixels = shape.pixels,
             .channels = shape.channels,
             .outputs = outputs});
    }
    // The formula of conv3x3_s8.h.
    std::uint8_t exact(int p, int n) const {
      const int y = p / shape.pixels, x = shape.x0 + p % shape.pixels;
      std::int32_t sum = b[static_cast<std::size_t>(n)];
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          for (int c = 0; c < shape.channels; ++c)
            sum += in.at(y + i, x + j - 1, c) * w[static_cast<std::size_t>(((n * shape.channels + c) * 3 + i) * 3 + j)];
      return requantise(sum, m[static_cast<std::size_t>(n)]);
    }

    Shape shape;
    Rng rng;
    IntegerRows<std::uint8_t, kMostRows + 2> in;
    Guarded<std::int8_t> w;
    Guarded<std::int32_t> b, m;
    std::unique_ptr<Guarded<std::int16_t>> scratch;
  };

  static std::string disagreement(const Case& got, const Case& want) { return first_difference(got, want); }
};

}  // namespace dtacs::test
