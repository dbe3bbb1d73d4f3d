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

#include "io/status.h"
#include "kernels/conv3x3/conv3x3.h"
#include "kernels/dwconv3x3/dwconv3x3.h"
#include "kernels/head3x3/head3x3.h"
#include "kernels/pointwise/pointwise.h"
#include "kernels/upconv3x3/upconv3x3.h"
#include "kernels/winograd3x3/winograd3x3.h"
#include "net/layer_tensors.h"
#include "net/row_plan.h"

namespace dtacs {

class StreamPlan : public RowPlan {
 public:
  // Status::ok; wrong_shape and corrupt (see *mismatch); arena_too_small (arena.wanted() says
  // how much would do).  `net` is copied, the weights' bytes are no longer needed
  // afterwards, the arena's block must outlive the plan.
  static Status bind(const Net& net, const WeightsFile& weights, const StreamOptions& options, Arena& arena,
                     StreamPlan& plan, WeightsMismatch* mismatch) noexcept;

  float* input_row(int y) noexcept { return reinterpret_cast<float*>(pixel(0, y, 0)); }

  // parallel.workers <= options().workers
  void step(const Parallel& parallel, const StageObserver* observer = nullptr) noexcept {
    run_stages(*this, parallel, observer);
  }

  const float* row(int tensor, int y) const noexcept { return reinterpret_cast<const float*>(pixel(tensor, y, 0)); }
  const std::uint8_t* classes_row(int y) const noexcept {
    return classes_ + static_cast<std::ptrdiff_t>(y % ring_rows(result())) * options_.width;
  }

 private:
  friend class RowPlan;
  static constexpr int kMostPairs = 16;  // of rows in one call of a transformed convolution

  struct LayerWeights {
    const float* packed;  // dwconv3x3 and head3x3: taps outermost
    const float* skip;    // conv3x3 with a skip: its part
    const float* bias;    // dwconv3x3 and head3x3 only
  };

  Status bind_layer(const WeightsFile& weights, int layer, Arena& arena, WeightsMismatch* mismatch) noexcept;
  int upconv_across(const Layer& l) const noexcept;
  std::size_t bind_blocks(Stage& stage) const noexcept;

  void run_tile(const Stage& stage, const Tile& tile, std::byte* scratch) const noexcept;
  void run_pairs(const Stage& stage, const Tile& tile, float* scratch) const noexcept;
  void run_pair_block(const Layer& layer, const LayerWeights& weights, const Tile& tile, float* scratch) const noexcept;
  void pointwise(int layer, const std::byte* in, const std::byte* add, std::byte* out, int pixels) const noexcept;
  void depthwise(int layer, const ThreeRows& rows, std::byte* out, int x0, int pixels) const noexcept;
  void convolve(int layer, int y, std::byte* out, int x0, int pixels) const noexcept;

  const Conv3x3Kernel* conv3x3_ = nullptr;
  const Winograd3x3Kernel* winograd3x3_ = nullptr;
  const Upconv3x3Kernel* upconv3x3_ = nullptr;
  const Dwconv3x3Kernel* dwconv3x3_ = nullptr;
  const PointwiseKernel* pointwise_ = nullptr;
  const Head3x3Kernel* head3x3_ = nullptr;
  LayerWeights weights_[Net::kMax] = {};
  std::uint8_t* classes_ = nullptr;
};

}  // namespace dtacs
