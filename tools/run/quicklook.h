// SPDX-License-Identifier: Apache-2.0
// Small pictures of a scene: true colour before and after the correction, and the
// classes laid over it in the colours of the paper's figure 2.
//
// A picture pixel is the mean of the valid pixels of a cell of n x n, and the most
// frequent class among them; n is the least that keeps the longer side within
// kQuicklookSide.  Brightness: reflectance 0..0.4 -> 0..255.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/host/geotiff.h"

namespace dtacs {

inline constexpr int kQuicklookSide = 1100;
inline constexpr int kNoDataClass = 255;

// Names, colours and codes of the mask's classes; no data last.
const std::vector<RasterClass>& mask_classes();

class Quicklook {
 public:
  Quicklook(int width, int height);

  // One row of red, green, blue reflectance in units of 1e-4, ascending y.
  // offset: added to each value first.
  void add_colour(int y, const std::uint16_t* const (&rgb)[3], const float (&offset)[3], float quantification,
                  const std::uint8_t* valid);
  void write_colour(const std::string& path) const;

  // Cells of classes over the cells of colour.
  void add_classes(int y, const std::uint8_t* classes);
  void write_overlay(const std::string& path) const;

 private:
  struct Cell {
    float rgb[3] = {};
    std::uint32_t count = 0;
    std::uint32_t votes[4] = {};
  };
  std::vector<std::uint8_t> colours() const;

  int width_, cell_, columns_, rows_;
  std::vector<Cell> cells_;
};

}  // namespace dtacs
