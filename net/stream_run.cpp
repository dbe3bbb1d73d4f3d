// SPDX-License-Identifier: Apache-2.0
// What the kernels of float32 do with a tile.
#include <limits>

#include "net/stream_plan.h"

namespace dtacs {

namespace {

struct Clamp {
  float lo, hi;
};

Clamp clamp_of(Act act) noexcept {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  if (act == Act::relu6) return {0.0f, 6.0f};
  if (act == Act::relu) return {0.0f, kInf};
  return {-kInf, kInf};
}

const float* floats(const std::byte* p) noexcept {
  return reinterpret_cast<const float*>(p);
}
float* floats(std::byte* p) noexcept {
  return reinterpret_cast<float*>(p);
}

}  // namespace

void StreamPlan::run_tile(const Stage& stage, const Tile& tile, std::byte* scratch) const noexcept {
  if (rows_at_once(net_.layers[stage.layers.begin]) > 1)
    run_pairs(stage, tile, floats(scratch));
  else
    run_rows(*this, stage.layers.begin, tile);
}

void StreamPlan::pointwise(int layer, const std::byte* in, const std::byte* add, std::byte* out,
                           int pixels) const noexcept {
  const Layer& l = net_.layers[layer];
  const Clamp clamp = clamp_of(l.act);
  pointwise_->run({.in = floats(in),
                   .packed = weights_[layer].packed,
                   .add = floats(add),
                   .out = floats(out),
                   .pixels = pixels,
                   .depth = net_.tensors[l.in].channels,
                   .outputs = net_.tensors[l.out].channels,
                   .lo = clamp.lo,
                   .hi = clamp.hi});
}

void StreamPlan::depthwise(int layer, const ThreeRows& rows, std::byte* out, int x0, int pixels) const noexcept {
  const Layer& l = net_.layers[layer];
  const Clamp clamp = clamp_of(l.act);
  dwconv3x3_->run({.rows = {floats(rows.row[0]), floats(rows.row[1]), floats(rows.row[2])},
                   .weights = weights_[layer].packed,
                   .bias = weights_[layer].bias,
                   .out = floats(out),
                   .x0 = x0,
                   .pixels = pixels,
                   .channels = net_.tensors[l.out].channels,
                   .stride = l.stride,
                   .lo = clamp.lo,
                   .hi = clamp.hi});
}

void StreamPlan::convolve(int layer, int y, std::byte* out, int x0, int pixels) const noexcept {
  const Layer& l = net_.layers[layer];
  const LayerWeights& w = weights_[layer];
  const ThreeRows rows = rows_around(l.in, y * l.stride);
  const int inputs = net_.tensors[l.in].channels, outputs = net_.tensors[l.out].channels;
  if (l.op == Op::head3x3) {
    head3x3_->run({.rows = {floats(rows.row[0]), floats(rows.row[1]), floats(rows.row[2])},
                   .weights = w.packed,
                   .bias = w.bias,
                   .logits = floats(out),
                   .classes = const_cast<std::uint8_t*>(classes_row(y)) + x0,
                   .x0 = x0,
                   .pixels = pixels,
                   .channels = inputs,
                   .outputs = outputs});
    return;
  }
  const Clamp clamp = clamp_of(l.act);
  conv3x3_->run({.rows = {floats(rows.row[0]), floats(rows.row[1]), floats(rows.row[2])},
                 .packed = w.packed,
                 .out = floats(out),
                 .x0 = x0,
                 .pixels = pixels,
                 .channels = inputs,
                 .outputs = outputs,
                 .stride = l.stride,
                 .lo = clamp.lo,
                 .hi = clamp.hi});
}

// A convolution by pairs of rows, in blocks that suit the caches.
void StreamPlan::run_pairs(const Stage& stage, const Tile& tile, float* scratch) const noexcept {
  const int width = tile.x1 - tile.x0, across = (width + kWinograd3x3Columns - 1) / kWinograd3x3Columns;
  const int tiles = stage.block / kWinograd3x3Columns;
  const int high = tiles / across > 0 ? (tiles / across < kMostPairs ? tiles / across : kMostPairs) : 1;
  const int wide = (tiles < across ? tiles : across) * kWinograd3x3Columns;
  for (int y = tile.y0; y < tile.y1; y += 2 * high)
    for (int x = tile.x0; x < tile.x1; x += wide)
      run_pair_block(net_.layers[stage.layers.begin], weights_[stage.layers.begin],
                     {.y0 = y,
                      .y1 = tile.y1 - y < 2 * high ? tile.y1 : y + 2 * high,
                      .x0 = x,
                      .x1 = tile.x1 - x < wide ? tile.x1 : x + wide},
                     scratch);
}

void StreamPlan::run_pair_block(const Layer& l, const LayerWeights& w, const Tile& tile,
                                float* scratch) const noexcept {
  const Clamp clamp = clamp_of(l.act), none = clamp_of(Act::none);
  const int outputs = net_.tensors[l.out].channels, pairs = (tile.y1 - tile.y0) / 2;
  float* out[2 * kMostPairs];
  for (int i = 0; i < 2 * pairs; ++i) out[i] = floats(pixel(l.out, tile.y0 + i, 0));
  const float* in[2 * kMostPairs + 2];
  if (l.up2) {
    for (int i = 0; i < pairs + 2; ++i) in[i] = floats(row_or_padding(l.in, tile.y0 / 2 + i - 1));
    const Clamp c = l.skip == kNoTensor ? clamp : none;
    upconv3x3_->run({.in = in,
                     .out = out,
                     .packed = w.packed,
                     .scratch = scratch,
                     .pairs = pairs,
                     .across = upconv_across(l),
                     .x0 = tile.x0 / 2,
                     .pixels = (tile.x1 - tile.x0) / 2,
                     .channels = net_.tensors[l.in].channels,
                     .outputs = outputs,
                     .lo = c.lo,
                     .hi = c.hi});
    if (l.skip == kNoTensor) return;
  }
  const int tensor = l.up2 ? l.skip : l.in;
  for (int i = 0; i < 2 * pairs + 2; ++i) in[i] = floats(row_or_padding(tensor, tile.y0 + i - 1));
  winograd3x3_->run({.in = in,
                     .out = out,
                     .packed = l.up2 ? w.skip : w.packed,
                     .scratch = scratch,
                     .pairs = pairs,
                     .x0 = tile.x0,
                     .pixels = tile.x1 - tile.x0,
                     .width = width_of(tensor),
                     .channels = net_.tensors[tensor].channels,
                     .outputs = outputs,
                     .add = l.up2,
                     .lo = clamp.lo,
                     .hi = clamp.hi});
}

}  // namespace dtacs
