// SPDX-License-Identifier: Apache-2.0
// What the plans of all precisions are: the rows of a network's tensors in rings, and the
// walk over its stages that fills them.  A plan adds its weights and its kernels' calls.
//
// Rows are bytes here; how many make a pixel, and which of them is zero, the plan says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/arena.h"
#include "io/parallel.h"
#include "kernels/isa.h"
#include "net/cut.h"
#include "net/layer.h"
#include "net/residual.h"
#include "net/schedule.h"

namespace dtacs {

struct StreamOptions {
  int width = 0, height = 0;  // of the input, multiples of 32
  int band = 32;              // input rows taken by one step, >= 1; see default_band()
  int deep = 0;               // input rows that deep layers wait for, or 0: see default_deep()
  IsaSet isa = isa::none;     // kernels may use these instructions
  int workers = 1;            // most workers that step() will be given
  bool keep_inner = false;    // inner tensors have rows too, and every precision makes the same rows in a step:
                              // for looking into a network; slower and larger
};

// Told by step() after each stage, in order and on the caller's thread: for
// benchmarks and progress.
struct StageObserver {
  using Done = void(void* self, int stage) noexcept;

  Done* done;
  void* self;
};

class RowPlan {
 public:
  void start() noexcept;
  bool finished() const noexcept { return progress_.produced[result()] == options_.height; }

  // Input rows the next step() will take: fill each before calling it.  Empty once
  // all rows are in and the last ones are on their way through.
  RowRange wanted() const noexcept { return next_input_rows(progress_, options_.height, options_.band); }

  // What a step() runs, one after the other: together all layers of net().
  int stages() const noexcept { return stage_count_; }
  LayerRange stage_layers(int stage) const noexcept { return stages_[stage].layers; }

  // Rows of a tensor that the last step produced; they stay readable until the next one.
  // Of inner tensors there are none.
  RowRange made(int tensor) const noexcept { return made_[tensor]; }

  int result() const noexcept { return net_.layers[net_.layer_count - 1].out; }
  const Net& net() const noexcept { return net_; }
  const StreamOptions& options() const noexcept { return options_; }
  int lag() const noexcept { return lag_; }  // see Schedule::lag

 protected:
  struct Stage {
    LayerRange layers;
    int area;   // pixels of a job
    int block;  // transformed convolutions: pixels of a kernel call
    // Inverted residuals: the result's columns are cut into `blocks`, for good, and each
    // block keeps three expanded rows of its own, neighbours included.
    int blocks;
    std::byte* expanded;
    std::ptrdiff_t row_pitch;
  };
  struct Tile {  // of a stage's result: rows [y0, y1), columns [x0, x1)
    int y0, y1, x0, x1;
  };
  struct ThreeRows {  // pixel 0 of each
    const std::byte* row[3];
  };
  // How stages are cut into jobs.
  struct Cutting {
    double job_macs;     // a job is worth about this many direct multiply-accumulates: enough to hide its hand-out,
                         // small enough that the workers end together
    int least_area;      // but no fewer pixels
    int columns;         // jobs begin at multiples of so many
    int least_expanded;  // columns of an inverted residual's block, or weights and halo would cost too much
  };

  RowPlan() = default;

  // The steps of a bind().  First the graph; then `pixel_bytes` and `zero` of every tensor are the plan's to set, and
  // its weights to bind.  Layers make rows at the given pace.
  void bind_net(const Net& net, const StreamOptions& options, const Pace& pace) noexcept;
  // Cuts stages, and takes what inverted residuals keep; the bytes of scratch that a job of theirs needs.
  std::size_t bind_stages(const Cutting& cutting, Arena& arena) noexcept;
  // `scratch` bytes for each worker, the rings, and start().
  void bind_rings(std::size_t scratch, Arena& arena) noexcept;

  // Runs every stage.  Plan says what its kernels do:
  //   run_tile(stage, tile, scratch)
  //   pointwise(layer, in, add, out, pixels)       a run of pixels; add is null without a residual
  //   depthwise(layer, rows, out, x0, pixels)      columns [x0, x0 + pixels) of the result
  template <class Plan>
  void run_stages(const Plan& plan, const Parallel& parallel, const StageObserver* observer) noexcept;
  // A tile row by row.  Beside the above:
  //   convolve(layer, y, out, x0, pixels)          any other kind of layer, row y
  template <class Plan>
  void run_rows(const Plan& plan, int layer, const Tile& tile) const noexcept;

  int rows_at_once(const Layer& l) const noexcept { return least_rows(net_, l, options_.height, pace_); }
  int rows_of(int tensor) const noexcept { return tensor_rows(net_, tensor, options_.height); }
  int width_of(int tensor) const noexcept { return options_.width >> net_.tensors[tensor].shift; }
  int ring_rows(int tensor) const noexcept { return rings_[tensor].rows; }
  std::byte* pixel(int tensor, int y, int x) const noexcept {
    const Ring& r = rings_[tensor];
    return r.first + y % r.rows * r.pitch + static_cast<std::ptrdiff_t>(x) * pixel_bytes_[tensor];
  }
  // Of a row outside the image all pixels are zero.
  const std::byte* row_or_padding(int tensor, int y) const noexcept {
    return y >= 0 && y < rows_of(tensor) ? pixel(tensor, y, 0) : padding_[zero_[tensor] != 0 ? 1 : 0];
  }
  ThreeRows rows_around(int tensor, int y) const noexcept {
    return {{row_or_padding(tensor, y - 1), row_or_padding(tensor, y), row_or_padding(tensor, y + 1)}};
  }

