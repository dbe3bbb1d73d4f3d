// SPDX-License-Identifier: Apache-2.0
// Atmospheric correction at work on a scene: a pixel network, row by row as the scene has
// them, or a U-Net some rows behind.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tools/run/loaded_weights.h"
#include "tools/run/scene.h"
#include "tools/run/unet_stage.h"

namespace dtacs {

class Correction {
 public:
  // Throws Failure(bad_weights).  rows: of a pixel network at a time.  first_row, band: see UnetStage.
  Correction(const LoadedWeights& weights, const Scene& scene, IsaSet isa, int workers, int rows, int first_row,
             int band);

  const Model& model() const { return model_; }
  void prepare();  // see UnetStage
  std::size_t memory() const;

  // Rows the scene must keep of those it had read before, so that each can be read again when
  // its result comes out.
  int history() const { return unet_ ? unet_->history() : 0; }
  // The first scene row with a right result, when reading starts at first_row.
  int first_right(int first_row) const {
    return unet_ ? UnetStage::first_right(model_, scene_.height(), first_row) : first_row;
  }

  // Rows [from, ...) as far as the scene's rows allow, in ascending order.  on_row(y, rows): rows[m],
  // of the scene's width, is surface reflectance x 10000 of output band m, to be changed at will; of
  // a pixel without data anything.
  using OnRow = std::function<void(int y, std::uint16_t* const* rows)>;
  void advance(const Parallel& parallel, int from, const OnRow& on_row);

 private:
  std::size_t values() const;  // in corrected_
  void correct_pixels(const Parallel& parallel, int from, int count);
  void subtract(int y, const float* logits);
  std::uint16_t* row(int i, int output);

  const Scene& scene_;
  IsaSet isa_;
  Model model_;
  int rows_;                             // in `corrected`
  std::unique_ptr<PixelNet> pixel_net_;  // or
  std::unique_ptr<UnetStage> unet_;
  std::vector<std::uint16_t> corrected_;  // (rows, outputs, width)
};

}  // namespace dtacs
