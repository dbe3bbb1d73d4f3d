// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "bench/bench.h"
#include "bench/peak.h"
#include "io/host/failure.h"
#include "io/host/openmp.h"
#include "net/int8_plan.h"
#include "net/stream_plan.h"
#include "tools/run/unet_stage.h"

namespace dtacs {

namespace {

const char* name_of(Op op) {
  switch (op) {
    case Op::conv3x3: return "conv3x3";
    case Op::dwconv3x3: return "dwconv3x3";
    case Op::pointwise: return "pointwise";
    case Op::head3x3: return "head3x3";
  }
  return "";
}

double pixels_of(const Net& net, int tensor, int size) {
  const double side = size >> net.tensors[tensor].shift;
  return side * side;
}

double bytes_of_pixel(const StreamPlan& plan, int tensor) {
  return plan.net().tensors[tensor].channels * 4.0;
}

double bytes_of_pixel(const Int8Plan& plan, int tensor) {
  if (tensor == 0) return plan.input_channels() * 2.0;
  return tensor == plan.result() ? 1.0 : plan.net().tensors[tensor].channels;
}

// Weights and biases, as a plan holds them.
double bytes_of_weights(const StreamPlan& plan, const WeightsFile&, const Layer& l) {
  return 4 * (plan.net().macs_per_pixel(l) + plan.net().tensors[l.out].channels);
}

double bytes_of_weights(const Int8Plan&, const WeightsFile& weights, const Layer& l) {
  double bytes = 0;
  for (const char* kind : {".w", ".b", ".m", ".r"})
    bytes += static_cast<double>(weights.find(l.key.text + std::string(kind)).bytes.size());
  return bytes;
}

// Bytes that a stage cannot avoid to move.
template <class Plan>
double bytes_of(const Plan& plan, const WeightsFile& weights, LayerRange stage) {
  const Net& net = plan.net();
  std::vector<int> made, moved;
  const auto note = [](std::vector<int>& list, int tensor) {
    if (std::find(list.begin(), list.end(), tensor) == list.end()) list.push_back(tensor);
  };
  double bytes = 0;
  for (int i = stage.begin; i < stage.end; ++i) {
    const Layer& l = net.layers[i];
    for (const int t : {l.in, l.skip, l.add})
      if (t != kNoTensor && std::find(made.begin(), made.end(), t) == made.end()) note(moved, t);
    made.push_back(l.out);
    bytes += bytes_of_weights(plan, weights, l);
  }
  for (const int t : made) {
    bool leaves = t == plan.result();
    for (int i = stage.end; i < net.layer_count; ++i) {
      const Layer& l = net.layers[i];
      leaves = leaves || l.in == t || l.skip == t || l.add == t;
    }
    if (leaves) note(moved, t);
  }
  for (const int t : moved) bytes += pixels_of(net, t, plan.options().width) * bytes_of_pixel(plan, t);
  return bytes;
}

template <class Plan>
Line line_of(const Plan& plan, const WeightsFile& weights, LayerRange stage) {
  const Net& net = plan.net();
  Line line;
  for (int i = stage.begin; i < stage.end; ++i) {
    const Layer& l = net.layers[i];
    const char* plus = i == stage.begin ? "" : "+";
    line.name += std::string(plus) + l.key.text;
    line.op += std::string(plus) + name_of(l.op);
    line.macs += net.macs_per_pixel(l) * pixels_of(net, l.out, plan.options().width);
  }
  line.bytes = bytes_of(plan, weights, stage);
  return line;
}

// Adds the time since the last call to one line after the other.
class Lap {
 public:
  explicit Lap(std::size_t lines) : costs_(lines) {}

  void begin() noexcept {
    std::fill(costs_.begin(), costs_.end(), Cost{});
    last_ = Cost::now();
  }
  void charge(std::size_t line) noexcept {
    const Cost now = Cost::now();
    costs_[line] += now - last_;
    last_ = now;
  }
  const std::vector<Cost>& costs() const { return costs_; }

