// SPDX-License-Identifier: Apache-2.0
// Row streaming: how far each stage may run in each step, and how many rows of
// each tensor must be kept.  One description serves the planner (which walks it
// dry to size the rings) and the executor (which walks it for real).
//
// A stage is one layer, or the layers of an inverted residual (Net::stage).  A step
// takes up to `band` input rows, then lets every stage in order produce the rows its
// inputs allow, but no faster than the band's rows come in.  Without that cap the rows that
// the bottom padding releases at once would pass through the network as one flood,
// and the rings would have to hold it.
#pragma once

#include "net/layer.h"

namespace dtacs {

struct RowRange {
  int begin = 0, end = 0;
  constexpr int count() const noexcept { return end - begin; }
};

// By tensor; inner tensors have none.
struct Progress {
  int produced[Net::kMax] = {};  // rows so far
  int credit[Net::kMax] = {};    // input rows taken and not yet spent on rows of this tensor
};

constexpr int tensor_rows(const Net& net, int tensor, int height) noexcept {
  return height >> net.tensors[tensor].shift;
}

constexpr bool reads_three_rows(const Layer& l) noexcept {
  return l.op != Op::pointwise;
}

// Layers from this resolution on, 2^-kDeep of the input's, are deep.
inline constexpr int kDeep = 3;

// Transformed convolutions make some rows at a time, from row 0 on.
struct Pace {
  bool pairs = true;   // those of stride 1 make two
  bool fours = false;  // those of them that are not deep and read a tensor of their own size make four; deep ones too
                       // where they wait for as many anyway
  int deep = 0;        // the first deep layer waits for the rows of so many input rows, so that those behind it make
                       // as many at once
};

// Rows a layer produces in one step, until the image ends, are a multiple of this.
constexpr int least_rows(const Net& net, const Layer& l, int height, const Pace& pace) noexcept {
  if (l.op != Op::conv3x3 || l.stride != 1) return 1;
  const int shift = net.tensors[l.out].shift;
  const bool come_anyway = shift < kDeep || pace.deep >> shift >= 4;
  return pace.fours && !l.up2 && come_anyway && tensor_rows(net, l.out, height) % 4 == 0 ? 4 : pace.pairs ? 2 : 1;
}

// What a stage reads: layer(begin).in through all its layers, and skip and add of the last.
enum class Reads { in, skip, add };
inline constexpr Reads kReads[] = {Reads::in, Reads::skip, Reads::add};

constexpr int tensor_read(const Net& net, LayerRange stage, Reads reads) noexcept {
  const Layer& last = net.layers[stage.end - 1];
  return reads == Reads::in ? net.layers[stage.begin].in : reads == Reads::skip ? last.skip : last.add;
}

// The first row of such a tensor that the stage's output row y depends on.
constexpr int first_row_needed(const Net& net, LayerRange stage, Reads reads, int y) noexcept {
  if (reads == Reads::add) return y;
  if (reads == Reads::skip) return y == 0 ? 0 : y - 1;
  for (int i = stage.end; i-- > stage.begin;) {
    const Layer& l = net.layers[i];
    if (!reads_three_rows(l)) continue;
    const int top = y * l.stride - 1;
    y = top < 0 ? 0 : l.up2 ? top >> 1 : top;
  }
  return y;
}

// How many output rows the stage can make once `have` rows of such a tensor exist.
constexpr int rows_possible(const Net& net, LayerRange stage, Reads reads, int have, int height) noexcept {
  const int out_rows = tensor_rows(net, net.layers[stage.end - 1].out, height);
  if (have == tensor_rows(net, tensor_read(net, stage, reads), height)) return out_rows;
  if (reads == Reads::add) return have;
  if (reads == Reads::skip) return have < 2 ? 0 : have - 1;
  for (int i = stage.begin; i < stage.end; ++i) {
    const Layer& l = net.layers[i];
    if (!reads_three_rows(l)) continue;
    if (l.up2)
      have = have == 0 ? 0 : 2 * have - 1;
    else
      have = have < 2 ? 0 : (have - 2) / l.stride + 1;
  }
  return have;
}

// A good band for an image of this width: 8,192 pixels, so that what a shallow layer makes is
// still in the second cache when the next one reads it, but at least 8 rows.
constexpr int default_band(int width) noexcept {
  const int rows = 8192 / width;
  return rows < 8 ? 8 : rows > 128 ? 128 : rows;
}

// And a good Pace::deep: 262,144 pixels, so that the weights of the deep layers (30 MB of the U-Net's
// 36) are not read for a few pixels each time.  At 11,008 pixels a band alone is enough.
constexpr int default_deep(int width) noexcept {
  const int rows = 262144 / width / 32 * 32;
  return rows > 512 ? 512 : rows;
}

// The rows of `in` the next step takes.
constexpr RowRange next_input_rows(const Progress& p, int height, int band) noexcept {
  const int begin = p.produced[0];
  return {begin, height - begin < band ? height : begin + band};
}

// Lets the stage produce the rows it can: the next ones.  A row of one in
// 2^shift costs the credit of as many input rows, and each step earns that of a band.
// What is not spent is kept up to the price of one call less than a row, so that rows which had to
// wait for their inputs do not come in a flood; by deep layers up to that of the rows they wait for.
constexpr RowRange next_rows(const Net& net, LayerRange stage, int height, int band, const Pace& pace,
                             Progress& p) noexcept {
  const Layer& last = net.layers[stage.end - 1];
  const int out_rows = tensor_rows(net, last.out, height);
  int possible = out_rows;
  for (const Reads reads : kReads) {
    const int t = tensor_read(net, stage, reads);
    if (t == kNoTensor) continue;
    const int n = rows_possible(net, stage, reads, p.produced[t], height);
    possible = n < possible ? n : possible;
  }
  const int step = least_rows(net, last, height, pace);
  if (possible < out_rows) possible -= possible % step;
  const int begin = p.produced[last.out], shift = net.tensors[last.out].shift, price = step << shift;
  const int deep = shift < kDeep ? 0 : pace.deep;
  int& credit = p.credit[last.out];
  credit = (credit < price + deep ? credit : price - 1 + deep) + band;
  const int affordable = begin + credit / price * step;
  int end = possible < affordable ? possible : affordable;
  const bool waits = net.tensors[net.layers[stage.begin].in].shift < kDeep && possible < out_rows;
  if (waits && end - begin < deep >> shift) end = begin;
  credit -= (end - begin) / step * price;
  p.produced[last.out] = end;
  return {begin, end};
}

struct Schedule {
  int ring_rows[Net::kMax] = {};  // by tensor: rows to keep
  int lag = 0;                    // most input rows taken and not yet answered by an output row
};

// height: of tensor 0, a multiple of 2^(largest shift).  band: >= 1.
inline Schedule make_schedule(const Net& net, int height, int band, const Pace& pace = {}) noexcept {
  Schedule s;
  Progress p;
  const int result = net.layers[net.layer_count - 1].out;
  const auto keep = [&](int t) {
    int oldest = t == result ? p.produced[t] : tensor_rows(net, t, height);
    for (LayerRange stage = net.stage(0); stage.begin < net.layer_count; stage = net.stage(stage.end)) {
      const int out = net.layers[stage.end - 1].out;
      if (p.produced[out] == tensor_rows(net, out, height)) continue;
      for (const Reads reads : kReads) {
        if (tensor_read(net, stage, reads) != t) continue;
        const int row = first_row_needed(net, stage, reads, p.produced[out]);
        oldest = row < oldest ? row : oldest;
      }
    }
    return oldest;
  };
  while (p.produced[result] < height) {
    p.produced[0] = next_input_rows(p, height, band).end;
    int rows = p.produced[0] - keep(0);
    s.ring_rows[0] = rows > s.ring_rows[0] ? rows : s.ring_rows[0];
    for (LayerRange stage = net.stage(0); stage.begin < net.layer_count; stage = net.stage(stage.end)) {
      const Layer& last = net.layers[stage.end - 1];
      const int t = last.out;
      const RowRange made = next_rows(net, stage, height, band, pace, p);
      const int oldest = t == result ? made.begin : keep(t);
      rows = made.end - oldest;
      s.ring_rows[t] = rows > s.ring_rows[t] ? rows : s.ring_rows[t];
    }
    const int lag = p.produced[0] - p.produced[result];
    s.lag = lag > s.lag ? lag : s.lag;
  }
  return s;
}

}  // namespace dtacs
