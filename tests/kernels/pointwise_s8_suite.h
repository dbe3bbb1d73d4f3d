// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/pointwise_s8/pointwise_s8.h"
#include "tests/kernels/integer_case.h"

namespace dtacs::test {

struct PointwiseS8Suite {
  using Kernel = PointwiseS8Kernel;
  enum class Add { none, separate, in_place };
  struct Shape {
    int pixels, depth, outputs;
    Add add = Add::none;
    bool wide = false;
  };

  static const Family<Kernel>& family() { return pointwise_s8; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    unsigned n = 0;
    for (const int depth : {8, 16, 24, 40})
      for (const int outputs : {8, 16, 24, 32, 40, 56, 72})
        for (const int pixels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 25}) {
          v.push_back({pixels, depth, outputs, static_cast<Add>(n % 4 % 3), n % 5 == 0});
          ++n;
        }
    v.push_back({300, 960, 24, Add::in_place});  // several chunks of pixels
    return v;
  }
  // Rows of the U-Net on 512 x 512 pixels.
  static std::vector<Shape> bench_shapes() {
    return {{256, 16, 96},
            {128, 24, 144},
            {128, 144, 24, Add::separate},
            {32, 96, 576},
            {32, 576, 96, Add::separate},
            {16, 960, 160, Add::separate},
            {16, 320, 1280},
            {1024, 96, 576}};
  }

  static std::string describe(const Shape& s) {
    constexpr const char* kAdds[] = {"", " +add", " +add in place"};
    return std::to_string(s.pixels) + "px " + std::to_string(s.depth) + "->" + std::to_string(s.outputs) +
           kAdds[static_cast<int>(s.add)] + (s.wide ? " wide" : "");
  }
  static Work work(const Shape& s) {
    const double p = s.pixels, d = s.depth, n = s.outputs;
    return {2 * p * d * n, p * d + d * n + (s.add == Add::none ? 1 : 2) * p * n};
  }

  struct Case : IntegerCase<Kernel> {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : IntegerCase(s.pixels, s.outputs),
          shape(s),
          in(static_cast<std::size_t>(s.pixels * s.depth)),
          add(static_cast<std::size_t>(s.pixels * s.outputs)),
          w(static_cast<std::size_t>(s.outputs * s.depth)),
          wide(static_cast<std::size_t>(s.outputs * s.depth)),
          b(static_cast<std::size_t>(s.outputs)),
          m(static_cast<std::size_t>(s.outputs)),
          r(static_cast<std::size_t>(s.outputs)) {
      Rng rng(seed);
      const double size = 255.0 * (s.wide ? 4000 : 32) * s.depth;
      for (auto& x : in) x = static_cast<std::uint8_t>(draw(rng, fill, 0, 255));
      for (auto& x : add) x = static_cast<std::uint8_t>(draw(rng, fill, 0, 255));
      fill_pairs(rng, fill, w, 1);
      for (auto& x : wide) x = static_cast<std::int16_t>(draw(rng, fill, -kMostWide, kMostWide));
      for (auto& x : b) x = draw_bias(rng, fill, size);
      for (auto& x : m) x = draw_multiplier(rng, fill, size);
      for (auto& x : r) x = static_cast<std::int16_t>(draw(rng, fill, 0, 32767));
      for (std::size_t i = 0; i < out.size() && s.add == Add::in_place; ++i) out[i] = add[i];
    }
    PointwiseS8Weights weights() const {
      return {.w = shape.wide ? nullptr : w.data(),
              .wide = shape.wide ? wide.data() : nullptr,
              .b = b.data(),
              .m = m.data(),
              .r = shape.add == Add::none ? nullptr : r.data(),
              .depth = shape.depth,
              .outputs = shape.outputs};
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      std::uint8_t* residual[] = {nullptr, add.data() + static_cast<std::ptrdiff_t>(first) * outputs, out_at(first)};
      k.run({.in = in.data() + static_cast<std::ptrdiff_t>(first) * shape.depth,
             .packed = packed_for(k, packed_size_pointwise_s8(k, shape.depth, outputs, shape.wide),
                                  [&](std::byte* to) { pack_pointwise_s8(k, weights(), to); }),
             .add = residual[static_cast<int>(shape.add)],
             .out = out_at(first),
             .pixels = count,
             .depth = shape.depth,
             .outputs = shape.outputs,
             .wide = shape.wide});
    }
    // The formula, from the weights as they came.
    std::uint8_t exact(int p, int n) const {
      const auto at = [&](int i, int k) { return static_cast<std::size_t>(i * shape.depth + k); };
      const auto i = static_cast<std::size_t>(n), o = static_cast<std::size_t>(p * shape.outputs + n);
      std::int32_t sum = b[i];
      for (int k = 0; k < shape.depth; ++k) sum += in[at(p, k)] * (shape.wide ? wide[at(n, k)] : w[at(n, k)]);
      if (shape.add != Add::none) sum += add[o] * r[i];
      return requantise(sum, m[i]);
    }

    Shape shape;
    Guarded<std::uint8_t> in, add;
    Guarded<std::int8_t> w;
    Guarded<std::int16_t> wide;
    Guarded<std::int32_t> b, m;
    Guarded<std::int16_t> r;
  };

  static std::string disagreement(const Case& got, const Case& want) { return first_difference(got, want); }
};

}  // namespace dtacs::test