 private:
  std::vector<Cost> costs_;
  Cost last_;
};

// From planes to the pixels a plan reads, and from the pixels it makes to planes: some pixels of
// a band after the other, as planes of 2^n bytes fall into the same sets of the first cache.
constexpr int kPixels = 32;  // divides the width

void take_row(const float* planes, std::ptrdiff_t plane, int channels, StreamPlan& plan, int y) noexcept {
  for (int x0 = 0; x0 < plan.options().width; x0 += kPixels)
    for (int c = 0; c < channels; ++c)
      for (int x = x0; x < x0 + kPixels; ++x) plan.input_row(y)[x * channels + c] = planes[c * plane + x];
}

void take_row(const float* planes, std::ptrdiff_t plane, int channels, Int8Plan& plan, int y) noexcept {
  pixels_s16_row(plan.pixels(), channels, plan.options().width, 1, plan.input_row(y), plan.input_channels(),
                 [&](int c) { return PixelsS16Band{.reflectance = planes + c * plane}; });
}

void give_row(const StreamPlan& plan, int y, int channels, std::ptrdiff_t plane, float* planes) noexcept {
  const float* pixels = plan.row(plan.result(), y);
  for (std::ptrdiff_t x = 0; x < plan.options().width; ++x)
    for (int c = 0; c < channels; ++c) planes[c * plane + x] = *pixels++;
}

void give_row(const Int8Plan& plan, int y, int channels, std::ptrdiff_t plane, float* planes) noexcept {
  const std::uint8_t* classes = plan.classes_row(y);
  for (int c = 0; c < channels; ++c)
    for (std::ptrdiff_t x = 0; x < plan.options().width; ++x) planes[c * plane + x] = classes[x] == c ? 1.0f : 0.0f;
}

template <class Plan>
Measured bench_plan(const Setup& setup) {
  const Model& model = setup.weights.model;
  const int size = setup.size;
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(size) * size;
  const StreamOptions options = {.width = size,
                                 .height = size,
                                 .band = setup.band,
                                 .deep = setup.deep,
                                 .isa = setup.isa,
                                 .workers = setup.threads};

  Measured m;
  auto plan = std::make_unique<Plan>();
  WeightsMismatch wrong;
  Arena dry;
  Status status = Plan::bind(unet_of(model), setup.weights.weights, options, dry, *plan, &wrong);
  Block block(dry.wanted());
  Arena arena(block.bytes());
  if (status == Status::arena_too_small)
    status = Plan::bind(unet_of(model), setup.weights.weights, options, arena, *plan, &wrong);
  if (status != Status::ok)
    throw Failure(Exit::bad_weights, setup.weights.name + ": tensor " + wrong.tensor + ": " + describe(status));
  m.arena_bytes = dry.wanted();
  m.output.resize(static_cast<std::size_t>(plane) * static_cast<std::size_t>(model.outputs));

  const double floats = static_cast<double>(plane) * sizeof(float);
  m.lines.push_back({.name = "input", .op = "planes to pixels", .bytes = 2 * floats * model.inputs, .runs = {}});
  for (int s = 0; s < plan->stages(); ++s)
    m.lines.push_back(line_of(*plan, setup.weights.weights, plan->stage_layers(s)));
  m.lines.push_back({.name = "output", .op = "pixels to planes", .bytes = 2 * floats * model.outputs, .runs = {}});

  Lap lap(m.lines.size());
  struct Watch {
    const Plan& plan;
    Lap& lap;
  } watch = {*plan, lap};
  // Clocks are read where rows were made only: many stages of a small band make none.
  const StageObserver observer = {[](void* self, int stage) noexcept {
                                    const Watch& w = *static_cast<Watch*>(self);
                                    const int last = w.plan.stage_layers(stage).end - 1;
                                    if (w.plan.made(w.plan.net().layers[last].out).count() > 0)
                                      w.lap.charge(static_cast<std::size_t>(stage) + 1);
                                  },
                                  &watch};
  const auto run = [&](const Parallel& parallel) {
    lap.begin();
    plan->start();
    while (!plan->finished()) {
      const RowRange wanted = plan->wanted();
      parallel.for_each(wanted.count(), [&](int i, int) noexcept {
        const int y = wanted.begin + i;
        const float* row = setup.input.data() + static_cast<std::ptrdiff_t>(y) * size;
        take_row(row, plane, model.inputs, *plan, y);
      });
      lap.charge(0);
      plan->step(parallel, &observer);
      const RowRange made = plan->made(plan->result());
      parallel.for_each(made.count(), [&](int i, int) noexcept {
        const int y = made.begin + i;
        float* row = m.output.data() + static_cast<std::ptrdiff_t>(y) * size;
        give_row(*plan, y, model.outputs, plane, row);
      });
      lap.charge(m.lines.size() - 1);
    }
  };

  const PeakLoop& peak = peak_loop(setup.isa, model.int8);
  with_threads(setup.threads, [&](const Parallel& parallel) {
    run(parallel);
    for (int r = 0; r < setup.runs; ++r) {
      m.peaks.push_back(measure_peak(peak));
      const Cost begin = Cost::now();
      run(parallel);
      m.whole.push_back(Cost::now() - begin);
      for (std::size_t i = 0; i < m.lines.size(); ++i) m.lines[i].runs.push_back(lap.costs()[i]);
    }
  });
  return m;
}

}  // namespace

Measured bench_unet(const Setup& setup) {
  return setup.weights.model.int8 ? bench_plan<Int8Plan>(setup) : bench_plan<StreamPlan>(setup);
}

}  // namespace dtacs
