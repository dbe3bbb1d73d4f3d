// SPDX-License-Identifier: Apache-2.0
#include "net/stream_plan.h"

namespace dtacs {

namespace {

// Jobs of 0.03 to 0.1 ms, cut where tiles of transformed convolutions touch.
constexpr double kJobMacs = 8e6;
constexpr int kColumns = kWinograd3x3Columns, kLeastExpanded = 32;
// What a transformed convolution keeps of a block beside the weights: as much as the
// weights take, or one of the two would be read too often, between a first and a
// second cache.
constexpr std::size_t kLeastBlockBytes = 96 << 10, kMostBlockBytes = 2560 << 10;

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
  plan.bind_net(net, options, {.pairs = true, .fours = options.keep_inner, .deep = options.deep});
  for (int t = 0; t < net.tensor_count; ++t)
    plan.pixel_bytes_[t] = net.tensors[t].channels * static_cast<int>(sizeof(float));
  plan.conv3x3_ = &conv3x3_f32.best(options.isa);
  plan.winograd3x3_ = &winograd3x3_f32.best(options.isa);
  plan.upconv3x3_ = &upconv3x3_f32.best(options.isa);
  plan.dwconv3x3_ = &dwconv3x3_f32.best(options.isa);
  plan.pointwise_ = &pointwise_f32.best(options.isa);
  plan.head3x3_ = &head3x3_f32.best(options.isa);
  for (int i = 0; i < net.layer_count; ++i)
    if (const Status s = plan.bind_layer(weights, i, arena, mismatch); s != Status::ok) return s;
  std::size_t scratch = plan.bind_stages(
      {.job_macs = kJobMacs, .least_area = 1, .columns = kColumns, .least_expanded = kLeastExpanded}, arena);
  for (int i = 0; i < plan.stage_count_; ++i) {
    const std::size_t needed = plan.bind_blocks(plan.stages_[i]);
    scratch = needed > scratch ? needed : scratch;
  }
  plan.bind_rings(scratch, arena);
  plan.classes_ = arena.alloc<std::uint8_t>(static_cast<std::size_t>(options.width) *
                                            static_cast<std::size_t>(plan.ring_rows(plan.result())));
  return arena.fits() ? Status::ok : Status::arena_too_small;
}

Status StreamPlan::bind_layer(const WeightsFile& weights, int layer, Arena& arena, WeightsMismatch* mismatch) noexcept {
  const Layer& l = net_.layers[layer];
  const int outputs = net_.tensors[l.out].channels, inputs = net_.tensors[l.in].channels, depth = net_.depth(l);
  const bool depthwise = l.op == Op::dwconv3x3, pairs = rows_at_once(l) > 1;
  const std::uint32_t n = static_cast<std::uint32_t>(outputs), side = l.op == Op::pointwise ? 1u : 3u;
  LayerTensors tensors(weights, l.key, mismatch);
  const auto find = [&](char kind, const std::uint32_t(&dims)[4], int rank) {
    const TensorView view = tensors.find(kind, dims, rank);
    if (is_integer(view.dtype)) tensors.refuse(kind, Status::corrupt);
    return view;
  };
  const TensorView w = find('w', {n, depthwise ? 1u : static_cast<std::uint32_t>(depth), side, side}, 4);
  const TensorView b = find('b', {n, 0, 0, 0}, 1);
  if (tensors.status() != Status::ok) return tensors.status();

  std::size_t packed_size = w.count();
  if (l.op == Op::pointwise) packed_size = packed_size_pointwise(*pointwise_, depth, outputs);
  if (l.op == Op::conv3x3)
    packed_size = !pairs  ? packed_size_conv3x3(*conv3x3_, depth, outputs)
                  : l.up2 ? packed_size_upconv3x3(*upconv3x3_, upconv_across(l), inputs, outputs)
                          : packed_size_winograd3x3(*winograd3x3_, inputs, outputs);
  float* packed = arena.alloc<float>(packed_size);
  float* skip = l.skip == kNoTensor
                    ? nullptr
                    : arena.alloc<float>(packed_size_winograd3x3(*winograd3x3_, depth - inputs, outputs));
  const bool packs_bias = l.op == Op::conv3x3 || l.op == Op::pointwise;
  float* bias_kept = packs_bias ? nullptr : arena.alloc<float>(b.count());

  // The widened tensor is scratch; the rings will reuse its place.
  const std::size_t mark = arena.mark();
  float* wide = arena.alloc<float>(w.count());
  float* bias = packs_bias ? arena.alloc<float>(b.count()) : bias_kept;
  arena.rewind(mark);
  weights_[layer] = {.packed = packed, .skip = skip, .bias = bias_kept};
  if (wide == nullptr || bias == nullptr) return Status::ok;  // bind() says so in the end
  w.to_f32(wide);
  b.to_f32(bias);
  switch (l.op) {
    case Op::conv3x3:
      if (!pairs)
        pack_conv3x3(*conv3x3_, wide, bias, depth, outputs, packed);
      else if (l.up2)
        pack_upconv3x3(*upconv3x3_, upconv_across(l), wide, bias, depth, inputs, outputs, packed);
      else
        pack_winograd3x3(*winograd3x3_, wide, bias, depth, 0, inputs, outputs, packed);
      if (skip != nullptr) pack_winograd3x3(*winograd3x3_, wide, nullptr, depth, inputs, depth - inputs, outputs, skip);
      break;
    case Op::pointwise: pack_pointwise(*pointwise_, wide, bias, depth, outputs, packed); break;
    case Op::dwconv3x3: taps_outermost(wide, outputs, packed); break;
    case Op::head3x3: channels_innermost(wide, outputs, depth, packed); break;
  }
  return Status::ok;
}

// Tiles of 2 x 4 outputs save a sixth of the products and take two thirds more weights.
int StreamPlan::upconv_across(const Layer& l) const noexcept {
  const std::size_t packed =
      packed_size_upconv3x3(*upconv3x3_, 2, net_.tensors[l.in].channels, net_.tensors[l.out].channels);
  return packed * sizeof(float) <= kMostBlockBytes ? 2 : 1;
}

// Decides how large the blocks of a transformed convolution are; the bytes of scratch they need.
std::size_t StreamPlan::bind_blocks(Stage& stage) const noexcept {
  const Layer& l = net_.layers[stage.layers.end - 1];
  if (rows_at_once(l) == 1) return 0;
  const int width = width_of(l.out), outputs = net_.tensors[l.out].channels, inputs = net_.tensors[l.in].channels;
  const int winograd_channels = l.up2 ? net_.depth(l) - inputs : inputs;
  // Scratch is nearly proportional to a block's columns; of blocks as wide as one row of
  // the image, as many as are allowed stand one above the other.
  const auto scratch = [&](int pairs, int columns) {
    const std::size_t up = scratch_size_upconv3x3(*upconv3x3_, upconv_across(l), inputs, pairs, columns / 2);
    const std::size_t winograd =
        scratch_size_winograd3x3(*winograd3x3_, winograd_channels, tiles_winograd3x3(pairs, columns));
    return sizeof(float) * (l.up2 && up > winograd ? up : winograd);
  };
  std::size_t bytes = sizeof(float) * (l.up2 ? packed_size_upconv3x3(*upconv3x3_, upconv_across(l), inputs, outputs)
                                             : packed_size_winograd3x3(*winograd3x3_, inputs, outputs));
  bytes = bytes < kLeastBlockBytes ? kLeastBlockBytes : bytes > kMostBlockBytes ? kMostBlockBytes : bytes;
  stage.block = kColumns;
  while (stage.block < width * kMostPairs && scratch(1, stage.block + kColumns) <= bytes) stage.block += kColumns;
  stage.area = stage.area < stage.block ? stage.block : stage.area;
  std::size_t most = 0;
  for (int pairs = 1; pairs <= kMostPairs && pairs * kColumns <= stage.block; ++pairs) {
    const std::size_t needed = scratch(pairs, stage.block / pairs / kColumns * kColumns);
    most = needed > most ? needed : most;
  }
  return most;
}

}  // namespace dtacs
