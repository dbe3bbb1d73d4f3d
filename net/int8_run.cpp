// SPDX-License-Identifier: Apache-2.0
// What the integer kernels do with a run of pixels.
#include "net/int8_plan.h"

namespace dtacs {

namespace {

const std::uint8_t* bytes(const std::byte* p) noexcept {
  return reinterpret_cast<const std::uint8_t*>(p);
}
std::uint8_t* bytes(std::byte* p) noexcept {
  return reinterpret_cast<std::uint8_t*>(p);
}
const std::int16_t* numbers(const std::byte* p) noexcept {
  return reinterpret_cast<const std::int16_t*>(p);
}

}  // namespace

void Int8Plan::run_tile(const Stage& stage, const Tile& tile, std::byte* scratch) const noexcept {
  const int layer = stage.layers.begin;
  const Layer& l = net_.layers[layer];
  if (l.op == Op::conv3x3 && l.in != 0 && !weights_[layer].transformed) {
    // All rows with some outputs' weights before the next ones: all weights of a deep layer are 5 MB.
    const int outputs = net_.tensors[l.out].channels;
    for (int begin = 0; begin < outputs; begin += kConv3x3S8Outputs)
      convolve_outputs(layer, tile, begin, outputs < begin + kConv3x3S8Outputs ? outputs : begin + kConv3x3S8Outputs);
    return;
  }
  if (!weights_[layer].transformed) return run_rows(*this, layer, tile);
  constexpr int kMostRows = 8 * kWinograd3x3S8Tile;
  for (int y = tile.y0; y < tile.y1; y += kMostRows) {
    const int rows = tile.y1 - y < kMostRows ? tile.y1 - y : kMostRows;
    const std::uint8_t* in[kMostRows + 2];
    std::uint8_t* out[kMostRows];
    for (int i = 0; i < rows + 2; ++i) in[i] = bytes(row_or_padding(l.in, y + i - 1));
    for (int i = 0; i < rows; ++i) out[i] = bytes(pixel(l.out, y + i, 0));
    winograd3x3_->run({.rows = in,
                       .out = out,
                       .packed = weights_[layer].packed,
                       .scratch = reinterpret_cast<std::int16_t*>(scratch),
                       .high = rows / kWinograd3x3S8Tile,
                       .x0 = tile.x0,
                       .pixels = tile.x1 - tile.x0,
                       .channels = net_.tensors[l.in].channels,
                       .outputs = net_.tensors[l.out].channels});
  }
}

void Int8Plan::pointwise(int layer, const std::byte* in, const std::byte* add, std::byte* out,
                         int pixels) const noexcept {
  const Layer& l = net_.layers[layer];
  pointwise_->run({.in = bytes(in),
                   .packed = weights_[layer].packed,
                   .add = bytes(add),
                   .out = bytes(out),
                   .pixels = pixels,
                   .depth = net_.tensors[l.in].channels,
                   .outputs = net_.tensors[l.out].channels,
                   .wide = weights_[layer].wide});
}

void Int8Plan::depthwise(int layer, const ThreeRows& rows, std::byte* out, int x0, int pixels) const noexcept {
  const Layer& l = net_.layers[layer];
  dwconv3x3_->run({.rows = {bytes(rows.row[0]), bytes(rows.row[1]), bytes(rows.row[2])},
                   .packed = weights_[layer].packed,
                   .out = bytes(out),
                   .x0 = x0,
                   .pixels = pixels,
                   .channels = net_.tensors[l.out].channels,
                   .stride = l.stride,
                   .wide = weights_[layer].wide});
}

void Int8Plan::convolve(int layer, int y, std::byte* out, int x0, int pixels) const noexcept {
  const Layer& l = net_.layers[layer];
  const LayerWeights& w = weights_[layer];
  const int outputs = net_.tensors[l.out].channels;
  if (l.in == 0) {
    const ThreeRows rows = rows_around(l.in, y * l.stride);
    stem3x3_->run({.rows = {numbers(rows.row[0]), numbers(rows.row[1]), numbers(rows.row[2])},
                   .packed = w.packed,
                   .out = bytes(out),
                   .x0 = x0,
                   .pixels = pixels,
                   .channels = input_channels(),
                   .outputs = outputs});
    return;
  }
  const ThreeRows rows = rows_around(l.in, y);
  head3x3_->run({.rows = {bytes(rows.row[0]), bytes(rows.row[1]), bytes(rows.row[2])},
                 .packed = w.packed,
                 .classes = bytes(out),
                 .x0 = x0,
                 .pixels = pixels,
                 .outputs = outputs});
}

void Int8Plan::convolve_outputs(int layer, const Tile& tile, int begin, int end) const noexcept {
  const Layer& l = net_.layers[layer];
  const int full = l.up2 ? l.skip : l.in;  // the tensor of the output's size, if there is one
  for (int y = tile.y0; y < tile.y1; ++y) {
    const ThreeRows rows = full == kNoTensor ? ThreeRows{} : rows_around(full, y);
    const auto half_row = [&](int k) { return l.up2 ? bytes(row_or_padding(l.in, ((y - 1) >> 1) + k)) : nullptr; };
    conv3x3_->run({.full = {bytes(rows.row[0]), bytes(rows.row[1]), bytes(rows.row[2])},
                   .half = {half_row(0), half_row(1)},
                   .full_channels = full == kNoTensor ? 0 : net_.tensors[full].channels,
                   .half_channels = l.up2 ? net_.tensors[l.in].channels : 0,
                   .packed = weights_[layer].packed,
                   .out = bytes(pixel(l.out, y, tile.x0)),
                   .x0 = tile.x0,
                   .y = y,
                   .pixels = tile.x1 - tile.x0,
                   .outputs = net_.tensors[l.out].channels,
                   .begin = begin,
                   .end = end,
                   .wide = weights_[layer].wide});
  }
}

}  // namespace dtacs
