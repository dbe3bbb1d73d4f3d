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
// Memory: packed weights and a ring of rows for each tensor (see schedule.h).
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
#include "net/layer.h"
#include "net/schedule.h"
#include "weights/weights_file.h"

namespace dtacs {

struct StreamOptions {
  int width = 0, height = 0;  // of the input, multiples of 32
  int band = 32;              // input rows taken by one step, >= 1
  IsaSet isa = isa::none;     // kernels may use these instructions
};

// Why bind() found the weights unfit: the tensor, what the network needs, what the file holds.
struct WeightsMismatch {
  char tensor[16] = {};
  std::uint32_t want[4] = {}, found[4] = {};  // (outputs, inputs, 3, 3), (n, 0, 0, 0) for a bias
  bool missing = false;
};

// One planned stage of the network's work: what a step() runs, for its rows, before it
// goes on to the next.  Layers [begin, end) of the net; one layer, unless several are
// run as one.
struct LayerRange {
  int begin = 0, end = 0;
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

  void step(const Parallel& parallel, const StageObserver* observer = nullptr) noexcept;

  // What the plan decided to run: stages() of them, together all layers of net(), in order.
  int stages() const noexcept { return net_.layer_count; }
  LayerRange stage_layers(int stage) const noexcept { return {stage, stage + 1}; }

  // Rows of a tensor that the last step produced; they stay readable until the next one.
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
  struct Step {
    const float* weights;  // packed, or as stored for dwconv3x3 and head3x3
    const float* bias;     // dwconv3x3 and head3x3 only
    int run_pixels;        // pixels of one job
    int runs;              // jobs per row
  };

  void bind_rings(Arena& arena) noexcept;
  void run(int layer, int y, int x0, int pixels) const noexcept;
  const float* row_or_zeros(int tensor, int y) const noexcept;

  Net net_;
  StreamOptions options_;
  const Conv3x3Kernel* conv3x3_ = nullptr;
  const Dwconv3x3Kernel* dwconv3x3_ = nullptr;
  const PointwiseKernel* pointwise_ = nullptr;
  const Head3x3Kernel* head3x3_ = nullptr;
  Step steps_[Net::kMax] = {};
  Ring rings_[Net::kMax] = {};
  const float* zeros_ = nullptr;  // pixel 0 of a row of zeros as wide as any
  std::uint8_t* classes_ = nullptr;
  int lag_ = 0;
  Progress progress_;
  RowRange made_[Net::kMax] = {};
};

}  // namespace dtacs
