// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "kernels/head3x3/head3x3.h"
#include "tests/kernels/padded_row.h"

namespace dtacs::test {

struct Head3x3Suite {
  using Kernel = Head3x3Kernel;
  struct Shape {
    int pixels, x0, channels, outputs;
  };

  static const Family<Kernel>& family() { return head3x3_f32; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    for (const int channels : edge_sizes(8, 32))
      for (const int outputs : {1, 2, 3, 4, 5, 8, 12, 13, 16})
        for (const int pixels : {1, 2, 3, 4, 7}) v.push_back({pixels, pixels % 3 * 2, channels, outputs});
    return v;
  }
  static std::vector<Shape> bench_shapes() { return {{512, 0, 16, 4}, {512, 0, 16, 12}}; }

  static std::string describe(const Shape& s) {
    char text[64];
    std::snprintf(text, sizeof text, "%dpx@%d %d->%d", s.pixels, s.x0, s.channels, s.outputs);
    return text;
  }
  static Work work(const Shape& s) {
    return {18.0 * s.channels * s.outputs * s.pixels, 4.0 * s.pixels * (3 * s.channels + s.outputs)};
  }

  struct Case {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : shape(s),
          weights(static_cast<std::size_t>(9 * s.channels * s.outputs)),
          bias(static_cast<std::size_t>(s.outputs)),
          logits(static_cast<std::size_t>(s.pixels * s.outputs)),
          classes(static_cast<std::size_t>(s.pixels)) {
      Rng rng(seed);
      for (auto& row : rows) {
        row = std::make_unique<PaddedRow>(s.x0 + s.pixels, s.channels);
        row->fill(rng, fill);
      }
      for (float& x : weights) x = draw_real(rng, fill, kWeightRange);
      for (float& x : bias) x = draw_real(rng, fill, kBiasRange);
      for (float& x : logits) x = -12345.0f;
      for (auto& x : classes) x = 0x5a;
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      k.run({.rows = {rows[0]->data(), rows[1]->data(), rows[2]->data()},
             .weights = weights.data(),
             .bias = bias.data(),
             .logits = logits.data() + static_cast<std::ptrdiff_t>(first) * shape.outputs,
             .classes = classes.data() + first,
             .x0 = shape.x0 + first,
             .pixels = count,
             .channels = shape.channels,
             .outputs = shape.outputs});
    }
    bool intact() const {
      return weights.intact() && bias.intact() && logits.intact() && classes.intact() && rows[0]->intact() &&
             rows[1]->intact() && rows[2]->intact();
    }
    Exact exact(int p, int n) const {
      Exact sum(bias[static_cast<std::size_t>(n)]);
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          for (int c = 0; c < shape.channels; ++c)
            sum.add(rows[i]->data()[(shape.x0 + p + j - 1) * shape.channels + c],
                    weights[static_cast<std::size_t>(((n * 3 + i) * 3 + j) * shape.channels + c)]);
      return sum;
    }

    Shape shape;
    std::unique_ptr<PaddedRow> rows[3];
    Guarded<float> weights, bias, logits;
    Guarded<std::uint8_t> classes;
  };

  // A class belongs to the logits beside it: where two are nearly the same, two
  // variants may choose differently.
  static std::string disagreement(const Case& got, const Case& want) {
    const Shape& s = want.shape;
    for (int p = 0; p < s.pixels; ++p) {
      int largest = 0;
      for (int n = 0; n < s.outputs; ++n) {
        const Exact exact = want.exact(p, n);
        const auto i = static_cast<std::size_t>(p * s.outputs + n);
        const double tolerance = static_cast<double>(kHead3x3RelTol) * exact.size;
        std::string why = differs(i, got.logits[i], want.logits[i], exact.value, tolerance);
        if (!why.empty()) return why;
        if (got.logits[i] > got.logits[static_cast<std::size_t>(p * s.outputs + largest)]) largest = n;
      }
      const int found = got.classes[static_cast<std::size_t>(p)];
      if (found != largest)
        return "classes[" + std::to_string(p) + "] = " + std::to_string(found) + ", its logits say " +
               std::to_string(largest);
    }
    return {};
  }
};

}  // namespace dtacs::test