  Net net_;
  StreamOptions options_;
  int pixel_bytes_[Net::kMax] = {};
  std::uint8_t zero_[Net::kMax] = {};  // every byte of a zero pixel: 0, or one value more
  Stage stages_[Net::kMax] = {};
  int stage_count_ = 0;

 private:
  struct Ring {
    std::byte* first;      // pixel 0 of the row in slot 0; a zero pixel lies either side of every row
    std::ptrdiff_t pitch;  // from row to row
    int rows;              // row y lives in slot y % rows
  };

  template <class Plan>
  void run_residual(const Plan& plan, const Stage& stage, int block, RowRange rows, std::byte* scratch) const noexcept;

  Pace pace_;
  int columns_ = 1;  // see Cutting
  Ring rings_[Net::kMax] = {};
  const std::byte* padding_[2] = {};  // pixel 0 of a row as wide as any: of 0, and of the other zero
  std::byte* scratch_ = nullptr;
  std::ptrdiff_t scratch_pitch_ = 0;  // from worker to worker
  int lag_ = 0;
  Progress progress_;
  RowRange made_[Net::kMax] = {};
};

template <class Plan>
void RowPlan::run_stages(const Plan& plan, const Parallel& parallel, const StageObserver* observer) noexcept {
  made_[0] = wanted();
  progress_.produced[0] = made_[0].end;
  for (int i = 0; i < stage_count_; ++i) {
    const Stage& s = stages_[i];
    const Layer& last = net_.layers[s.layers.end - 1];
    const int high = rows_at_once(last), width = width_of(last.out);
    const RowRange rows = next_rows(net_, s.layers, options_.height, options_.band, pace_, progress_);
    const auto scratch = [this](int worker) { return scratch_ + worker * scratch_pitch_; };
    if (s.blocks > 0) {
      parallel.for_each(rows.count() > 0 ? s.blocks : 0,
                        [&](int job, int worker) noexcept { run_residual(plan, s, job, rows, scratch(worker)); });
    } else if (rows.count() > 0) {
      const int tall = rows.count() / high, across = (width + columns_ - 1) / columns_;
      const int area = s.area / (high * columns_) > 0 ? s.area / (high * columns_) : 1;
      const Cut c = cut(tall, across, area, parallel.workers);
      parallel.for_each(c.jobs(), [&](int job, int worker) noexcept {
        const int group = job / c.runs, run = job % c.runs, x1 = columns_ * part_begin(across, c.runs, run + 1);
        const Tile tile = {.y0 = rows.begin + high * part_begin(tall, c.groups, group),
                           .y1 = rows.begin + high * part_begin(tall, c.groups, group + 1),
                           .x0 = columns_ * part_begin(across, c.runs, run),
                           .x1 = x1 < width ? x1 : width};
        plan.run_tile(s, tile, scratch(worker));
      });
    }
    made_[last.out] = rows;
    if (observer != nullptr) observer->done(observer->self, i);
  }
}

template <class Plan>
void RowPlan::run_rows(const Plan& plan, int layer, const Tile& tile) const noexcept {
  const Layer& l = net_.layers[layer];
  const int pixels = tile.x1 - tile.x0;
  for (int y = tile.y0; y < tile.y1; ++y) {
    std::byte* out = pixel(l.out, y, tile.x0);
    if (l.op == Op::pointwise)
      plan.pointwise(layer, pixel(l.in, y, tile.x0), l.add == kNoTensor ? nullptr : pixel(l.add, y, tile.x0), out,
                     pixels);
    else if (l.op == Op::dwconv3x3)
      plan.depthwise(layer, rows_around(l.in, y * l.stride), out, tile.x0, pixels);
    else
      plan.convolve(layer, y, out, tile.x0, pixels);
  }
}

// A block of columns of an inverted residual, row by row: the expanded rows that a row
// of the result is the first to need, the depthwise convolution of three of them, the
// projection.
template <class Plan>
void RowPlan::run_residual(const Plan& plan, const Stage& stage, int block, RowRange rows,
                           std::byte* scratch) const noexcept {
  const int dw_layer = stage.layers.end - 2, project_layer = stage.layers.end - 1;
  const Layer &dw = net_.layers[dw_layer], &project = net_.layers[project_layer];
  const bool expands = stage.expanded != nullptr;
  const int all_rows = rows_of(dw.in), wide_pixel = pixel_bytes_[dw.in];
  const ResidualBlock at = residual_block(width_of(project.out), width_of(dw.in), dw.stride, stage.blocks, block);
  const auto expanded = [&](int y) {  // column at.left
    return stage.expanded + (block * 3 + y % 3) * stage.row_pitch;
  };
  for (int y = rows.begin; y < rows.end; ++y) {
    if (expands) {
      const RowRange needed = newly_needed(y, dw.stride, all_rows);
      for (int i = needed.begin; i < needed.end; ++i)
        plan.pointwise(stage.layers.begin, pixel(net_.layers[stage.layers.begin].in, i, at.begin), nullptr,
                       expanded(i) + (at.begin - at.left) * wide_pixel, at.end - at.begin);
    }
    ThreeRows in;
    for (int i = 0; i < 3; ++i) {
      const int from = y * dw.stride + i - 1;
      const bool kept = expands && from >= 0 && from < all_rows;
      in.row[i] = kept ? expanded(from) + wide_pixel : row_or_padding(dw.in, from);
    }
    plan.depthwise(dw_layer, in, scratch, expands ? 0 : at.x0, at.x1 - at.x0);
    plan.pointwise(project_layer, scratch, project.add == kNoTensor ? nullptr : pixel(project.add, y, at.x0),
                   pixel(project.out, y, at.x0), at.x1 - at.x0);
  }
}

}  // namespace dtacs
