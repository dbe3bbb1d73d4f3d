// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "bench/bench.h"
#include "bench/peak.h"
#include "io/host/failure.h"
#include "io/host/openmp.h"
#include "kernels/pixelnet/pixelnet.h"

namespace dtacs {

Measured bench_pixelnet(const Setup& setup) {
  const Model& model = setup.weights.model;
  const int size = setup.size;
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(size) * size;
  const PixelNetKernel& kernel = pixelnet_u16.best(setup.isa);

  Measured m;
  PixelNet net;
  if (bind_pixel_net(setup.weights.weights, model, net) != Status::ok)
    throw Failure(Exit::bad_weights, setup.weights.name + ": its tensors are not those of a pixel network");
  m.arena_bytes = sizeof net;

  constexpr float kQuantification = 10000.0f;
  std::vector<std::uint16_t> in(setup.input.size()),
      out(static_cast<std::size_t>(plane) * static_cast<std::size_t>(model.outputs));
  for (std::size_t i = 0; i < in.size(); ++i)
    in[i] = static_cast<std::uint16_t>(std::lrint(setup.input[i] * kQuantification));

  const double macs = net.hidden == 0 ? model.inputs * model.outputs : net.hidden * (model.inputs + model.outputs);
  const double bytes = 2.0 * (model.inputs + model.outputs);
  const double pixels = static_cast<double>(plane);
  m.lines.push_back(
      {.name = "pixelnet", .op = "u16 to u16", .macs = macs * pixels, .bytes = bytes * pixels, .runs = {}});

  const float offset[kPixelNetMaxBands] = {};
  const bool corrects = model.kind == NetKind::cnn_corrector;
  const auto run = [&](const Parallel& parallel) {
    parallel.for_each(size, [&](int y, int) noexcept {
      PixelNetArgs args = {.in = {},
                           .out = {},
                           .offset = offset,
                           .quantification = kQuantification,
                           .w1 = net.w1,
                           .b1 = net.b1,
                           .w2 = net.w2,
                           .b2 = net.b2,
                           .residual = corrects ? model.residual : nullptr,
                           .pixels = size,
                           .inputs = model.inputs,
                           .hidden = net.hidden,
                           .outputs = model.outputs};
      const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(y) * size;
      for (int c = 0; c < model.inputs; ++c) args.in[c] = in.data() + c * plane + row;
      for (int c = 0; c < model.outputs; ++c) args.out[c] = out.data() + c * plane + row;
      kernel.run(args);
    });
  };

  const PeakLoop& peak = peak_loop(setup.isa, false);
  with_threads(setup.threads, [&](const Parallel& parallel) {
    run(parallel);
    for (int r = 0; r < setup.runs; ++r) {
      m.peaks.push_back(measure_peak(peak));
      const Cost begin = Cost::now();
      run(parallel);
      m.whole.push_back(Cost::now() - begin);
    }
  });
  m.lines[0].runs = m.whole;
  for (const std::uint16_t dn : out) m.output.push_back(static_cast<float>(dn) / kQuantification);
  return m;
}

}  // namespace dtacs
