// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <limits>

#include "kernels/pixels_s16/pixels_s16.h"
#include "tests/support/buffer.h"
#include "tests/support/suite.h"

namespace dtacs::test {

struct PixelsS16Suite {
  using Kernel = PixelsS16Kernel;
  struct Shape {
    int pixels, channels;
    float quantification;  // 0: bands of reflectance
  };

  static const Family<Kernel>& family() { return pixels_s16; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    for (const int channels : {1, 2, 7, 8, 9, 13, 16, 19, 33})
      for (const int pixels : {1, 7, 8, 9, 127, 128, 129, 300})
        for (const float quantification : {0.0f, 10000.0f, 9999.0f, 20000.0f})
          v.push_back({pixels, channels, quantification});
    return v;
  }
  static std::vector<Shape> bench_shapes() { return {{512, 13, 0}, {10980, 13, 10000}}; }

  static std::string describe(const Shape& s) {
    return std::to_string(s.pixels) + "px " + std::to_string(s.channels) +
           (s.quantification == 0 ? " of reflectance" : " over " + std::to_string(s.quantification));
  }
  static Work work(const Shape& s) {
    const double n = static_cast<double>(s.pixels) * s.channels;
    return {n, n * (s.quantification == 0 ? 6 : 4)};
  }

  struct Case {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : shape(s),
          rng(seed),
          reflectance(static_cast<std::size_t>(s.pixels * s.channels)),
          numbers(reflectance.size()),
          out(static_cast<std::size_t>(s.pixels * step())) {
      for (auto& x : reflectance) {
        x = static_cast<float>(draw(rng, fill, -40000, 40000)) * 1.0e-4f;
        if (fill != Fill::random) x *= 1.0e30f;
        if (fill == Fill::random && rng.between(0, 99) == 0) x = std::numeric_limits<float>::quiet_NaN();
        if (fill == Fill::random && rng.between(0, 9) == 0) x = (static_cast<float>(rng.between(-9, 9)) + 0.5f) / 10000;
      }
      for (auto& x : numbers) x = static_cast<std::uint16_t>(draw(rng, fill, 0, 65535));
      constexpr float kOffsets[] = {-1000.0f, 0.0f, 0.5f, -40000.0f, 32767.0f, -32767.0f, 1e9f};
      for (auto& x : offset) x = kOffsets[rng.between(0, 6)];
      for (auto& x : out) x = 77;
    }
    int pixels() const { return shape.pixels; }
    int step() const { return shape.channels + 1; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      pixels_s16_row(k, shape.channels, count, shape.quantification, out.data() + first * step(), step(), [&](int c) {
        PixelsS16Band band;
        if (shape.quantification == 0)
          band.reflectance = reflectance.data() + c * shape.pixels + first;
        else
          band = {.numbers = numbers.data() + c * shape.pixels + first,
                  .offset = offset[static_cast<std::size_t>(c) % offset.size()]};
        return band;
      });
    }
    bool intact() const { return out.intact(); }
    std::int16_t exact(int p, int c) const {
      if (c == shape.channels) return 77;
      const auto i = static_cast<std::size_t>(c * shape.pixels + p);
      const float unit = kPixelsS16Unit;
      const float v = shape.quantification == 0
                          ? reflectance[i] * unit
                          : (static_cast<float>(numbers[i]) + offset[static_cast<std::size_t>(c) % offset.size()]) *
                                unit / shape.quantification;
      const float raised = v + 32768.5f;
      if (!(raised > 0)) return -32768;
      return static_cast<std::int16_t>(raised < 65535 ? std::floor(raised) - 32768 : 32767);
    }

    Shape shape;
    Rng rng;
    Guarded<float> reflectance;
    Guarded<std::uint16_t> numbers;
    std::array<float, 8> offset;  // of every eighth channel
    Guarded<std::int16_t> out;
  };

  static std::string disagreement(const Case& got, const Case& want) {
    for (int p = 0; p < want.pixels(); ++p)
      for (int c = 0; c < want.step(); ++c) {
        const auto i = static_cast<std::size_t>(p * want.step() + c);
        const bool right = want.out[i] == want.exact(p, c);
        if (right && got.out[i] == want.out[i]) continue;
        return std::string(right ? "out = " : "the reference = ") + std::to_string(right ? got.out[i] : want.out[i]) +
               " at pixel " + std::to_string(p) + " channel " + std::to_string(c) + ", expected " +
               std::to_string(want.exact(p, c));
      }
    return {};
  }
};

}  // namespace dtacs::test
