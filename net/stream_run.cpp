// SPDX-License-Identifier: Apache-2.0
// What a job of each kind of stage does.
#include <limits>

#include "net/residual.h"
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

}  // namespace

const float* StreamPlan::row_or_zeros(int tensor, int y) const noexcept {
  const bool inside = y >= 0 && y < rows_of(tensor);
  return inside ? row(tensor, y) : zeros_;
}

// One layer, row by row.
void StreamPlan::run_rows(const Stage& stage, const Tile& tile) const noexcept {
  const Layer& l = net_.layers[stage.layers.begin];
  const LayerWeights& w = weights_[stage.layers.begin];
  const Clamp clamp = clamp_of(l.act);
  const int inputs = net_.tensors[l.in].channels, outputs = net_.tensors[l.out].channels;
  const std::ptrdiff_t x = tile.x0;
  const int pixels = tile.x1 - tile.x0;
  for (int y = tile.y0; y < tile.y1; ++y) {
    float* out = const_cast<float*>(row(l.out, y)) + x * outputs;
    const float* rows[3];
    for (int i = 0; i < 3; ++i) rows[i] = row_or_zeros(l.in, y * l.stride + i - 1);
    switch (l.op) {
      case Op::conv3x3:
        conv3x3_->run({.rows = {rows[0], rows[1], rows[2]},
                       .packed = w.packed,
                       .out = out,
                       .x0 = tile.x0,
                       .pixels = pixels,
                       .channels = inputs,
                       .outputs = outputs,
                       .stride = l.stride,
                       .lo = clamp.lo,
                       .hi = clamp.hi});
        break;
      case Op::dwconv3x3:
        dwconv3x3_->run({.rows = {rows[0], rows[1], rows[2]},
                         .weights = w.packed,
                         .bias = w.bias,
                         .out = out,
                         .x0 = tile.x0,
                         .pixels = pixels,
                         .channels = outputs,
                         .stride = l.stride,
                         .lo = clamp.lo,
                         .hi = clamp.hi});
        break;
      case Op::pointwise:
        pointwise_->run({.in = row(l.in, y) + x * inputs,
                         .packed = w.packed,
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
                       .weights = w.packed,
                       .bias = w.bias,
                       .logits = out,
                       .classes = const_cast<std::uint8_t*>(classes_row(y)) + x,
                       .x0 = tile.x0,
                       .pixels = pixels,
                       .channels = inputs,
                       .outputs = outputs});
        break;
    }
  }
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
  for (int i = 0; i < 2 * pairs; ++i) out[i] = const_cast<float*>(row(l.out, tile.y0 + i));
  const float* in[2 * kMostPairs + 2];
  if (l.up2) {
    for (int i = 0; i < pairs + 2; ++i) in[i] = row_or_zeros(l.in, tile.y0 / 2 + i - 1);
    const Clamp c = l.skip == kNoTensor ? clamp : none;
    upconv3x3_->run({.in = in,
                     .out = out,
                     .packed = w.packed,
                     .scratch = scratch,
                     .pairs = pairs,
                     .x0 = tile.x0 / 2,
                     .pixels = (tile.x1 - tile.x0) / 2,
                     .channels = net_.tensors[l.in].channels,
                     .outputs = outputs,
                     .lo = c.lo,
                     .hi = c.hi});
    if (l.skip == kNoTensor) return;
  }
  const int tensor = l.up2 ? l.skip : l.in;
  for (int i = 0; i < 2 * pairs + 2; ++i) in[i] = row_or_zeros(tensor, tile.y0 + i - 1);
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

// A block of columns of an inverted residual, row by row: the expanded rows that a row
// of the result is the first to need, the depthwise convolution of three of them, the
// projection.
void StreamPlan::run_residual(const Stage& stage, int block, RowRange rows, float* scratch) const noexcept {
  const Layer &dw = net_.layers[stage.layers.end - 2], &project = net_.layers[stage.layers.end - 1];
  const LayerWeights &dw_weights = weights_[stage.layers.end - 2], &project_weights = weights_[stage.layers.end - 1];
  const int outputs = net_.tensors[project.out].channels, all_rows = rows_of(dw.in);
  const ResidualBlock at = residual_block(width_of(project.out), width_of(dw.in), dw.stride, stage.blocks, block);
  const std::ptrdiff_t channels = net_.tensors[dw.out].channels;
  const auto expanded = [&](int y) {  // column at.left
    return stage.expanded + (block * 3 + y % 3) * stage.row_pitch;
  };
  const auto expand = [&](int y) {
    const Layer& l = net_.layers[stage.layers.begin];
    const Clamp clamp = clamp_of(l.act);
    const int inputs = net_.tensors[l.in].channels;
    pointwise_->run({.in = row(l.in, y) + static_cast<std::ptrdiff_t>(at.begin) * inputs,
                     .packed = weights_[stage.layers.begin].packed,
                     .add = nullptr,
                     .out = expanded(y) + (at.begin - at.left) * channels,
                     .pixels = at.end - at.begin,
                     .depth = inputs,
                     .outputs = static_cast<int>(channels),
                     .lo = clamp.lo,
                     .hi = clamp.hi});
  };
  for (int y = rows.begin; y < rows.end; ++y) {
    const float* in[3];
    if (stage.expanded != nullptr) {
      const RowRange needed = newly_needed(y, dw.stride, all_rows);
      for (int i = needed.begin; i < needed.end; ++i) expand(i);
      for (int i = 0; i < 3; ++i) {
        const int from = y * dw.stride + i - 1;
        in[i] = from >= 0 && from < all_rows ? expanded(from) + channels : zeros_;
      }
    } else {
      for (int i = 0; i < 3; ++i) in[i] = row_or_zeros(dw.in, y * dw.stride + i - 1);
    }
    const Clamp dw_clamp = clamp_of(dw.act), clamp = clamp_of(project.act);
    dwconv3x3_->run({.rows = {in[0], in[1], in[2]},
                     .weights = dw_weights.packed,
                     .bias = dw_weights.bias,
                     .out = scratch,
                     .x0 = stage.expanded != nullptr ? 0 : at.x0,
                     .pixels = at.x1 - at.x0,
                     .channels = static_cast<int>(channels),
                     .stride = dw.stride,
                     .lo = dw_clamp.lo,
                     .hi = dw_clamp.hi});
    const std::ptrdiff_t x = static_cast<std::ptrdiff_t>(at.x0) * outputs;
    pointwise_->run({.in = scratch,
                     .packed = project_weights.packed,
                     .add = project.add == kNoTensor ? nullptr : row(project.add, y) + x,
                     .out = const_cast<float*>(row(project.out, y)) + x,
                     .pixels = at.x1 - at.x0,
                     .depth = static_cast<int>(channels),
                     .outputs = outputs,
                     .lo = clamp.lo,
                     .hi = clamp.hi});
  }
}

}  // namespace dtacs
