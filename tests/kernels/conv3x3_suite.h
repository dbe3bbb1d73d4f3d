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
    int channels[2];
    bool up2[2];
    int outputs, stride;
    Range range = kRanges[1];
  };

  static const Family<Kernel>& family() { return conv3x3_f32; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    unsigned n = 0;
    const auto range = [&n] { return kRanges[n++ % 3]; };
    for (const int outputs : edge_sizes(8, 50))
      for (const int pixels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17})
        for (const int stride : {1, 2}) v.push_back({pixels, 0, {3, 0}, {false, false}, outputs, stride, range()});
    for (const int channels : edge_sizes(8, 40))
      for (const int stride : {1, 2}) v.push_back({7, 5, {channels, 0}, {false, false}, 16, stride, range()});
    for (const int pixels : {1, 2, 5, 12, 19})
      for (const int x0 : {0, 1, 4}) {
        v.push_back({pixels, x0, {5, 0}, {true, false}, 17, 1, range()});
        v.push_back({pixels, x0, {5, 3}, {true, false}, 20, 1, range()});
        v.push_back({pixels, x0, {2, 7}, {false, true}, 8, 1, range()});
        v.push_back({pixels, x0, {1, 1}, {true, true}, 1, 1, range()});
        v.push_back({pixels, x0, {4, 9}, {false, false}, 33, 2, range()});
        v.push_back({pixels, x0, {0, 6}, {false, true}, 3, 1, range()});
      }
    v.push_back({10, 0, {1280, 96}, {true, false}, 16, 1, kRanges[0]});  // the longest sum of the U-Net
    return v;
  }
  // Rows of the U-Net on 512 x 512 pixels; the last is the heaviest row of a whole scene.
  static std::vector<Shape> bench_shapes() {
    return {{256, 0, {13, 0}, {false, false}, 32, 2, kRanges[2]},
            {32, 0, {1280, 96}, {true, false}, 256, 1},
            {64, 0, {128, 0}, {false, false}, 128, 1},
            {256, 0, {64, 16}, {true, false}, 32, 1},
            {512, 0, {32, 0}, {true, false}, 16, 1},
            {512, 0, {16, 0}, {false, false}, 16, 1},
            {688, 0, {1280, 96}, {true, false}, 256, 1}};
  }

  static std::string describe(const Shape& s) {
    char text[96];
    std::snprintf(text, sizeof text, "%dpx@%d %d%s+%d%s->%d s%d %s", s.pixels, s.x0, s.channels[0],
                  s.up2[0] ? "up2" : "", s.channels[1], s.up2[1] ? "up2" : "", s.outputs, s.stride, s.range.name);
    return text;
  }
  static Work work(const Shape& s) {
    const double in = s.channels[0] + s.channels[1];
    return {2.0 * 9 * in * s.outputs * s.pixels, 4.0 * (9 * in * s.outputs + s.pixels * (3 * in + s.outputs))};
  }

  struct Case {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : shape(s),
          weights(static_cast<std::size_t>(s.outputs * (s.channels[0] + s.channels[1]) * 9)),
          bias(static_cast<std::size_t>(s.outputs)),
          out(static_cast<std::size_t>(s.pixels * s.outputs)) {
      Rng rng(seed);
      for (int n = 0; n < 2; ++n) {
        // With stride 2 the right padding is read at odd widths only; both are met.
        const int whole = (s.x0 + s.pixels) * s.stride - (s.stride == 2 && s.pixels % 2 == 1 ? 1 : 0);
        for (auto& row : rows[n]) {
          row = std::make_unique<PaddedRow>(s.up2[n] ? (whole + 1) / 2 : whole, s.channels[n]);
          row->fill(rng, fill);
        }
      }
      for (float& x : weights) x = draw_real(rng, fill, kWeightRange);
      for (float& x : bias) x = draw_real(rng, fill, kBiasRange);
      for (float& x : out) x = -12345.0f;
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      if (packed_for != &k) {  // packing is load-time work: benches pay it once
        const int channels = shape.channels[0] + shape.channels[1];
        packed = std::make_unique<Guarded<float>>(packed_size_conv3x3(k, channels, shape.outputs));
        pack_conv3x3(k, weights.data(), bias.data(), shape.channels[0], shape.channels[1], shape.outputs,
                     packed->data());
        packed_for = &k;
      }
      Conv3x3Args a{.source = {source(0), source(1)},
                    .packed = packed->data(),
                    .out = out.data() + static_cast<std::ptrdiff_t>(first) * shape.outputs,
                    .x0 = shape.x0 + first,
                    .pixels = count,
                    .outputs = shape.outputs,
                    .stride = shape.stride,
                    .lo = shape.range.lo,
                    .hi = shape.range.hi};
      k.run(a);
    }
    bool intact() const {
      bool ok = out.intact() && packed->intact();
      for (const auto& source : rows)
        for (const auto& row : source) ok = ok && row->intact();
      return ok;
    }
    Conv3x3Source source(int n) const {
      return {{rows[n][0]->data(), rows[n][1]->data(), rows[n][2]->data()}, shape.channels[n], shape.up2[n]};
    }
    // The formula, from the weights as they came.
    Exact exact(int p, int n) const {
      const auto at = [](int x, bool up2) { return up2 ? (x + 2) / 2 - 1 : x; };
      const int channels = shape.channels[0] + shape.channels[1];
      Exact sum(bias[static_cast<std::size_t>(n)]);
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          for (int c = 0; c < channels; ++c) {
            const int s = c < shape.channels[0] ? 0 : 1;
            const int x = at((shape.x0 + p) * shape.stride + j - 1, shape.up2[s]);
            const int own = c - (s == 0 ? 0 : shape.channels[0]);
            sum.add(source(s).rows[i][x * shape.channels[s] + own],
                    weights[static_cast<std::size_t>((n * channels + c) * 9 + i * 3 + j)]);
          }
      return sum;
    }

    Shape shape;
    std::unique_ptr<PaddedRow> rows[2][3];
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
        const std::string why = differs(i, got.out[i], want.out[i], clamped(exact.value, s.range), tolerance);
        if (!why.empty()) return why;
      }
    }
    return {};
  }
};

}  // namespace dtacs::test
