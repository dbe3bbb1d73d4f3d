// SPDX-License-Identifier: Apache-2.0
#include "net/int8_plan.h"

#include <bit>

#include "kernels/requantise.h"
#include "net/residual.h"

namespace dtacs {

static_assert(std::endian::native == std::endian::little, "integer tensors are read in place");

namespace {

// A job is worth about this many multiply-accumulates: enough to hide its hand-out,
// small enough that a few cores end together.
constexpr double kJobMacs = 16e6;
// Jobs are cut at multiples of so many columns, and of no fewer pixels than kLeastRun, which
// would stream a decoder layer's weights from memory more often than they are worth.
constexpr int kColumns = 16;
constexpr int kLeastRun = 96;
// Three rows of an expanded block and the one made of them.
constexpr int kExpandedBytes = 256 << 10;
constexpr int kLeastExpanded = 64;  // columns, or the weights and the halo would cost too much

constexpr std::ptrdiff_t kLine = static_cast<std::ptrdiff_t>(Arena::kAlign);

std::ptrdiff_t round_up(std::ptrdiff_t n, std::ptrdiff_t to) noexcept {
  return (n + to - 1) / to * to;
}

void fill(std::byte* p, std::ptrdiff_t n, std::uint8_t value) noexcept {
  for (std::ptrdiff_t i = 0; i < n; ++i) p[i] = static_cast<std::byte>(value);
}

// The tensors "<key>.<kind>" of one layer; the first thing that does not fit is kept.
struct Finder {
  const WeightsFile& weights;
  const Key& key;
  WeightsMismatch* mismatch;
  Status status = Status::ok;

