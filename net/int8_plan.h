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

#include "io/arena.h"
#include "io/parallel.h"
#include "io/status.h"
#include "kernels/conv3x3_s8/conv3x3_s8.h"
#include "kernels/dwconv3x3_s8/dwconv3x3_s8.h"
#include "kernels/head3x3_s8/head3x3_s8.h"
#include "kernels/pointwise_s8/pointwise_s8.h"
#include "kernels/stem3x3_s16/stem3x3_s16.h"
#include "net/layer.h"
#include "net/schedule.h"
#include "net/stream_plan.h"
#include "weights/weights_file.h"

namespace dtacs {

// The input's unit: reflectance 1 is this number, as in Sentinel-2's digital numbers.
inline constexpr int kInt8InputUnit = 10000;

// Of v in that unit: rounded half up, clamped to 16 bits.
inline std::int16_t int8_rounded(float v) noexcept {
  const float clamped = v < -32768.0f ? -32768.0f : v > 32767.0f ? 32767.0f : v;
  const int whole = static_cast<int>(clamped + 32768.5f) - 32768;  // truncation rounds down what is not negative
  return static_cast<std::int16_t>(whole < 32767 ? whole : 32767);
}

// Reflectance, given as it is or as (dn + offset) / quantification, in that unit.
inline std::int16_t int8_input(float reflectance) noexcept {
  return int8_rounded(reflectance * static_cast<float>(kInt8InputUnit));
}
inline std::int16_t int8_input(std::uint16_t dn, float offset, float quantification) noexcept {
  return int8_rounded((static_cast<float>(dn) + offset) * static_cast<float>(kInt8InputUnit) / quantification);
}

// A good band for an image of this width: as default_band(), in multiples of 8.  Bands that
// divide what the deep layers halve keep fewer rows waiting (11,008 pixels: 62 MiB with
// bands of 8 rows, 67 with 5).
constexpr int int8_band(int width) noexcept {
  return default_band(width) / 8 * 8;
}

class Int8Plan {
 public:
  // Status::ok; wrong_shape (see *mismatch); corrupt (a tensor of another type, or weights
  // that are not exact on every instruction set: mismatch names the tensor); unsupported (a
  // network whose channels the kernels do not cover); arena_too_small (arena.wanted() says
  // how much would do).  `net` is copied, the weights' bytes are no longer needed
  // afterwards, the arena's block must outlive the plan.
  static Status bind(const Net& net, const WeightsFile& weights, const StreamOptions& options, Arena& arena,
                     Int8Plan& plan, WeightsMismatch* mismatch) noexcept;

  void start() noexcept;
  bool finished() const noexcept { return progress_.produced[result()] == options_.height; }

  // Input rows the next step() will take: fill each before calling it.
  RowRange wanted() const noexcept { return next_input_rows(progress_, options_.height, options_.band); }
  // Channels from the network's own number up to input_channels() stay zero: do not write them.
  std::int16_t* input_row(int y) noexcept { return reinterpret_cast<std::int16_t*>(const_cast<std::byte*>(row(0, y))); }
  int input_channels() const noexcept { return even(net_.tensors[0].channels); }

  // parallel.workers <= options().workers
  void step(const Parallel& parallel, const StageObserver* observer = nullptr) noexcept;

  // See StreamPlan.
  int stages() const noexcept { return stage_count_; }
  LayerRange stage_layers(int stage) const noexcept { return stages_[stage].layers; }

  // Rows of a tensor that the last step produced; they stay readable until the next one.
  // Of inner tensors there are none.
  RowRange made(int tensor) const noexcept { return made_[tensor]; }
  // (width, channels) bytes; not for the input and the result.
  const std::uint8_t* bytes_row(int tensor, int y) const noexcept {
    return reinterpret_cast<const std::uint8_t*>(row(tensor, y));
  }
  const std::uint8_t* classes_row(int y) const noexcept { return bytes_row(result(), y); }

  int result() const noexcept { return net_.layers[net_.layer_count - 1].out; }
  const Net& net() const noexcept { return net_; }
  const StreamOptions& options() const noexcept { return options_; }
  int lag() const noexcept { return lag_; }  // see Schedule::lag

 private:
  struct Ring {
    std::byte* first;      // pixel 0 of the row in slot 0; a pixel of the tensor's zero lies either side of every row
    std::ptrdiff_t pitch;  // bytes from row to row
    int rows;              // row y lives in slot y % rows
  };
  struct LayerWeights {
    const std::byte* packed;
    bool wide;  // of 14 bits
  };
  struct Stage {
    LayerRange layers;
    int area;    // of a job, in groups of 16 pixels
    int blocks;  // inverted residuals: see residual.h
    std::uint8_t* expanded;
    std::ptrdiff_t row_pitch;
  };
  static constexpr int even(int n) noexcept { return n + n % 2; }
  Status bind_layer(const WeightsFile& weights, int layer, Arena& arena, WeightsMismatch* mismatch) noexcept;
  void bind_stages(Arena& arena) noexcept;
  void bind_rings(Arena& arena) noexcept;
  void run_row(int layer, int y, int x0, int pixels) const noexcept;
  void run_residual(const Stage& stage, int block, RowRange rows, std::uint8_t* scratch) const noexcept;
  int rows_of(int tensor) const noexcept { return tensor_rows(net_, tensor, options_.height); }
  int width_of(int tensor) const noexcept { return options_.width >> net_.tensors[tensor].shift; }
  int pixel_bytes(int tensor) const noexcept;
  std::uint8_t zero_of(int tensor) const noexcept { return linear_[tensor] ? 128 : 0; }
  const std::byte* row(int tensor, int y) const noexcept {
    const Ring& r = rings_[tensor];
    return r.first + y % r.rows * r.pitch;
  }
  const std::uint8_t* row_or_padding(int tensor, int y) const noexcept;

  Net net_;
  StreamOptions options_;
  const Stem3x3S16Kernel* stem3x3_ = nullptr;
  const Conv3x3S8Kernel* conv3x3_ = nullptr;
  const Dwconv3x3S8Kernel* dwconv3x3_ = nullptr;
  const PointwiseS8Kernel* pointwise_ = nullptr;
  const Head3x3S8Kernel* head3x3_ = nullptr;
  LayerWeights weights_[Net::kMax] = {};
  Stage stages_[Net::kMax] = {};
  int stage_count_ = 0;
  Ring rings_[Net::kMax] = {};
  bool linear_[Net::kMax] = {};       // by tensor: no activation, its zero is 128
  const std::byte* padding_[2] = {};  // pixel 0 of a row of zeros, and of a row of 128, as wide as any
  std::uint8_t* scratch_ = nullptr;
  std::ptrdiff_t scratch_pitch_ = 0;  // from worker to worker
  int lag_ = 0;
  Progress progress_;
  RowRange made_[Net::kMax] = {};
};

}  // namespace dtacs
