// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "kernels/conv3x3/conv3x3.h"
#include "tests/kernels/padded_row.h"

namespace dtacs::test {

struct Conv3x3Suite {
  using Kernel = Conv3x3Kernel;
  struct Shape {
    int pixels, x0;
    int channels, outputs, stride;
    Range range = kRanges[1];
  };

  static const Family<Kernel>& family() { return conv3x3_f32; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    unsigned n = 0;
    const auto range = [&n] { return kRanges[n++ % 3]; };
    for (const int outputs : edge_sizes(8, 50))
      for (const int pixels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17})
        for (const int stride : {1, 2}) v.push_back({pixels, 0, 3, outputs, stride, range()});
    for (const int channels : edge_sizes(8, 40))
      for (const int stride : {1, 2}) v.push_back({7, 5, channels, 16, stride, range()});
    for (const int pixels : {1, 2, 5, 12, 19})
      for (const int x0 : {0, 1, 4}) v.push_back({pixels, x0, 13, 33, 2, range()});
    v.push_back({10, 0, 1376, 16, 1, kRanges[0]});
    return v;
  }
  // The stem's row of the U-Net on 512 x 512 pixels, and what a decoder's would be.
  static std::vector<Shape> bench_shapes() { return {{256, 0, 13, 32, 2, kRanges[2]}, {64, 0, 128, 128, 1}}; }

  static std::string describe(const Shape& s) {
    char text[96];
    std::snprintf(text, sizeof text, "%dpx@%d %d->%d s%d %s", s.pixels, s.x0, s.channels, s.outputs, s.stride,
                  s.range.name);
    return text;
  }
  static Work work(const Shape& s) {
    const double in = s.channels;
    return {2.0 * 9 * in * s.outputs * s.pixels, 4.0 * (9 * in * s.outputs + s.pixels * (3 * in + s.outputs))};
  }

  struct Case {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : shape(s),
          weights(static_cast<std::size_t>(s.outputs * s.channels * 9)),
          bias(static_cast<std::size_t>(s.outputs)),
          out(static_cast<std::size_t>(s.pixels * s.outputs)) {
      Rng rng(seed);
      // With stride 2 the right padding is read at odd widths only; both are met.
      const int width = (s.x0 + s.pixels) * s.stride - (s.stride == 2 && s.pixels % 2 == 1 ? 1 : 0);
      for (auto& row : rows) {
        row = std::make_unique<PaddedRow>(width, s.channels);
        row->fill(rng, fill);
      }
      for (float& x : weights) x = draw_real(rng, fill, kWeightRange);
      for (float& x : bias) x = draw_real(rng, fill, kBiasRange);
      for (float& x : out) x = -12345.0f;
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      if (packed_for != &k) {  // packing is load-time work: benches pay it once
        packed = std::make_unique<Guarded<float>>(packed_size_conv3x3(k, shape.channels, shape.outputs));
        pack_conv3x3(k, weights.data(), bias.data(), shape.channels, shape.outputs, packed->data());
        packed_for = &k;
      }
      k.run({.rows = {rows[0]->data(), rows[1]->data(), rows[2]->data()},
             .packed = packed->data(),
             .out = out.data() + static_cast<std::ptrdiff_t>(first) * shape.outputs,
             .x0 = shape.x0 + first,
             .pixels = count,
             .channels = shape.channels,
             .outputs = shape.outputs,
             .stride = shape.stride,
             .lo = shape.range.lo,
             .hi = shape.range.hi});
    }
    bool intact() const {
      bool ok = out.intact() && packed->intact();
      for (const auto& row : rows) ok = ok && row->intact();
      return ok;
    }
    // The formula, from the weights as they came.
    Exact exact(int p, int n) const {
      Exact sum(bias[static_cast<std::size_t>(n)]);
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          for (int c = 0; c < shape.channels; ++c)
            sum.add(rows[i]->data()[((shape.x0 + p) * shape.stride + j - 1) * shape.channels + c],
                    weights[static_cast<std::size_t>((n * shape.channels + c) * 9 + i * 3 + j)]);
      return sum;
    }

    Shape shape;
    std::unique_ptr<PaddedRow> rows[3];
    Guarded<float> weights, bias, out;
    std::unique_ptr<Guarded<float>> packed;
    const Kernel* packed_for = nullptr;
  };

  static std::string disagreement(const Case& got, const Case& want) {
    const Shape& s = want.shape;
    for (int p = 0; p < s.pixels; ++p) {
      for (int n = 0; n < s.outputs; ++n) {
        const Exact exact = want.exact(p, n);
        const auto i = static_cast<std::size_t>(p * s.outputs + n);
        const double tolerance = static_cast<double>(kConv3x3RelTol) * exact.size;
        std::string why = differs(i, got.out[i], want.out[i], clamped(exact.value, s.range), tolerance);
        if (!why.empty()) return why;
      }
    }
    return {};
  }
};

}  // namespace dtacs::test
