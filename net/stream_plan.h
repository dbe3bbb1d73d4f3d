// SPDX-License-Identifier: Apache-2.0
// A network bound to weights, an image size, an instruction set and memory, ready
// to run over an image of any height in rows.
//
//   Net -> StreamPlan::bind() -> step() ... step()
//
// Everything that can fail fails in bind(); after it nothing allocates, checks or
// returns an error.  The result equals, to the bit, that of running the whole
// padded image at once: for any band height and any number of workers.
//
//   plan.start();
//   while (!plan.finished()) {
//     for (y in plan.wanted()) fill plan.input_row(y);          // (width, channels) float32
//     plan.step(parallel);
//     for (y in plan.made(result)) use plan.classes_row(y), plan.row(result, y);
//   }
//
// Memory: packed weights, a ring of rows for each tensor that is not an inner one (see
// schedule.h), three rows of what an inverted residual expands to, and scratch for
// each worker.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/arena.h"
#include "io/parallel.h"
#include "io/status.h"
#include "kernels/conv3x3/conv3x3.h"
#include "kernels/dwconv3x3/dwconv3x3.h"
#include "kernels/head3x3/head3x3.h"
#include "kernels/pointwise/pointwise.h"
#include "kernels/upconv3x3/upconv3x3.h"
#include "kernels/winograd3x3/winograd3x3.h"
#include "net/layer.h"
#include "net/schedule.h"
#include "weights/weights_file.h"

namespace dtacs {

struct StreamOptions {
  int width = 0, height = 0;  // of the input, multiples of 32
  int band = 32;              // input rows taken by one step, >= 1; see default_band()
  IsaSet isa = isa::none;     // kernels may use these instructions
  int workers = 1;            // most workers that step() will be given
  bool keep_inner = false;    // inner tensors have rows too, and every precision makes the same rows in a step:
                              // for looking into a network; slower and larger
};

// Why bind() found the weights unfit: the tensor, what the network needs, what the file holds.
struct WeightsMismatch {
  char tensor[16] = {};
  std::uint32_t want[4] = {}, found[4] = {};  // (outputs, inputs, 3, 3), (n, 0, 0, 0) for a bias
  bool missing = false;
};

// Told by step() after each stage, in order and on the caller's thread: for
// benchmarks and progress.
struct StageObserver {
  using Done = void(void* self, int stage) noexcept;

  Done* done;
  void* self;
};

class StreamPlan {
 public:
  // Status::ok; wrong_shape (see *mismatch); arena_too_small (arena.wanted() says
  // how much would do).  `net` is copied, the weights' bytes are no longer needed
  // afterwards, the arena's block must outlive the plan.
  static Status bind(const Net& net, const WeightsFile& weights, const StreamOptions& options, Arena& arena,
                     StreamPlan& plan, WeightsMismatch* mismatch) noexcept;

  void start() noexcept;
  bool finished() const noexcept { return progress_.produced[result()] == options_.height; }

  // Input rows the next step() will take: fill each before calling it.  Empty once
  // all rows are in and the last ones are on their way through.
  RowRange wanted() const noexcept { return next_input_rows(progress_, options_.height, options_.band); }
  float* input_row(int y) noexcept { return const_cast<float*>(row(0, y)); }

  // parallel.workers <= options().workers
  void step(const Parallel& parallel, const StageObserver* observer = nullptr) noexcept;

  // What a step() runs, one after the other: together all layers of net().
  int stages() const noexcept { return stage_count_; }
  LayerRange stage_layers(int stage) const noexcept { return stages_[stage].layers; }

  // Rows of a tensor that the last step produced; they stay readable until the next one.
  // Of inner tensors there are none.
  RowRange made(int tensor) const noexcept { return made_[tensor]; }
  const float* row(int tensor, int y) const noexcept {
    const Ring& r = rings_[tensor];
    return r.first + y % r.rows * r.pitch;
  }
  const std::uint8_t* classes_row(int y) const noexcept {
    return classes_ + static_cast<std::ptrdiff_t>(y % rings_[result()].rows) * options_.width;
  }

  int result() const noexcept { return net_.layers[net_.layer_count - 1].out; }
  const Net& net() const noexcept { return net_; }
  const StreamOptions& options() const noexcept { return options_; }
  int lag() const noexcept { return lag_; }  // see Schedule::lag

 private:
  struct Ring {
    float* first;          // pixel 0 of the row in slot 0; a zero pixel lies either side of every row
    std::ptrdiff_t pitch;  // floats from row to row
    int rows;              // row y lives in slot y % rows
  };
  static constexpr int kMostPairs = 16;  // of rows in one call of a transformed convolution

  struct LayerWeights {
    const float* packed;  // or as stored, for dwconv3x3 and head3x3
    const float* skip;    // conv3x3 with a skip: its part
    const float* bias;    // dwconv3x3 and head3x3 only
  };
  struct Stage {
    LayerRange layers;
    int area;   // pixels of a job
    int block;  // transformed convolutions: pixels of a kernel call
    // Inverted residuals: the result's columns are cut into `blocks`, for good, and each
    // block keeps three expanded rows of its own, neighbours included.
    int blocks;
    float* expanded;
    std::ptrdiff_t row_pitch;
  };
  struct Tile {  // of a stage's result: rows [y0, y1), columns [x0, x1)
    int y0, y1, x0, x1;
  };

  static Status bind_weights(const WeightsFile& weights, Arena& arena, StreamPlan& plan,
                             WeightsMismatch* mismatch) noexcept;
  void bind_stages(Arena& arena) noexcept;
  void bind_rings(Arena& arena) noexcept;
  void run_rows(const Stage& stage, const Tile& tile) const noexcept;
  void run_pairs(const Stage& stage, const Tile& tile, float* scratch) const noexcept;
  void run_pair_block(const Layer& layer, const LayerWeights& weights, const Tile& tile, float* scratch) const noexcept;
  void run_residual(const Stage& stage, int block, RowRange rows, float* scratch) const noexcept;
  const float* row_or_zeros(int tensor, int y) const noexcept;
  int rows_of(int tensor) const noexcept { return tensor_rows(net_, tensor, options_.height); }
  int width_of(int tensor) const noexcept { return options_.width >> net_.tensors[tensor].shift; }

  Net net_;
  StreamOptions options_;
  const Conv3x3Kernel* conv3x3_ = nullptr;
  const Winograd3x3Kernel* winograd3x3_ = nullptr;
  const Upconv3x3Kernel* upconv3x3_ = nullptr;
  const Dwconv3x3Kernel* dwconv3x3_ = nullptr;
  const PointwiseKernel* pointwise_ = nullptr;
  const Head3x3Kernel* head3x3_ = nullptr;
  LayerWeights weights_[Net::kMax] = {};
  Stage stages_[Net::kMax] = {};
  int stage_count_ = 0;
  Ring rings_[Net::kMax] = {};
  const float* zeros_ = nullptr;  // pixel 0 of a row of zeros as wide as any
  std::uint8_t* classes_ = nullptr;
  float* scratch_ = nullptr;
  std::ptrdiff_t scratch_pitch_ = 0;  // from worker to worker
  int lag_ = 0;
  Progress progress_;
  RowRange made_[Net::kMax] = {};
};

}  // namespace dtacs
