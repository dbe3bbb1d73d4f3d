// SPDX-License-Identifier: Apache-2.0
// A U-Net at work on a scene: pads it by reflection, feeds the rows the plan wants
// as soon as the scene has them, and hands each finished scene row to the caller.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "io/parallel.h"
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

  // The first scene row with a right result, when reading starts at first_row.
  static int first_right(const Model& model, int height, int first_row);

  std::size_t memory() const { return block_.bytes().size(); }

  // Rows the scene must keep of those it has read, for the steps to come: a step waits for
  // all rows of a band, and at the bottom reflection goes back up.
  int wanted_rows() const { return plan_.options().band + kSizeMultiple; }
  // Rows the scene must keep so that each can be read again when its result comes out.
  int history() const { return plan_.lag() + wanted_rows(); }

  // Runs as far as the scene's rows allow.  on_row(y, logits, classes) for each finished
  // scene row in ascending order: logits (width, outputs), classes (width).
  template <class F>
  void advance(const Parallel& parallel, F&& on_row) {
    while (can_step()) {
      step(parallel);
      const RowRange made = plan_.made(plan_.result());
      for (int y = made.begin; y < made.end; ++y) {
        const int scene_y = y + passed_ - rows_.before;
        if (scene_y < 0 || scene_y >= scene_.height()) continue;
        on_row(scene_y, plan_.row(plan_.result(), y) + static_cast<std::ptrdiff_t>(columns_.before) * model_.outputs,
               plan_.classes_row(y) + columns_.before);
      }
    }
  }

 private:
  bool can_step() const;
  void step(const Parallel& parallel);
  void fill(int y);

  const Scene& scene_;
  Model model_;
  int slots_[kPixelNetMaxBands] = {};  // scene slot of each input channel
  Padding rows_, columns_;
  int passed_;  // rows of the padded image before the plan's first
  Block block_{0};
  StreamPlan plan_;
};

}  // namespace dtacs