  void refuse(char kind, Status why) noexcept {
    if (status != Status::ok) return;
    status = why;
    if (mismatch == nullptr) return;
    *mismatch = {};
    name(kind, mismatch->tensor);
  }
  int name(char kind, char (&to)[16]) const noexcept {
    int at = 0;
    for (; key.text[at] != '\0'; ++at) to[at] = key.text[at];
    to[at++] = '.';
    to[at++] = kind;
    return at;
  }
  // Null unless the tensor has these dimensions and the type of T.
  template <class T>
  const T* find(char kind, DType dtype, const std::uint32_t (&want)[4], int rank) noexcept {
    char text[16] = {};
    const int length = name(kind, text);
    const TensorView view = weights.find({text, static_cast<std::size_t>(length)});
    bool same = view.rank == rank;
    for (int d = 0; same && d < rank; ++d) same = view.dims[d] == want[d];
    if (!same) {
      const bool first = status == Status::ok;
      refuse(kind, Status::wrong_shape);
      if (!first || mismatch == nullptr) return nullptr;
      mismatch->missing = view.rank == 0;
      for (int d = 0; d < 4; ++d) {
        mismatch->want[d] = want[d];
        mismatch->found[d] = d < view.rank ? view.dims[d] : 0;
      }
      return nullptr;
    }
    if (dtype == DType::s8 && view.dtype == DType::s16) return nullptr;  // wide, and asked for as such
    if (view.dtype != dtype) {
      refuse(kind, Status::corrupt);
      return nullptr;
    }
    return reinterpret_cast<const T*>(view.bytes.data());
  }
};

bool within(const std::int32_t* values, int count, std::int32_t lo, std::int32_t hi) noexcept {
  for (int i = 0; i < count; ++i)
    if (values[i] < lo || values[i] > hi) return false;
  return true;
}

// Whether neighbours a step apart fit as pairs, `count` of them in a row; none is -128.
bool pairs_fit(const std::int8_t* w, std::ptrdiff_t size, int step) noexcept {
  for (std::ptrdiff_t i = 0; i < size; ++i)
    if (w[i] == -128) return false;
  for (std::ptrdiff_t i = 0; i < size; i += 2 * step)
    for (std::ptrdiff_t k = i; k < i + step; ++k)
      if (!pair_fits(w[k], w[k + step])) return false;
  return true;
}

// Rows of three taps: every two neighbours fit.
bool taps_fit(const std::int8_t* w, int rows) noexcept {
  for (int i = 0; i < rows; ++i, w += 3)
    if (w[0] == -128 || w[1] == -128 || w[2] == -128 || !pair_fits(w[0], w[1]) || !pair_fits(w[1], w[2])) return false;
  return true;
}

// Wide weights: none too large, and 255 * sum |w| of an output at most 2^30.
bool wide_fits(const std::int16_t* w, int outputs, int depth) noexcept {
  for (int n = 0; n < outputs; ++n) {
    std::int64_t sum = 0;
    for (int k = 0; k < depth; ++k, ++w) {
      if (*w > kMostWide || *w < -kMostWide) return false;
      sum += *w < 0 ? -*w : *w;
    }
    if (255 * sum > kMostBias) return false;
  }
  return true;
}

// 2^15 * sum |w| + |bias| stays below 2^31 for each output of the stem.
bool stem_fits(const std::int16_t* w, const std::int32_t* b, int outputs, int depth) noexcept {
  for (int n = 0; n < outputs; ++n) {
    std::int64_t sum = b[n] < 0 ? -static_cast<std::int64_t>(b[n]) : b[n];
    for (int k = 0; k < depth; ++k) {
      const int v = w[static_cast<std::ptrdiff_t>(n) * depth + k];
      if (v == -32768) return false;
      sum += static_cast<std::int64_t>(v < 0 ? -v : v) << 15;
    }
    if (sum > 0x7fffffff) return false;
  }
  return true;
}

}  // namespace

Status Int8Plan::bind(const Net& net, const WeightsFile& weights, const StreamOptions& options, Arena& arena,
                      Int8Plan& plan, WeightsMismatch* mismatch) noexcept {
  plan.net_ = net;
  for (Layer& l : plan.net_.layers) l.inner = l.inner && !options.keep_inner;
  plan.options_ = options;
  plan.stem3x3_ = &stem3x3_s16.best(options.isa);
  plan.conv3x3_ = &conv3x3_s8.best(options.isa);
  plan.dwconv3x3_ = &dwconv3x3_s8.best(options.isa);
  plan.pointwise_ = &pointwise_s8.best(options.isa);
  plan.head3x3_ = &head3x3_s8.best(options.isa);
  for (int i = 0; i < net.layer_count; ++i) {
    const Layer& l = net.layers[i];
    plan.linear_[l.out] = l.act == Act::none;
    if (const Status s = plan.bind_layer(weights, i, arena, mismatch); s != Status::ok) return s;
  }
  plan.bind_stages(arena);
  plan.bind_rings(arena);
  if (!arena.fits()) return Status::arena_too_small;
  plan.start();
  return Status::ok;
}

Status Int8Plan::bind_layer(const WeightsFile& weights, int layer, Arena& arena, WeightsMismatch* mismatch) noexcept {
  const Layer& l = net_.layers[layer];
  const int outputs = net_.tensors[l.out].channels, inputs = net_.tensors[l.in].channels, depth = net_.depth(l);
  const int skip = depth - inputs, half = l.up2 ? inputs : 0, full = l.up2 ? skip : inputs;
  const bool stem = l.in == 0, last = layer == net_.layer_count - 1;
  const bool covered = stem                    ? l.op == Op::conv3x3 && l.stride == 2 && skip == 0 && outputs % 8 == 0
                       : l.op == Op::head3x3   ? inputs == kHead3x3S8Channels && outputs <= kHead3x3S8MaxOutputs
                       : l.op == Op::dwconv3x3 ? outputs % 16 == 0
                                               : outputs % 8 == 0 && inputs % 8 == 0 && skip % 8 == 0 &&
                                                     (l.op == Op::pointwise || l.stride == 1) && (l.up2 || skip == 0);
  if (!covered || last != (l.op == Op::head3x3)) return Status::unsupported;

  const std::uint32_t n = static_cast<std::uint32_t>(outputs), side = l.op == Op::pointwise ? 1u : 3u;
  const std::uint32_t per_output[4] = {n, 0, 0, 0};
  const std::uint32_t w_dims[4] = {n, l.op == Op::dwconv3x3 ? 1u : static_cast<std::uint32_t>(depth), side, side};
  Finder finder{weights, l.key, mismatch};
  const auto* w16 = stem ? finder.find<std::int16_t>('w', DType::s16, w_dims, 4) : nullptr;
  const auto* w = stem ? nullptr : finder.find<std::int8_t>('w', DType::s8, w_dims, 4);
  const bool may_be_wide = !stem && half == 0 && l.op != Op::head3x3;
  const auto* w_wide = w == nullptr && may_be_wide ? finder.find<std::int16_t>('w', DType::s16, w_dims, 4) : nullptr;
  const auto* b = finder.find<std::int32_t>('b', DType::s32, per_output, 1);
  const auto* m = last ? nullptr : finder.find<std::int32_t>('m', DType::s32, per_output, 1);
  const auto* r = l.add == kNoTensor ? nullptr : finder.find<std::int16_t>('r', DType::s16, per_output, 1);
  if (finder.status == Status::ok && w == nullptr && w_wide == nullptr && w16 == nullptr)
    finder.refuse('w', Status::corrupt);
  if (finder.status != Status::ok) return finder.status;
  weights_[layer].wide = w_wide != nullptr;

  if (!within(b, outputs, -kMostBias, kMostBias)) finder.refuse('b', Status::corrupt);
  if (m != nullptr && !within(m, outputs, 0, kMostMultiplier)) finder.refuse('m', Status::corrupt);
  for (int i = 0; r != nullptr && i < outputs; ++i)
    if (r[i] < 0) finder.refuse('r', Status::corrupt);
  const Conv3x3S8Weights conv = {
      .w = w, .wide = w_wide, .b = b, .m = m, .half_channels = half, .full_channels = full, .outputs = outputs};
  const std::ptrdiff_t count = static_cast<std::ptrdiff_t>(outputs) * depth;
  const bool exact = w_wide != nullptr       ? wide_fits(w_wide, outputs, static_cast<int>((side * side) * w_dims[1]))
                     : stem                  ? stem_fits(w16, b, outputs, 9 * depth)
                     : l.op == Op::conv3x3   ? exact_conv3x3_s8(conv)
                     : l.op == Op::head3x3   ? pairs_fit(w, 9 * count, 9)
                     : l.op == Op::pointwise ? pairs_fit(w, count, 1)
                                             : taps_fit(w, 3 * outputs);
  if (!exact) finder.refuse('w', Status::corrupt);
  if (finder.status != Status::ok) return finder.status;

  std::size_t size = 0;
  switch (l.op) {
    case Op::conv3x3:
      size = stem ? packed_size_stem3x3_s16(*stem3x3_, depth, outputs)
                  : packed_size_conv3x3_s8(*conv3x3_, half, full, outputs, w_wide != nullptr);
      break;
    case Op::dwconv3x3: size = packed_size_dwconv3x3_s8(*dwconv3x3_, outputs, w_wide != nullptr); break;
    case Op::pointwise: size = packed_size_pointwise_s8(*pointwise_, depth, outputs, w_wide != nullptr); break;
    case Op::head3x3: size = packed_size_head3x3_s8(outputs); break;
  }
  auto* packed = arena.alloc<std::byte>(size);
  weights_[layer].packed = packed;
  if (packed == nullptr) return Status::ok;  // bind() says so in the end
  switch (l.op) {
    case Op::conv3x3:
      if (stem)
        pack_stem3x3_s16(*stem3x3_, {.w = w16, .b = b, .m = m, .channels = depth, .outputs = outputs}, packed);
      else
        pack_conv3x3_s8(*conv3x3_, conv, packed);
      break;
    case Op::dwconv3x3:
      pack_dwconv3x3_s8(*dwconv3x3_, {.w = w, .wide = w_wide, .b = b, .m = m, .channels = outputs}, packed);
      break;
    case Op::pointwise:
      pack_pointwise_s8(*pointwise_,
                        {.w = w, .wide = w_wide, .b = b, .m = m, .r = r, .depth = depth, .outputs = outputs}, packed);
      break;
    case Op::head3x3: pack_head3x3_s8(*head3x3_, {.w = w, .b = b, .outputs = outputs}, packed); break;
  }
  return Status::ok;
}

int Int8Plan::pixel_bytes(int tensor) const noexcept {
  if (tensor == 0) return input_channels() * static_cast<int>(sizeof(std::int16_t));
  return tensor == result() ? 1 : net_.tensors[tensor].channels;
}

// Decides how stages are cut, and takes what their jobs keep beside the rings.
void Int8Plan::bind_stages(Arena& arena) noexcept {
  std::ptrdiff_t scratch = 0;
  stage_count_ = 0;
  for (LayerRange layers = net_.stage(0); layers.begin < net_.layer_count; layers = net_.stage(layers.end)) {
    Stage& stage = stages_[stage_count_++];
    stage = {};
    stage.layers = layers;
    const Layer& l = net_.layers[layers.end - 1];
    const int pixels = static_cast<int>(kJobMacs / net_.macs_per_pixel(l));
    stage.area = (pixels < kLeastRun ? kLeastRun : pixels) / kColumns;
    if (layers.end - layers.begin == 1) continue;
    const Layer& dw = net_.layers[layers.end - 2];
    const std::ptrdiff_t channels = net_.tensors[dw.out].channels;
    const int width = width_of(l.out), fit = kExpandedBytes / (static_cast<int>(channels) * (3 * dw.stride + 1));
    stage.blocks = cut(1, width, fit < kLeastExpanded ? kLeastExpanded : fit, options_.workers).runs;
    const std::ptrdiff_t columns = (width + stage.blocks - 1) / stage.blocks;
    scratch = columns * channels > scratch ? columns * channels : scratch;
    if (layers.end - layers.begin < 3) continue;  // expands nothing
    stage.row_pitch = round_up((columns * dw.stride + 2) * channels, kLine);
    const std::ptrdiff_t size = 3 * stage.row_pitch * stage.blocks;
    stage.expanded = arena.alloc<std::uint8_t>(static_cast<std::size_t>(size));
    if (arena.fits()) fill(reinterpret_cast<std::byte*>(stage.expanded), size, zero_of(dw.in));
  }
  scratch_pitch_ = round_up(scratch, kLine);
  scratch_ =
      arena.alloc<std::uint8_t>(static_cast<std::size_t>(scratch_pitch_) * static_cast<std::size_t>(options_.workers));
}

void Int8Plan::bind_rings(Arena& arena) noexcept {
  const Schedule schedule = make_schedule(net_, options_.height, options_.band, options_.keep_inner);
  lag_ = schedule.lag;
  std::ptrdiff_t widest_margin = 0, widest_body = 0;
  for (int t = 0; t < net_.tensor_count; ++t) {
    const int rows = schedule.ring_rows[t];
    if (rows == 0) continue;
    const std::ptrdiff_t pixel = pixel_bytes(t), width = width_of(t);
    const std::ptrdiff_t margin = round_up(pixel, kLine);  // keeps pixel 0 on a cache line
    const std::ptrdiff_t pitch = margin + round_up(width * pixel + pixel, kLine);
    auto* block = arena.alloc<std::byte>(static_cast<std::size_t>(pitch) * static_cast<std::size_t>(rows));
    rings_[t] = {block + (block != nullptr ? margin : 0), pitch, rows};
    widest_margin = margin > widest_margin ? margin : widest_margin;
    widest_body = pitch - margin > widest_body ? pitch - margin : widest_body;
    if (arena.fits()) fill(block, pitch * rows, zero_of(t));
  }
  for (int i = 0; i < stage_count_; ++i) {
    const Stage& stage = stages_[i];
    if (stage.row_pitch == 0) continue;
    const std::ptrdiff_t pixel = net_.tensors[net_.layers[stage.layers.begin].out].channels;
    widest_margin = pixel > widest_margin ? pixel : widest_margin;
    widest_body = stage.row_pitch > widest_body ? stage.row_pitch : widest_body;
  }
  for (int k = 0; k < 2; ++k) {
    auto* padding = arena.alloc<std::byte>(static_cast<std::size_t>(widest_margin + widest_body));
    if (!arena.fits()) continue;
    fill(padding, widest_margin + widest_body, k == 0 ? 0 : 128);
    padding_[k] = padding + widest_margin;
  }
}

void Int8Plan::start() noexcept {
  progress_ = {};
  for (RowRange& m : made_) m = {};
}

const std::uint8_t* Int8Plan::row_or_padding(int tensor, int y) const noexcept {
  const bool inside = y >= 0 && y < rows_of(tensor);
  return inside ? bytes_row(tensor, y) : reinterpret_cast<const std::uint8_t*>(padding_[linear_[tensor] ? 1 : 0]);
}

// Columns [x0, x0 + pixels) of row y of one layer.
void Int8Plan::run_row(int layer, int y, int x0, int pixels) const noexcept {
  const Layer& l = net_.layers[layer];
  const std::byte* weights = weights_[layer].packed;
  const int inputs = net_.tensors[l.in].channels, outputs = net_.tensors[l.out].channels;
  const std::ptrdiff_t x = x0;
  std::uint8_t* out = const_cast<std::uint8_t*>(bytes_row(l.out, y)) + x * pixel_bytes(l.out);
  const std::uint8_t* rows[3];
  for (int i = 0; i < 3 && !l.up2; ++i) rows[i] = row_or_padding(l.in, y * l.stride + i - 1);
  switch (l.op) {
    case Op::conv3x3: {
      if (l.in == 0) {
        const auto numbers = [&](int i) { return reinterpret_cast<const std::int16_t*>(rows[i]); };
        stem3x3_->run({.rows = {numbers(0), numbers(1), numbers(2)},
                       .packed = weights,
                       .out = out,
                       .x0 = x0,
                       .pixels = pixels,
                       .channels = input_channels(),
                       .outputs = outputs});
        break;
      }
      Conv3x3S8Args args = {.full_channels = l.up2 ? net_.depth(l) - inputs : inputs,
                            .half_channels = l.up2 ? inputs : 0,
                            .packed = weights,
                            .out = out,
                            .x0 = x0,
                            .y = y,
                            .pixels = pixels,
                            .outputs = outputs,
                            .wide = weights_[layer].wide};
      for (int k = 0; k < 2 && l.up2; ++k) args.half[k] = row_or_padding(l.in, ((y - 1) >> 1) + k);
      for (int i = 0; i < 3; ++i) {
        if (!l.up2) args.full[i] = rows[i];
        if (l.skip != kNoTensor) args.full[i] = row_or_padding(l.skip, y + i - 1);
      }
      conv3x3_->run(args);
      break;
    }
    case Op::dwconv3x3:
      dwconv3x3_->run({.rows = {rows[0], rows[1], rows[2]},
                       .packed = weights,
                       .out = out,
                       .x0 = x0,
                       .pixels = pixels,
                       .channels = outputs,
                       .stride = l.stride,
                       .wide = weights_[layer].wide});
      break;
    case Op::pointwise:
      pointwise_->run({.in = bytes_row(l.in, y) + x * inputs,
                       .packed = weights,
                       .add = l.add == kNoTensor ? nullptr : bytes_row(l.add, y) + x * outputs,
                       .out = out,
                       .pixels = pixels,
                       .depth = inputs,
                       .outputs = outputs,
                       .wide = weights_[layer].wide});
      break;
    case Op::head3x3:
      head3x3_->run({.rows = {rows[0], rows[1], rows[2]},
                     .packed = weights,
                     .classes = out,
                     .x0 = x0,
                     .pixels = pixels,
                     .outputs = outputs});
      break;
  }
}

// See StreamPlan::run_residual().
void Int8Plan::run_residual(const Stage& stage, int block, RowRange rows, std::uint8_t* scratch) const noexcept {
  const Layer &dw = net_.layers[stage.layers.end - 2], &project = net_.layers[stage.layers.end - 1];
  const LayerWeights &dw_weights = weights_[stage.layers.end - 2], &project_weights = weights_[stage.layers.end - 1];
  const int outputs = net_.tensors[project.out].channels, all_rows = rows_of(dw.in);
  const ResidualBlock at = residual_block(width_of(project.out), width_of(dw.in), dw.stride, stage.blocks, block);
  const std::ptrdiff_t channels = net_.tensors[dw.out].channels, x = static_cast<std::ptrdiff_t>(at.x0) * outputs;
  const auto expanded = [&](int y) {  // column at.left
    return stage.expanded + (block * 3 + y % 3) * stage.row_pitch;
  };
  const auto expand = [&](int y) {
    const Layer& l = net_.layers[stage.layers.begin];
    const LayerWeights& w = weights_[stage.layers.begin];
    const int inputs = net_.tensors[l.in].channels;
    pointwise_->run({.in = bytes_row(l.in, y) + static_cast<std::ptrdiff_t>(at.begin) * inputs,
                     .packed = w.packed,
                     .add = nullptr,
                     .out = expanded(y) + (at.begin - at.left) * channels,
                     .pixels = at.end - at.begin,
                     .depth = inputs,
                     .outputs = static_cast<int>(channels),
                     .wide = w.wide});
  };
  for (int y = rows.begin; y < rows.end; ++y) {
    const std::uint8_t* in[3];
    if (stage.expanded != nullptr) {
      const RowRange needed = newly_needed(y, dw.stride, all_rows);
      for (int i = needed.begin; i < needed.end; ++i) expand(i);
    }
    for (int i = 0; i < 3; ++i) {
      const int from = y * dw.stride + i - 1;
      const bool kept = stage.expanded != nullptr && from >= 0 && from < all_rows;
      in[i] = kept ? expanded(from) + channels : row_or_padding(dw.in, from);
    }
    dwconv3x3_->run({.rows = {in[0], in[1], in[2]},
                     .packed = dw_weights.packed,
                     .out = scratch,
                     .x0 = stage.expanded != nullptr ? 0 : at.x0,
                     .pixels = at.x1 - at.x0,
                     .channels = static_cast<int>(channels),
                     .stride = dw.stride,
                     .wide = dw_weights.wide});
    pointwise_->run({.in = scratch,
                     .packed = project_weights.packed,
                     .add = project.add == kNoTensor ? nullptr : bytes_row(project.add, y) + x,
                     .out = const_cast<std::uint8_t*>(bytes_row(project.out, y)) + x,
                     .pixels = at.x1 - at.x0,
                     .depth = static_cast<int>(channels),
                     .outputs = outputs,
                     .wide = project_weights.wide});
  }
}

void Int8Plan::step(const Parallel& parallel, const StageObserver* observer) noexcept {
  made_[0] = wanted();
  progress_.produced[0] = made_[0].end;
  for (int i = 0; i < stage_count_; ++i) {
    const Stage& s = stages_[i];
    const Layer& last = net_.layers[s.layers.end - 1];
    const int out = last.out, width = width_of(out);
    const int at_a_time = options_.keep_inner ? row_step(last) : 1;  // see StreamOptions
    const RowRange rows = next_rows(net_, s.layers, progress_, options_.height, options_.band, at_a_time);
    if (s.blocks > 0) {
      parallel.for_each(rows.count() > 0 ? s.blocks : 0, [&](int job, int worker) noexcept {
        run_residual(s, job, rows, scratch_ + worker * scratch_pitch_);
      });
    } else if (rows.count() > 0) {
      const int across = (width + kColumns - 1) / kColumns;
      const Cut c = cut(rows.count(), across, s.area, parallel.workers);
      parallel.for_each(c.jobs(), [&](int job, int) noexcept {
        const int group = job / c.runs, run = job % c.runs;
        const int x0 = kColumns * part_begin(across, c.runs, run), end = kColumns * part_begin(across, c.runs, run + 1);
        const int x1 = end < width ? end : width;
        for (int k = part_begin(rows.count(), c.groups, group); k < part_begin(rows.count(), c.groups, group + 1); ++k)
          run_row(s.layers.begin, rows.begin + k, x0, x1 - x0);
      });
    }
    made_[out] = rows;
    progress_.produced[out] = rows.end;
    if (observer != nullptr) observer->done(observer->self, i);
  }
}

}  // namespace dtacs
