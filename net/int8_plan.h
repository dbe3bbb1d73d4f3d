// SPDX-License-Identifier: Apache-2.0
// A classification network in 8-bit integers, bound to weights, an image size, an
// instruction set and memory: what StreamPlan is to float32, over the same schedule.
//
//   Net -> Int8Plan::bind() -> step() ... step()
//
// Memory is spent as StreamPlan spends it.  Every byte of every tensor is defined by weights/FORMAT.md: it is the same
// for any instruction set, band height and number of workers.
//
//   plan.start();
//   while (!plan.finished()) {
//     for (y in plan.wanted()) fill plan.input_row(y);    // (width, plan.input_channels()) int16
//     plan.step(parallel);
//     for (y in plan.made(result)) use plan.classes_row(y);
//   }
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/status.h"
#include "kernels/conv3x3_s8/conv3x3_s8.h"
#include "kernels/dwconv3x3_s8/dwconv3x3_s8.h"
#include "kernels/head3x3_s8/head3x3_s8.h"
#include "kernels/pixels_s16/pixels_s16.h"
#include "kernels/pointwise_s8/pointwise_s8.h"
#include "kernels/stem3x3_s16/stem3x3_s16.h"
#include "kernels/winograd3x3_s8/winograd3x3_s8.h"
#include "net/layer_tensors.h"
#include "net/row_plan.h"

namespace dtacs {

class Int8Plan : public RowPlan {
 public:
  // Status::ok; wrong_shape (see *mismatch); corrupt (a tensor of another type, or weights
  // that are not exact on every instruction set: mismatch names the tensor); unsupported (a
  // network whose channels the kernels do not cover); arena_too_small (arena.wanted() says
  // how much would do).  `net` is copied, the weights' bytes are no longer needed
  // afterwards, the arena's block must outlive the plan.
  static Status bind(const Net& net, const WeightsFile& weights, const StreamOptions& options, Arena& arena,
                     Int8Plan& plan, WeightsMismatch* mismatch) noexcept;

  // Channels from the network's own number up to input_channels() stay zero: do not write them.
  std::int16_t* input_row(int y) noexcept { return reinterpret_cast<std::int16_t*>(pixel(0, y, 0)); }
  int input_channels() const noexcept { return even(net_.tensors[0].channels); }
  // Fills input_row(y), or a row like it.
  const PixelsS16Kernel& pixels() const noexcept { return *pixels_; }

  // parallel.workers <= options().workers
  void step(const Parallel& parallel, const StageObserver* observer = nullptr) noexcept {
    run_stages(*this, parallel, observer);
  }

  // (width, channels) bytes; not for the input and the result.
  const std::uint8_t* bytes_row(int tensor, int y) const noexcept {
    return reinterpret_cast<const std::uint8_t*>(pixel(tensor, y, 0));
  }
  const std::uint8_t* classes_row(int y) const noexcept { return bytes_row(result(), y); }

 private:
  friend class RowPlan;
  struct LayerWeights {
    const std::byte* packed;
    bool wide;         // of 14 bits
    bool transformed;  // for winograd3x3_s8
  };
  static constexpr int even(int n) noexcept { return n + n % 2; }
  Status bind_layer(const WeightsFile& weights, int layer, Arena& arena, WeightsMismatch* mismatch) noexcept;

  // Whether a layer that reads a tensor of its own size is transformed.
  bool transforms(const Layer& l) const noexcept;
  void run_tile(const Stage& stage, const Tile& tile, std::byte* scratch) const noexcept;
  void pointwise(int layer, const std::byte* in, const std::byte* add, std::byte* out, int pixels) const noexcept;
  void depthwise(int layer, const ThreeRows& rows, std::byte* out, int x0, int pixels) const noexcept;
  void convolve(int layer, int y, std::byte* out, int x0, int pixels) const noexcept;
  void convolve_outputs(int layer, const Tile& tile, int begin, int end) const noexcept;

  const PixelsS16Kernel* pixels_ = nullptr;
  const Stem3x3S16Kernel* stem3x3_ = nullptr;
  const Conv3x3S8Kernel* conv3x3_ = nullptr;
  const Winograd3x3S8Kernel* winograd3x3_ = nullptr;  // if there is one of conv3x3_'s instruction set
  const Dwconv3x3S8Kernel* dwconv3x3_ = nullptr;
  const PointwiseS8Kernel* pointwise_ = nullptr;
  const Head3x3S8Kernel* head3x3_ = nullptr;
  LayerWeights weights_[Net::kMax] = {};
};

}  // namespace dtacs
