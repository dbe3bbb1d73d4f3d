// SPDX-License-Identifier: Apache-2.0
#include "net/stream_plan.h"

#include "net/cut.h"

namespace dtacs {

namespace {

// A job is worth about this many direct multiply-accumulates (0.03 to 0.1 ms): enough to
// hide its hand-out, small enough that the workers end together.
constexpr double kJobMacs = 8e6;
// What a transformed convolution keeps of a block beside the weights: as much as the
// weights take, or one of the two would be read too often, between a first and a
// second cache.
constexpr std::size_t kLeastBlockBytes = 96 << 10, kMostBlockBytes = 2560 << 10;
// Three rows of an expanded block and the one made of them.
constexpr std::size_t kExpandedBytes = 256 << 10;
constexpr int kLeastExpanded = 32;  // columns, or the weights and the halo would cost too much

constexpr int kColumns = kWinograd3x3Columns;

std::ptrdiff_t round_up(std::ptrdiff_t n, std::ptrdiff_t to) noexcept {
  return (n + to - 1) / to * to;
}

constexpr int kFloatsPerLine = static_cast<int>(Arena::kAlign / sizeof(float));

void zero(float* p, std::ptrdiff_t n) noexcept {
  for (std::ptrdiff_t i = 0; i < n; ++i) p[i] = 0.0f;
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
  bool same = view.rank == rank && !is_integer(view.dtype);
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
  for (Layer& l : plan.net_.layers) l.inner = l.inner && !options.keep_inner;
  plan.options_ = options;
  plan.conv3x3_ = &conv3x3_f32.best(options.isa);
  plan.winograd3x3_ = &winograd3x3_f32.best(options.isa);
  plan.upconv3x3_ = &upconv3x3_f32.best(options.isa);
  plan.dwconv3x3_ = &dwconv3x3_f32.best(options.isa);
  plan.pointwise_ = &pointwise_f32.best(options.isa);
  plan.head3x3_ = &head3x3_f32.best(options.isa);
  const Status s = bind_weights(weights, arena, plan, mismatch);
  if (s != Status::ok) return s;
  plan.bind_stages(arena);
  plan.bind_rings(arena);
  if (!arena.fits()) return Status::arena_too_small;
  plan.start();
  return Status::ok;
}

Status StreamPlan::bind_weights(const WeightsFile& weights, Arena& arena, StreamPlan& plan,
                                WeightsMismatch* mismatch) noexcept {
  const Net& net = plan.net_;
  for (int i = 0; i < net.layer_count; ++i) {
    const Layer& l = net.layers[i];
    const int outputs = net.tensors[l.out].channels, inputs = net.tensors[l.in].channels, depth = net.depth(l);
    const bool depthwise = l.op == Op::dwconv3x3, pairs = row_step(l) == 2;
    const std::uint32_t n = static_cast<std::uint32_t>(outputs), side = l.op == Op::pointwise ? 1u : 3u;
    TensorView w, b;
    const std::uint32_t w_dims[4] = {n, depthwise ? 1u : static_cast<std::uint32_t>(depth), side, side};
    const std::uint32_t b_dims[4] = {n, 0, 0, 0};
    Status s = find(weights, l.key, 'w', w_dims, 4, w, mismatch);
    if (s == Status::ok) s = find(weights, l.key, 'b', b_dims, 1, b, mismatch);
    if (s != Status::ok) return s;

    std::size_t packed_size = w.count();
    if (l.op == Op::pointwise) packed_size = packed_size_pointwise(*plan.pointwise_, depth, outputs);
    if (l.op == Op::conv3x3)
      packed_size = !pairs  ? packed_size_conv3x3(*plan.conv3x3_, depth, outputs)
                    : l.up2 ? packed_size_upconv3x3(*plan.upconv3x3_, inputs, outputs)
                            : packed_size_winograd3x3(*plan.winograd3x3_, inputs, outputs);
    float* packed = arena.alloc<float>(packed_size);
    float* skip = l.skip == kNoTensor
                      ? nullptr
                      : arena.alloc<float>(packed_size_winograd3x3(*plan.winograd3x3_, depth - inputs, outputs));
    const bool packs_bias = l.op == Op::conv3x3 || l.op == Op::pointwise;
    float* bias_kept = packs_bias ? nullptr : arena.alloc<float>(b.count());

    // The widened tensor is scratch; the rings will reuse its place.
    const std::size_t mark = arena.mark();
    float* wide = arena.alloc<float>(w.count());
    float* bias = packs_bias ? arena.alloc<float>(b.count()) : bias_kept;
    arena.rewind(mark);
    plan.weights_[i] = {.packed = packed, .skip = skip, .bias = bias_kept};
    if (wide == nullptr || bias == nullptr) continue;
    w.to_f32(wide);
    b.to_f32(bias);
    switch (l.op) {
      case Op::conv3x3:
        if (!pairs)
          pack_conv3x3(*plan.conv3x3_, wide, bias, depth, outputs, packed);
        else if (l.up2)
          pack_upconv3x3(*plan.upconv3x3_, wide, bias, depth, inputs, outputs, packed);
        else
          pack_winograd3x3(*plan.winograd3x3_, wide, bias, depth, 0, inputs, outputs, packed);
        if (skip != nullptr)
          pack_winograd3x3(*plan.winograd3x3_, wide, nullptr, depth, inputs, depth - inputs, outputs, skip);
        break;
      case Op::pointwise: pack_pointwise(*plan.pointwise_, wide, bias, depth, outputs, packed); break;
      case Op::dwconv3x3: taps_outermost(wide, outputs, packed); break;
      case Op::head3x3: channels_innermost(wide, outputs, depth, packed); break;
    }
  }
  return Status::ok;
}

// Decides how stages are cut, and takes what their jobs keep beside the rings.
void StreamPlan::bind_stages(Arena& arena) noexcept {
  std::size_t scratch = 0;
  const auto share_scratch = [&](std::size_t floats) { scratch = floats > scratch ? floats : scratch; };
  stage_count_ = 0;
  for (LayerRange layers = net_.stage(0); layers.begin < net_.layer_count; layers = net_.stage(layers.end)) {
    Stage& stage = stages_[stage_count_++];
    stage = {};
    stage.layers = layers;
    const Layer& l = net_.layers[layers.end - 1];
    const int width = width_of(l.out), outputs = net_.tensors[l.out].channels;
    stage.area = static_cast<int>(kJobMacs / net_.macs_per_pixel(l));
    if (layers.end - layers.begin > 1) {
      const Layer& dw = net_.layers[layers.end - 2];
      const int channels = net_.tensors[dw.out].channels;
      const bool expands = layers.end - layers.begin == 3;
      const auto bytes = static_cast<std::size_t>(channels * (3 * dw.stride + 1)) * sizeof(float);
      int columns = static_cast<int>(kExpandedBytes / bytes);
      columns = columns < kLeastExpanded ? kLeastExpanded : columns;
      stage.blocks = cut(1, width, columns, options_.workers).runs;
      columns = (width + stage.blocks - 1) / stage.blocks;
      share_scratch(static_cast<std::size_t>(columns * channels));
      if (!expands) continue;
      stage.row_pitch = round_up(static_cast<std::ptrdiff_t>(columns * dw.stride + 2) * channels, kFloatsPerLine);
      const std::ptrdiff_t size = 3 * stage.row_pitch * stage.blocks;
      stage.expanded = arena.alloc<float>(static_cast<std::size_t>(size));
      if (arena.fits()) zero(stage.expanded, size);
    } else if (row_step(l) == 2) {
      // Scratch is nearly proportional to a block's columns; of blocks as wide as one row of
      // the image, as many as are allowed stand one above the other.
      const int inputs = net_.tensors[l.in].channels, skip = net_.depth(l) - inputs;
      const auto floats = [&](int pairs, int columns) {
        const std::size_t up = scratch_size_upconv3x3(*upconv3x3_, inputs, pairs, columns / 2);
        const int channels = l.up2 ? skip : inputs;
        const std::size_t winograd =
            scratch_size_winograd3x3(*winograd3x3_, channels, tiles_winograd3x3(pairs, columns));
        return l.up2 && up > winograd ? up : winograd;
      };
      std::size_t bytes = sizeof(float) * (l.up2 ? packed_size_upconv3x3(*upconv3x3_, inputs, outputs)
                                                 : packed_size_winograd3x3(*winograd3x3_, inputs, outputs));
      bytes = bytes < kLeastBlockBytes ? kLeastBlockBytes : bytes > kMostBlockBytes ? kMostBlockBytes : bytes;
      int columns = kColumns;
      while (columns < width * kMostPairs && floats(1, columns + kColumns) * sizeof(float) <= bytes)
        columns += kColumns;
      stage.block = columns;
      stage.area = stage.area < columns ? columns : stage.area;
      for (int pairs = 1; pairs <= kMostPairs && pairs * kColumns <= columns; ++pairs)
        share_scratch(floats(pairs, columns / pairs / kColumns * kColumns));
    }
  }
  scratch_pitch_ = round_up(static_cast<std::ptrdiff_t>(scratch), kFloatsPerLine);
  scratch_ = arena.alloc<float>(static_cast<std::size_t>(scratch_pitch_) * static_cast<std::size_t>(options_.workers));
}

void StreamPlan::bind_rings(Arena& arena) noexcept {
  const Schedule schedule = make_schedule(net_, options_.height, options_.band);
  lag_ = schedule.lag;
  std::ptrdiff_t widest_margin = 0, widest_body = 0;
  const auto widen_zeros = [&](std::ptrdiff_t margin, std::ptrdiff_t body) {
    widest_margin = margin > widest_margin ? margin : widest_margin;
    widest_body = body > widest_body ? body : widest_body;
  };
  for (int t = 0; t < net_.tensor_count; ++t) {
    const int rows = schedule.ring_rows[t];
    if (rows == 0) continue;
    const std::ptrdiff_t channels = net_.tensors[t].channels, width = width_of(t);
    const std::ptrdiff_t margin = round_up(channels, kFloatsPerLine);  // keeps pixel 0 on a cache line
    const std::ptrdiff_t pitch = margin + round_up(width * channels + channels, kFloatsPerLine);
    float* block = arena.alloc<float>(static_cast<std::size_t>(pitch) * static_cast<std::size_t>(rows));
    rings_[t] = {block + (block != nullptr ? margin : 0), pitch, rows};
    widen_zeros(margin, pitch - margin);
    if (arena.fits()) zero(block, pitch * rows);
  }
  for (int i = 0; i < stage_count_; ++i)
    if (stages_[i].row_pitch != 0)
      widen_zeros(net_.tensors[net_.layers[stages_[i].layers.begin].out].channels, stages_[i].row_pitch);
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

void StreamPlan::step(const Parallel& parallel, const StageObserver* observer) noexcept {
  made_[0] = wanted();
  progress_.produced[0] = made_[0].end;
  for (int i = 0; i < stage_count_; ++i) {
    const Stage& s = stages_[i];
    const Layer& last = net_.layers[s.layers.end - 1];
    const RowRange rows = next_rows(net_, s.layers, progress_, options_.height, options_.band, row_step(last));
    const auto scratch = [this](int worker) { return scratch_ + worker * scratch_pitch_; };
    if (s.blocks > 0) {
      parallel.for_each(rows.count() > 0 ? s.blocks : 0,
                        [&](int job, int worker) noexcept { run_residual(s, job, rows, scratch(worker)); });
    } else if (rows.count() > 0) {
      // Cut where tiles of transformed convolutions touch, whatever the stage.
      const int high = row_step(last), width = width_of(last.out);
      const int tall = rows.count() / high, across = (width + kColumns - 1) / kColumns;
      const int area = s.area / (high * kColumns) > 0 ? s.area / (high * kColumns) : 1;
      const Cut c = cut(tall, across, area, parallel.workers);
      parallel.for_each(c.jobs(), [&](int job, int worker) noexcept {
        const int group = job / c.runs, run = job % c.runs;
        const int x1 = kColumns * part_begin(across, c.runs, run + 1);
        const Tile tile = {.y0 = rows.begin + high * part_begin(tall, c.groups, group),
                           .y1 = rows.begin + high * part_begin(tall, c.groups, group + 1),
                           .x0 = kColumns * part_begin(across, c.runs, run),
                           .x1 = x1 < width ? x1 : width};
        if (high == 2)
          run_pairs(s, tile, scratch(worker));
        else
          run_rows(s, tile);
      });
    }
    made_[last.out] = rows;
    progress_.produced[last.out] = rows.end;
    if (observer != nullptr) observer->done(observer->self, i);
  }
}

}  // namespace dtacs
