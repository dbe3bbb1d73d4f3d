// SPDX-License-Identifier: Apache-2.0
#include "net/stream_plan.h"

#include <limits>

namespace dtacs {

namespace {

// A job is worth about this many multiply-accumulates (0.1 ms on one AVX2 core):
// enough to hide its hand-out, small enough that two cores end together.
constexpr double kJobMacs = 4e6;
// A run shorter than this would stream a decoder layer's weights (12.7 MB) from
// memory more often than they are worth.
constexpr int kLeastRun = 96;

std::ptrdiff_t round_up(std::ptrdiff_t n, std::ptrdiff_t to) noexcept {
  return (n + to - 1) / to * to;
}

constexpr int kFloatsPerLine = static_cast<int>(Arena::kAlign / sizeof(float));

void zero(float* p, std::ptrdiff_t n) noexcept {
  for (std::ptrdiff_t i = 0; i < n; ++i) p[i] = 0.0f;
}

struct Clamp {
  float lo, hi;
};

Clamp clamp_of(Act act) noexcept {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  if (act == Act::relu6) return {0.0f, 6.0f};
  if (act == Act::relu) return {0.0f, kInf};
  return {-kInf, kInf};
}

// Finds the tensor "<key>.<kind>" and checks its shape.
Status find(const WeightsFile& weights, const Key& key, char kind, const std::uint32_t (&want)[4], int rank,
            TensorView& view, WeightsMismatch* mismatch) noexcept {
  char name[16] = {};
  int at = 0;
  for (; key.text[at] != '\0'; ++at) name[at] = key.text[at];
  name[at++] = '.';
  name[at++] = kind;
  view = weights.find({name, static_cast<std::size_t>(at)});
  bool same = view.rank == rank;
  for (int d = 0; same && d < rank; ++d) same = view.dims[d] == want[d];
  if (same) return Status::ok;
  if (mismatch != nullptr) {
    for (int i = 0; i < at; ++i) mismatch->tensor[i] = name[i];
    mismatch->missing = view.rank == 0;
    for (int d = 0; d < 4; ++d) {
      mismatch->want[d] = want[d];
      mismatch->found[d] = d < view.rank ? view.dims[d] : 0;
    }
  }
  return Status::wrong_shape;
}

// Depthwise weights: (channels, 3, 3) -> (3, 3, channels).
void taps_outermost(const float* from, int channels, float* to) noexcept {
  for (int c = 0; c < channels; ++c)
    for (int t = 0; t < 9; ++t) to[static_cast<std::ptrdiff_t>(t) * channels + c] = from[c * 9 + t];
}

// Head weights: (outputs, channels, 3, 3) -> (outputs, 3, 3, channels).
void channels_innermost(const float* from, int outputs, int channels, float* to) noexcept {
  const std::ptrdiff_t size = 9 * static_cast<std::ptrdiff_t>(channels);
  for (int n = 0; n < outputs; ++n) taps_outermost(from + n * size, channels, to + n * size);
}

}  // namespace

Status StreamPlan::bind(const Net& net, const WeightsFile& weights, const StreamOptions& options, Arena& arena,
                        StreamPlan& plan, WeightsMismatch* mismatch) noexcept {
  plan.net_ = net;
  plan.options_ = options;
  plan.conv3x3_ = &conv3x3_f32.best(options.isa);
  plan.dwconv3x3_ = &dwconv3x3_f32.best(options.isa);
  plan.pointwise_ = &pointwise_f32.best(options.isa);
  plan.head3x3_ = &head3x3_f32.best(options.isa);

  for (int i = 0; i < net.layer_count; ++i) {
    const Layer& l = net.layers[i];
    const int outputs = net.tensors[l.out].channels, inputs = net.tensors[l.in].channels, depth = net.depth(l);
    const bool depthwise = l.op == Op::dwconv3x3;
    const auto n = static_cast<std::uint32_t>(outputs), side = l.op == Op::pointwise ? 1u : 3u;
    TensorView w, b;
    const std::uint32_t w_dims[4] = {n, depthwise ? 1u : static_cast<std::uint32_t>(depth), side, side};
    const std::uint32_t b_dims[4] = {n, 0, 0, 0};
    Status s = find(weights, l.key, 'w', w_dims, 4, w, mismatch);
    if (s == Status::ok) s = find(weights, l.key, 'b', b_dims, 1, b, mismatch);
    if (s != Status::ok) return s;

    const bool packs_bias = l.op == Op::conv3x3 || l.op == Op::pointwise;
    std::size_t packed_size = w.count();
    if (l.op == Op::conv3x3) packed_size = packed_size_conv3x3(*plan.conv3x3_, depth, outputs);
    if (l.op == Op::pointwise) packed_size = packed_size_pointwise(*plan.pointwise_, depth, outputs);
    float* packed = arena.alloc<float>(packed_size);
    float* bias_kept = packs_bias ? nullptr : arena.alloc<float>(b.count());

    // The widened tensor is scratch; the rings will reuse its place.
    const std::size_t mark = arena.mark();
    float* wide = arena.alloc<float>(w.count());
    float* bias = packs_bias ? arena.alloc<float>(b.count()) : bias_kept;
    arena.rewind(mark);
    Step& step = plan.steps_[i];
    step.weights = packed;
    step.bias = bias_kept;
    if (wide != nullptr && bias != nullptr) {
      w.to_f32(wide);
      b.to_f32(bias);
      switch (l.op) {
        case Op::conv3x3: pack_conv3x3(*plan.conv3x3_, wide, bias, inputs, depth - inputs, outputs, packed); break;
        case Op::pointwise: pack_pointwise(*plan.pointwise_, wide, bias, depth, outputs, packed); break;
        case Op::dwconv3x3: taps_outermost(wide, outputs, packed); break;
        case Op::head3x3: channels_innermost(wide, outputs, depth, packed); break;
      }
    }
    const int width = options.width >> net.tensors[l.out].shift;
    int run = static_cast<int>(kJobMacs / net.macs_per_pixel(l)) / 16 * 16;
    run = run < kLeastRun ? kLeastRun : run;
    step.run_pixels = run < width ? run : width;
    step.runs = (width + step.run_pixels - 1) / step.run_pixels;
  }
  plan.bind_rings(arena);
  if (!arena.fits()) return Status::arena_too_small;
  plan.start();
  return Status::ok;
}

void StreamPlan::bind_rings(Arena& arena) noexcept {
  const Schedule schedule = make_schedule(net_, options_.height, options_.band);
  lag_ = schedule.lag;
  std::ptrdiff_t widest_margin = 0, widest_body = 0;
  for (int t = 0; t < net_.tensor_count; ++t) {
    const std::ptrdiff_t channels = net_.tensors[t].channels, width = options_.width >> net_.tensors[t].shift;
    const std::ptrdiff_t margin = round_up(channels, kFloatsPerLine);  // keeps pixel 0 on a cache line
    const std::ptrdiff_t pitch = margin + round_up(width * channels + channels, kFloatsPerLine);
    const int rows = schedule.ring_rows[t];
    float* block = arena.alloc<float>(static_cast<std::size_t>(pitch) * static_cast<std::size_t>(rows));
    rings_[t] = {block + (block != nullptr ? margin : 0), pitch, rows};
    widest_margin = margin > widest_margin ? margin : widest_margin;
    widest_body = pitch - margin > widest_body ? pitch - margin : widest_body;
    if (arena.fits()) zero(block, pitch * rows);
  }
  const std::ptrdiff_t zeros_size = widest_margin + widest_body;
  float* zeros = arena.alloc<float>(static_cast<std::size_t>(zeros_size));
  classes_ = arena.alloc<std::uint8_t>(static_cast<std::size_t>(options_.width) *
                                       static_cast<std::size_t>(rings_[result()].rows));
  if (!arena.fits()) return;
  zero(zeros, zeros_size);
  zeros_ = zeros + widest_margin;
}

void StreamPlan::start() noexcept {
  progress_ = {};
  for (RowRange& m : made_) m = {};
}

const float* StreamPlan::row_or_zeros(int tensor, int y) const noexcept {
  const bool inside = y >= 0 && y < tensor_rows(net_, tensor, options_.height);
  return inside ? row(tensor, y) : zeros_;
}

void StreamPlan::run(int layer, int y, int x0, int pixels) const noexcept {
  const Layer& l = net_.layers[layer];
  const Step& step = steps_[layer];
  const Clamp clamp = clamp_of(l.act);
  const int inputs = net_.tensors[l.in].channels, outputs = net_.tensors[l.out].channels;
  const std::ptrdiff_t x = x0;
  float* out = const_cast<float*>(row(l.out, y)) + x * outputs;
  const float* rows[3];
  for (int i = 0; i < 3; ++i) {
    const int at = y * l.stride + i - 1;
    rows[i] = row_or_zeros(l.in, l.up2 ? at >> 1 : at);
  }
  switch (l.op) {
    case Op::conv3x3: {
      Conv3x3Args args = {.source = {{.rows = {rows[0], rows[1], rows[2]}, .channels = inputs, .up2 = l.up2}, {}},
                          .packed = step.weights,
                          .out = out,
                          .x0 = x0,
                          .pixels = pixels,
                          .outputs = outputs,
                          .stride = l.stride,
                          .lo = clamp.lo,
                          .hi = clamp.hi};
      if (l.skip != kNoTensor) {
        args.source[1].channels = net_.tensors[l.skip].channels;
        for (int i = 0; i < 3; ++i) args.source[1].rows[i] = row_or_zeros(l.skip, y + i - 1);
      }
      conv3x3_->run(args);
      break;
    }
    case Op::dwconv3x3:
      dwconv3x3_->run({.rows = {rows[0], rows[1], rows[2]},
                       .weights = step.weights,
                       .bias = step.bias,
                       .out = out,
                       .x0 = x0,
                       .pixels = pixels,
                       .channels = outputs,
                       .stride = l.stride,
                       .lo = clamp.lo,
                       .hi = clamp.hi});
      break;
    case Op::pointwise:
      pointwise_->run({.in = row(l.in, y) + x * inputs,
                       .packed = step.weights,
                       .add = l.add == kNoTensor ? nullptr : row(l.add, y) + x * outputs,
                       .out = out,
                       .pixels = pixels,
                       .depth = inputs,
                       .outputs = outputs,
                       .lo = clamp.lo,
                       .hi = clamp.hi});
      break;
    case Op::head3x3:
      head3x3_->run({.rows = {rows[0], rows[1], rows[2]},
                     .weights = step.weights,
                     .bias = step.bias,
                     .logits = out,
                     .classes = const_cast<std::uint8_t*>(classes_row(y)) + x,
                     .x0 = x0,
                     .pixels = pixels,
                     .channels = inputs,
                     .outputs = outputs});
      break;
  }
}

void StreamPlan::step(const Parallel& parallel, const StageObserver* observer) noexcept {
  made_[0] = wanted();
  progress_.produced[0] = made_[0].end;
  for (int i = 0; i < net_.layer_count; ++i) {
    const Layer& l = net_.layers[i];
    const Step& s = steps_[i];
    const RowRange rows = next_rows(net_, l, progress_, options_.height, options_.band);
    const int width = options_.width >> net_.tensors[l.out].shift;
    parallel.for_each(rows.count() * s.runs, [&](int job, int) noexcept {
      const int x0 = job % s.runs * s.run_pixels;
      const int left = width - x0;
      run(i, rows.begin + job / s.runs, x0, left < s.run_pixels ? left : s.run_pixels);
    });
    made_[l.out] = rows;
    progress_.produced[l.out] = rows.end;
    if (observer != nullptr) observer->done(observer->self, i);
  }
}

}  // namespace dtacs
