// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <memory>

#include "kernels/pixelnet/pixelnet.h"
#include "tests/support/buffer.h"
#include "tests/support/suite.h"

namespace dtacs::test {

struct PixelNetSuite {
  using Kernel = PixelNetKernel;
  struct Shape {
    int pixels, inputs, hidden, outputs;
    bool residual = true;
  };

  static const Family<Kernel>& family() { return pixelnet_u16; }

  static std::vector<Shape> test_shapes() {
    std::vector<Shape> v;
    for (const int pixels : edge_sizes(8, 80)) v.push_back({pixels, 13, 52, 12});
    for (const int pixels : edge_sizes(24, 80))
      for (const bool residual : {false, true}) v.push_back({pixels, 5, 7, 6, residual});
    for (const auto& [inputs, outputs] : {std::pair{1, 1}, {4, 4}, {7, 7}, {13, 12}, {16, 16}, {2, 16}, {16, 3}})
      for (const int hidden : {0, 1, 2, 3, 4, 6, 16, 128})
        for (const bool residual : {false, true}) v.push_back({29, inputs, hidden, outputs, residual});
    return v;
  }
  static std::vector<Shape> bench_shapes() {
    return {{10980, 13, 52, 12}, {10980, 7, 28, 7}, {10980, 4, 16, 4}, {10980, 13, 0, 12, false}};
  }

  static std::string describe(const Shape& s) {
    return std::to_string(s.pixels) + "px " + std::to_string(s.inputs) + "->" +
           (s.hidden > 0 ? std::to_string(s.hidden) + "->" : "") + std::to_string(s.outputs) +
           (s.residual ? " residual" : "");
  }
  static Work work(const Shape& s) {
    const double per_pixel = s.hidden > 0 ? s.hidden * (s.inputs + s.outputs) : s.inputs * s.outputs;
    return {2 * per_pixel * s.pixels, 2.0 * s.pixels * (s.inputs + s.outputs)};
  }

  struct Case {
    Case(const Shape& s, std::uint64_t seed, Fill fill)
        : shape(s),
          offset(size(s.inputs)),
          w1(size(s.hidden * s.inputs)),
          b1(size(s.hidden)),
          w2(size(s.outputs * (s.hidden > 0 ? s.hidden : s.inputs))),
          b2(size(s.outputs)),
          residual(size(s.outputs)) {
      Rng rng(seed);
      // One value in eight is any 16-bit number, the others are those of a scene.
      const auto dn = [&] { return rng.next() % 8 == 0 ? draw(rng, fill, 0, 65535) : draw(rng, fill, 1, 12000); };
      for (int c = 0; c < s.inputs; ++c) {
        in.push_back(std::make_unique<Plane>(size(s.pixels)));
        for (auto& x : *in.back()) x = static_cast<std::uint16_t>(dn());
      }
      for (int m = 0; m < s.outputs; ++m) {
        out.push_back(std::make_unique<Plane>(size(s.pixels)));
        for (auto& x : *out.back()) x = 0x5a5a;
      }
      const float spread = 0.4f / std::sqrt(static_cast<float>(s.inputs));
      for (float& x : offset) x = static_cast<float>(draw(rng, fill, -1000, 0));
      for (float& x : w1) x = 0.001f * spread * static_cast<float>(draw(rng, fill, -999, 999));
      for (float& x : b1) x = 0.0003f * static_cast<float>(draw(rng, fill, -999, 999));
      for (float& x : w2) x = 0.001f * spread * static_cast<float>(draw(rng, fill, -999, 999));
      for (float& x : b2) x = 0.0003f * static_cast<float>(draw(rng, fill, -999, 999));
      for (int m = 0; m < s.outputs; ++m) residual[size(m)] = (3 * m + 1) % s.inputs;
    }
    int pixels() const { return shape.pixels; }
    void run(const Kernel& k) { run(k, 0, shape.pixels); }
    void run(const Kernel& k, int first, int count) {
      PixelNetArgs a{.in = {},
                     .out = {},
                     .offset = offset.data(),
                     .quantification = quantification,
                     .w1 = w1.data(),
                     .b1 = b1.data(),
                     .w2 = w2.data(),
                     .b2 = b2.data(),
                     .residual = shape.residual ? residual.data() : nullptr,
                     .pixels = count,
                     .inputs = shape.inputs,
                     .hidden = shape.hidden,
                     .outputs = shape.outputs};
      for (int c = 0; c < shape.inputs; ++c) a.in[c] = in[size(c)]->data() + first;
      for (int m = 0; m < shape.outputs; ++m) a.out[m] = out[size(m)]->data() + first;
      k.run(a);
    }
    bool intact() const {
      bool ok = true;
      for (const auto& plane : in) ok = ok && plane->intact();
      for (const auto& plane : out) ok = ok && plane->intact();
      return ok;
    }
    // The digital number before it is truncated, in double precision.
    double exact(int p, int m) const {
      double x[kPixelNetMaxBands], h[kPixelNetMaxHidden];
      for (int c = 0; c < shape.inputs; ++c)
        x[c] = (static_cast<double>((*in[size(c)])[size(p)]) + static_cast<double>(offset[size(c)])) /
               static_cast<double>(quantification);
      for (int k = 0; k < shape.hidden; ++k) {
        h[k] = static_cast<double>(b1[size(k)]);
        for (int c = 0; c < shape.inputs; ++c) h[k] += x[c] * static_cast<double>(w1[size(k * shape.inputs + c)]);
        h[k] = std::fmax(h[k], 0.0);
      }
      double f = static_cast<double>(b2[size(m)]);
      const int depth = shape.hidden > 0 ? shape.hidden : shape.inputs;
      for (int k = 0; k < depth; ++k)
        f += (shape.hidden > 0 ? h[k] : x[k]) * static_cast<double>(w2[size(m * depth + k)]);
      const double y = shape.residual ? x[residual[size(m)]] - f : f;
      return std::fmin(std::fmax(y, 0.0), 2.0) * 10000;
    }

    using Plane = Guarded<std::uint16_t>;
    static std::size_t size(int n) { return static_cast<std::size_t>(n); }
    float quantification = 10000.0f;
    Shape shape;
    std::vector<std::unique_ptr<Plane>> in, out;
    Guarded<float> offset, w1, b1, w2, b2;
    Guarded<int> residual;
  };

  static std::string disagreement(const Case& got, const Case& want) {
    const Shape& s = want.shape;
    for (int m = 0; m < s.outputs; ++m) {
      for (int p = 0; p < s.pixels; ++p) {
        const auto i = static_cast<std::size_t>(p);
        const int found = (*got.out[static_cast<std::size_t>(m)])[i];
        const int reference = (*want.out[static_cast<std::size_t>(m)])[i];
        const double exact = want.exact(p, m);
        if (std::abs(found - reference) <= 1 && std::fabs(found - std::floor(exact)) <= 1) continue;
        return "out " + std::to_string(m) + " of pixel " + std::to_string(p) + " = " + std::to_string(found) +
               ", the reference has " + std::to_string(reference) + ", exact " + std::to_string(exact);
      }
    }
    return {};
  }
};

}  // namespace dtacs::test
