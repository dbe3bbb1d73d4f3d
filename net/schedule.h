// SPDX-License-Identifier: Apache-2.0
// Row streaming: how far each layer may run in each step, and how many rows of
// each tensor must be kept.  One description serves the planner (which walks it
// dry to size the rings) and the executor (which walks it for real).
//
// A step takes up to `band` input rows, then lets every layer in order produce the
// rows its inputs allow, but never more than one band of them.  Without that cap
// the rows that the bottom padding releases at once would pass through the
// network as one flood, and the rings would have to hold it.
#pragma once

#include <initializer_list>

#include "net/layer.h"

namespace dtacs {

struct RowRange {
  int begin = 0, end = 0;
  constexpr int count() const noexcept { return end - begin; }
};

struct Progress {
  int produced[Net::kMax] = {};  // rows so far, by tensor
};

constexpr int tensor_rows(const Net& net, int tensor, int height) noexcept {
  return height >> net.tensors[tensor].shift;
}

constexpr bool reads_three_rows(const Layer& l) noexcept {
  return l.op != Op::pointwise;
}

// The first row of a layer's input `tensor` that its output row y reads.
constexpr int first_row_needed(const Layer& l, int tensor, int y) noexcept {
  if (tensor == l.add || !reads_three_rows(l)) return y;
  const int top = y * l.stride - 1;
  const int row = l.up2 && tensor == l.in ? top >> 1 : top;
  return row < 0 ? 0 : row;
}

// How many output rows exist once `have` of the input's `all` rows do.
constexpr int rows_possible(const Layer& l, int tensor, int have, int all, int out_rows) noexcept {
  if (have == all) return out_rows;
  if (tensor == l.add || !reads_three_rows(l)) return have;
  if (l.up2 && tensor == l.in) return have == 0 ? 0 : 2 * have - 1;
  return have < 2 ? 0 : (have - 2) / l.stride + 1;
}

// The rows of `in` the next step takes.
constexpr RowRange next_input_rows(const Progress& p, int height, int band) noexcept {
  const int begin = p.produced[0];
  return {begin, height - begin < band ? height : begin + band};
}

// The rows the layer produces next; the caller advances `produced`.
constexpr RowRange next_rows(const Net& net, const Layer& l, const Progress& p, int height, int band) noexcept {
  const int out_rows = tensor_rows(net, l.out, height);
  int possible = out_rows;
  for (const int t : {l.in, l.skip, l.add}) {
    if (t == kNoTensor) continue;
    const int n = rows_possible(l, t, p.produced[t], tensor_rows(net, t, height), out_rows);
    possible = n < possible ? n : possible;
  }
  const int begin = p.produced[l.out];
  const int shift = net.tensors[l.out].shift;
  const int cap = begin + ((band + (1 << shift) - 1) >> shift);
  return {begin, possible < cap ? possible : cap};
}

struct Schedule {
  int ring_rows[Net::kMax] = {};  // by tensor: rows to keep
  int lag = 0;                    // most input rows taken and not yet answered by an output row
};

// height: of tensor 0, a multiple of 2^(largest shift).  band: >= 1.
constexpr Schedule make_schedule(const Net& net, int height, int band) noexcept {
  Schedule s;
  Progress p;
  const int result = net.layers[net.layer_count - 1].out;
  const auto keep = [&](int t) {
    int oldest = t == result ? p.produced[t] : tensor_rows(net, t, height);
    for (int i = 0; i < net.layer_count; ++i) {
      const Layer& l = net.layers[i];
      if (t != l.in && t != l.skip && t != l.add) continue;
      if (p.produced[l.out] == tensor_rows(net, l.out, height)) continue;
      const int row = first_row_needed(l, t, p.produced[l.out]);
      oldest = row < oldest ? row : oldest;
    }
    return oldest;
  };
  while (p.produced[result] < height) {
    p.produced[0] = next_input_rows(p, height, band).end;
    int rows = p.produced[0] - keep(0);
    s.ring_rows[0] = rows > s.ring_rows[0] ? rows : s.ring_rows[0];
    for (int i = 0; i < net.layer_count; ++i) {
      const int t = net.layers[i].out;
      const RowRange made = next_rows(net, net.layers[i], p, height, band);
      const int oldest = t == result ? made.begin : keep(t);
      p.produced[t] = made.end;
      rows = made.end - oldest;
      s.ring_rows[t] = rows > s.ring_rows[t] ? rows : s.ring_rows[t];
    }
    const int lag = p.produced[0] - p.produced[result];
    s.lag = lag > s.lag ? lag : s.lag;
  }
  return s;
}

}  // namespace dtacs
