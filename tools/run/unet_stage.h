// SPDX-License-Identifier: Apache-2.0
// A U-Net at work on a scene: pads it by reflection, feeds the rows the plan wants
// as soon as the scene has them, and hands each finished scene row to the caller.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "io/parallel.h"
#include "net/int8_plan.h"
#include "net/model.h"
#include "net/padding.h"
#include "net/stream_plan.h"
#include "tools/run/scene.h"

namespace dtacs {

// Aligned, uninitialised memory for an arena.
class Block {
 public:
  explicit Block(std::size_t bytes);
  std::span<std::byte> bytes() const { return {memory_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* p) const;
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t size_;
};

class UnetStage {
 public:
  // name: of the weights, for messages.  Throws Failure(bad_weights) when tensors are missing
  // or of the wrong shape.  workers: as many as advance() will be given, at most.
  // Scene rows before first_row are not there; results are right from first_right(...) on.
  // band: rows of a step, 0 for the best; fewer need less memory.
  UnetStage(const std::string& name, const WeightsFile& weights, const Model& model, const Scene& scene, IsaSet isa,
            int workers, int first_row = 0, int band = 0);
  // For looking into the network: inner tensors have rows too, and two stages of one graph
  // over one scene step alike, whatever their precision.
  static UnetStage to_look_into(const std::string& name, const WeightsFile& weights, const Model& model,
                                const Scene& scene, IsaSet isa, int workers);

  // The first scene row with a right result, when reading starts at first_row.
  static int first_right(const Model& model, int height, int first_row);

  // Takes the memory; before the first step, and not before it is known that there is as much.
  // Throws std::bad_alloc, and Failure(bad_weights) where integers are out of range.
  void prepare();
  std::size_t memory() const { return memory_; }

  // Rows the scene must keep of those it has read, for the steps to come: a step waits for
  // all rows of a band, and at the bottom reflection goes back up.
  int wanted_rows() const { return (model_.int8 ? int8_.options() : plan_.options()).band + kSizeMultiple; }
  // Rows the scene must keep so that each can be read again when its result comes out.
  int history() const { return (model_.int8 ? int8_.lag() : plan_.lag()) + wanted_rows(); }

  // Whether the scene's rows allow another step.
  bool can_step() const;
  void step(const Parallel& parallel);

  // Runs as far as the scene's rows allow.  on_row(y, logits, classes) for each finished
  // scene row in ascending order: logits (width, outputs), nullptr from int8 weights; classes (width).
  // Of a scene that was read without meeting a valid pixel, each row with nullptr for both.
  template <class F>
  void advance(const Parallel& parallel, F&& on_row) {
    if (scene_.rows_read() == scene_.height() && scene_.filled_rows() == 0)
      for (int y = 0; y < scene_.height(); ++y) on_row(y, nullptr, nullptr);
    while (can_step()) {
      step(parallel);
      const int result = model_.int8 ? int8_.result() : plan_.result();
      const RowRange made = model_.int8 ? int8_.made(result) : plan_.made(result);
      for (int y = made.begin; y < made.end; ++y) {
        const int scene_y = y + passed_ - rows_.before;
        if (scene_y < 0 || scene_y >= scene_.height()) continue;
        const float* logits =
            model_.int8 ? nullptr : plan_.row(result, y) + columns_.before * std::ptrdiff_t{model_.outputs};
        on_row(scene_y, logits, (model_.int8 ? int8_.classes_row(y) : plan_.classes_row(y)) + columns_.before);
      }
    }
  }

  // The plan at work: the one of the weights' precision.
  const StreamPlan& stream_plan() const { return plan_; }
  const Int8Plan& int8_plan() const { return int8_; }

 private:
  UnetStage(const std::string& name, const WeightsFile& weights, const Model& model, const Scene& scene, IsaSet isa,
            int workers, int first_row, int band, bool keep_inner);
  void bind(Arena& arena);
  void fill(int y);
  template <class T, class F>
  void fill_row(T* out, std::ptrdiff_t channels, int y, F&& value) const;

  const Scene& scene_;
  std::string name_;
  const WeightsFile& weights_;
  Model model_;
  StreamOptions options_;
  int slots_[kPixelNetMaxBands] = {};  // scene slot of each input channel
  Padding rows_, columns_;
  int passed_;  // rows of the padded image before the plan's first
  std::size_t memory_ = 0;
  Block block_{0};
  StreamPlan plan_;  // or
  Int8Plan int8_;
};

}  // namespace dtacs
