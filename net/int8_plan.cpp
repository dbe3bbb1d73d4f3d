// SPDX-License-Identifier: Apache-2.0
#include "net/int8_plan.h"

#include <bit>

#include "kernels/requantise.h"

namespace dtacs {

static_assert(std::endian::native == std::endian::little, "integer tensors are read in place");

namespace {

// Jobs of fewer than kLeastRun pixels would stream a decoder layer's weights from memory more
// often than they are worth.
constexpr double kJobMacs = 16e6;
constexpr int kColumns = 16, kLeastRun = 96, kLeastExpanded = 64;
// Nor is it worth reading weights for fewer pixels than one in so many direct multiply-accumulates a pixel: the U-Net's
// deepest convolution has 5 MB of them.
constexpr int kMacsPerReading = 3000;
constexpr int kLeastTransformed = kWinograd3x3S8Tiles * kWinograd3x3S8Tile * kWinograd3x3S8Tile;

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

// Wide weights: none too large, and 255 * (sum |w| + r) of an output at most 2^30.
bool wide_fits(const std::int16_t* w, const std::int16_t* r, int outputs, int depth) noexcept {
  for (int n = 0; n < outputs; ++n) {
    std::int64_t sum = r != nullptr ? r[n] : 0;
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
  plan.pixels_ = &pixels_s16.best(options.isa);
  plan.stem3x3_ = &stem3x3_s16.best(options.isa);
  plan.conv3x3_ = &conv3x3_s8.best(options.isa);
  const Winograd3x3S8Kernel& winograd = winograd3x3_s8.best(options.isa);
  plan.winograd3x3_ = winograd.needs != isa::none && winograd.needs == plan.conv3x3_->needs ? &winograd : nullptr;
  plan.bind_net(net, options,
                {.pairs = options.keep_inner,  // see StreamOptions
                 .fours = options.keep_inner || plan.winograd3x3_ != nullptr,
                 .deep = options.deep});
  plan.dwconv3x3_ = &dwconv3x3_s8.best(options.isa);
  plan.pointwise_ = &pointwise_s8.best(options.isa);
  plan.head3x3_ = &head3x3_s8.best(options.isa);
  plan.pixel_bytes_[0] = plan.input_channels() * static_cast<int>(sizeof(std::int16_t));
  for (int i = 0; i < net.layer_count; ++i) {
    const Layer& l = net.layers[i];
    plan.pixel_bytes_[l.out] = l.op == Op::head3x3 ? 1 : net.tensors[l.out].channels;
    plan.zero_[l.out] = l.act == Act::none ? 128 : 0;
    if (const Status s = plan.bind_layer(weights, i, arena, mismatch); s != Status::ok) return s;
  }
  std::size_t scratch = plan.bind_stages(
      {.job_macs = kJobMacs, .least_area = kLeastRun, .columns = kColumns, .least_expanded = kLeastExpanded}, arena);
  for (int i = 0; i < plan.stage_count_; ++i) {
    Stage& stage = plan.stages_[i];
    const int layer = stage.layers.begin;
    const int reading = static_cast<int>(net.macs_per_pixel(net.layers[layer]) / kMacsPerReading);
    if (net.layers[layer].op == Op::conv3x3 && stage.area < reading) stage.area = reading;
    if (!plan.weights_[layer].transformed) continue;
    stage.area = stage.area < kLeastTransformed ? kLeastTransformed : stage.area;
    const int channels = net.tensors[net.layers[layer].in].channels;
    const std::size_t size = sizeof(std::int16_t) * scratch_size_winograd3x3_s8(*plan.winograd3x3_, channels);
    scratch = size > scratch ? size : scratch;
  }
  plan.bind_rings(scratch, arena);
  return arena.fits() ? Status::ok : Status::arena_too_small;
}

bool Int8Plan::transforms(const Layer& l) const noexcept {
  const int inputs = net_.tensors[l.in].channels, outputs = net_.tensors[l.out].channels;
  return winograd3x3_ != nullptr && l.op == Op::conv3x3 && l.in != 0 && !l.up2 && l.stride == 1 &&
         inputs >= winograd3x3_->least && inputs % 16 == 0 && outputs % 16 == 0 &&
         width_of(l.out) % kWinograd3x3S8Tile == 0 && rows_at_once(l) == kWinograd3x3S8Tile;
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
  LayerTensors tensors(weights, l.key, mismatch);
  const TensorView view =
      tensors.find('w', {n, l.op == Op::dwconv3x3 ? 1u : static_cast<std::uint32_t>(depth), side, side}, 4);
  const auto* b = tensors.values<std::int32_t>('b', DType::s32, per_output, 1);
  const auto* m = last ? nullptr : tensors.values<std::int32_t>('m', DType::s32, per_output, 1);
  const auto* r = l.add == kNoTensor ? nullptr : tensors.values<std::int16_t>('r', DType::s16, per_output, 1);
  const bool wide = view.dtype == DType::s16 && may_be_wide(l);
  if (!wide && view.dtype != (stem ? DType::s16 : DType::s8)) tensors.refuse('w', Status::corrupt);
  if (tensors.status() != Status::ok) return tensors.status();
  const auto* w = view.dtype == DType::s8 ? reinterpret_cast<const std::int8_t*>(view.bytes.data()) : nullptr;
  const auto* w16 = view.dtype == DType::s16 ? reinterpret_cast<const std::int16_t*>(view.bytes.data()) : nullptr;
  const bool transformed = !wide && transforms(l) && exact_winograd3x3_s8(w, inputs, outputs);
  weights_[layer] = {.packed = nullptr, .wide = wide, .transformed = transformed};

  if (!within(b, outputs, -kMostBias, kMostBias)) tensors.refuse('b', Status::corrupt);
  if (m != nullptr && !within(m, outputs, 0, kMostMultiplier)) tensors.refuse('m', Status::corrupt);
  for (int i = 0; r != nullptr && i < outputs; ++i)
    if (r[i] < 0) tensors.refuse('r', Status::corrupt);
  const Conv3x3S8Weights conv = {
      .w = w, .wide = w16, .b = b, .m = m, .half_channels = half, .full_channels = full, .outputs = outputs};
  const auto count = static_cast<std::ptrdiff_t>(view.count());
  const int per_sum = static_cast<int>(count / outputs);
  const bool exact = wide                    ? wide_fits(w16, r, outputs, per_sum)
                     : stem                  ? stem_fits(w16, b, outputs, per_sum)
                     : l.op == Op::conv3x3   ? exact_conv3x3_s8(conv)
                     : l.op == Op::head3x3   ? pairs_fit(w, count, 9)
                     : l.op == Op::pointwise ? pairs_fit(w, count, 1)
                                             : taps_fit(w, 3 * outputs);
  if (!exact) tensors.refuse('w', Status::corrupt);
  if (tensors.status() != Status::ok) return tensors.status();

  // First the size, then the weights: bind() says in the end whether they fit.
  const auto pack = [&](std::size_t size, auto&& write) {
    auto* packed = arena.alloc<std::byte>(size);
    weights_[layer].packed = packed;
    if (packed != nullptr) write(packed);
  };
  switch (l.op) {
    case Op::conv3x3:
      if (stem)
        pack(packed_size_stem3x3_s16(*stem3x3_, depth, outputs), [&](std::byte* to) {
          pack_stem3x3_s16(*stem3x3_, {.w = w16, .b = b, .m = m, .channels = depth, .outputs = outputs}, to);
        });
      else if (weights_[layer].transformed)
        pack(packed_size_winograd3x3_s8(*winograd3x3_, inputs, outputs), [&](std::byte* to) {
          pack_winograd3x3_s8(*winograd3x3_, {.w = w, .b = b, .m = m, .channels = inputs, .outputs = outputs}, to);
        });
      else
        pack(packed_size_conv3x3_s8(*conv3x3_, half, full, outputs, wide),
             [&](std::byte* to) { pack_conv3x3_s8(*conv3x3_, conv, to); });
      break;
    case Op::dwconv3x3:
      pack(packed_size_dwconv3x3_s8(*dwconv3x3_, outputs, wide), [&](std::byte* to) {
        pack_dwconv3x3_s8(*dwconv3x3_, {.w = w, .wide = w16, .b = b, .m = m, .channels = outputs}, to);
      });
      break;
    case Op::pointwise:
      pack(packed_size_pointwise_s8(*pointwise_, depth, outputs, wide), [&](std::byte* to) {
        pack_pointwise_s8(*pointwise_,
                          {.w = w, .wide = w16, .b = b, .m = m, .r = r, .depth = depth, .outputs = outputs}, to);
      });
      break;
    case Op::head3x3:
      pack(packed_size_head3x3_s8(outputs),
           [&](std::byte* to) { pack_head3x3_s8(*head3x3_, {.w = w, .b = b, .outputs = outputs}, to); });
      break;
  }
  return Status::ok;
}

}  // namespace dtacs
