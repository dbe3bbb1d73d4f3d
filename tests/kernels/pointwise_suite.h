// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "kernels/pointwise/pointwise.h"
#include "tests/kernels/padded_row.h"

namespace dtacs::test {

struct PointwiseSuite {
  using Kernel = PointwiseKernel;
  enum class Add { none, separate, in_place };
  struct Shape {
    int pixels, depth, outputs;
    Add add = Add::none;
    Range range = kRanges[2];
  };

  static const Family<Kernel>& family() { return pointwise_f32; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    unsigned n = 0;
    for (const int depth : {1, 2, 3, 8, 17})
      for (const int outputs : edge_sizes(8, 50))
        for (const int pixels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17}) {
          v.push_back({pixels, depth, outputs, static_cast<Add>(n % 4 % 3), kRanges[n % 3]});
          ++n;
        }
    v.push_back({50, 960, 24, Add::in_place, kRanges[0]});   // several chunks of pixels
    v.push_back({350, 100, 17, Add::separate, kRanges[1]});  // of another size
    return v;
  }
  // Rows of the U-Net on 512 x 512 pixels.
  static std::vector<Shape> bench_shapes() {
    return {{256, 16, 96},
            {128, 24, 144},
            {128, 144, 24, Add::separate, kRanges[0]},
            {32, 96, 576},
            {32, 576, 96, Add::separate, kRanges[0]},
            {16, 960, 160, Add::separate, kRanges[0]},
            {16, 320, 1280},
            {1024, 96, 576}};
  }

  static std::string describe(const Shape& s) {
    constexpr const char* kAdds[] = {"", " +add", " +add in place"};
    return std::to_string(s.pixels) + "px " + std::to_string(s.depth) + "->" + std::to_string(s.outputs) +
           kAdds[static_cast<int>(s.add)] + " " + s.range.name;
  }
  static Work work(const Shape& s) {
    const double p = s.pixels, d = s.depth, n = s.outputs;
    return {2 * p * d * n, 4 * (p * d + d * n + (s.add == Add::none ? 1 : 2) * p * n)};
  }

  struct Case {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : shape(s),
          in(static_cast<std::size_t>(s.pixels * s.depth)),
          weights(static_cast<std::size_t>(s.outputs * s.depth)),
          bias(static_cast<std::size_t>(s.outputs)),
          add(static_cast<std::size_t>(s.pixels * s.outputs)),
          out(static_cast<std::size_t>(s.pixels * s.outputs)) {
      Rng rng(seed);
      for (float& x : in) x = draw_real(rng, fill, kInputRange);
      for (float& x : weights) x = draw_real(rng, fill, kWeightRange);
      for (float& x : bias) x = draw_real(rng, fill, kBiasRange);
      for (float& x : add) x = draw_real(rng, fill, kBiasRange);
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = s.add == Add::in_place ? add[i] : -12345.0f;
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      if (packed_for != &k) {  // packing is load-time work: benches pay it once
        packed = std::make_unique<Guarded<float>>(packed_size_pointwise(k, shape.depth, shape.outputs));
        pack_pointwise(k, weights.data(), bias.data(), shape.depth, shape.outputs, packed->data());
        packed_for = &k;
      }
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(first) * shape.outputs;
      float* residual[] = {nullptr, add.data() + at, out.data() + at};
      k.run({.in = in.data() + static_cast<std::ptrdiff_t>(first) * shape.depth,
             .packed = packed->data(),
             .add = residual[static_cast<int>(shape.add)],
             .out = out.data() + at,
             .pixels = count,
             .depth = shape.depth,
             .outputs = shape.outputs,
             .lo = shape.range.lo,
             .hi = shape.range.hi});
    }
    bool intact() const { return in.intact() && bias.intact() && add.intact() && out.intact() && packed->intact(); }
    // The formula, from the weights as they came, before the clamp.
    Exact exact(int p, int n) const {
      Exact sum(bias[static_cast<std::size_t>(n)]);
      for (int k = 0; k < shape.depth; ++k)
        sum.add(in[static_cast<std::size_t>(p * shape.depth + k)],
                weights[static_cast<std::size_t>(n * shape.depth + k)]);
      return sum;
    }

    Shape shape;
    Guarded<float> in, weights, bias, add, out;
    std::unique_ptr<Guarded<float>> packed;
    const Kernel* packed_for = nullptr;
  };

  static std::string disagreement(const Case& got, const Case& want) {
    const Shape& s = want.shape;
    for (int p = 0; p < s.pixels; ++p) {
      for (int n = 0; n < s.outputs; ++n) {
        const Exact sum = want.exact(p, n);
        const auto i = static_cast<std::size_t>(p * s.outputs + n);
        const double add = s.add == Add::none ? 0.0 : static_cast<double>(want.add[i]);
        const double tolerance = static_cast<double>(kPointwiseRelTol) * (sum.size + std::fabs(add));
        std::string why = differs(i, got.out[i], want.out[i], clamped(sum.value, s.range) + add, tolerance);
        if (!why.empty()) return why;
      }
    }
    return {};
  }
};

}  // namespace dtacs::test
