// SPDX-License-Identifier: Apache-2.0
// Small pictures of a scene: true colour before and after the correction, and the
// classes laid over it in the colours of the paper's figure 2.
//
// A picture pixel is the mean of the valid pixels of a cell of n x n, and the most
// frequent class among them; n is the least that keeps the longer side within
// kQuicklookSide.  Brightness: reflectance 0..0.4 -> 0..255.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/host/geotiff.h"
#include "io/host/state_archive.h"
#include "kernels/head3x3/head3x3.h"

namespace dtacs {

inline constexpr int kQuicklookSide = 1100;
inline constexpr int kNoDataClass = 255;

// Codes, names and colours of a mask's classes, in the order of the names; no data
// last.  Names other than DTACSNet's four get colours of their own.
std::vector<RasterClass> mask_classes(std::string_view comma_separated_names);

class Quicklook {
 public:
  // with_classes: add_classes() and write_overlay() will be called.
  Quicklook(int width, int height, bool with_classes);

  // One row of red, green and blue digital numbers, ascending y;
  // reflectance = (DN + offset) / quantification, the same for all rows.
  void add_colour(int y, const std::uint16_t* const (&rgb)[3], const float (&offset)[3], float quantification,
                  const std::uint8_t* valid);
  void write_colour(const std::string& path);

  // Cells of classes over the cells of colour; they may come later than the colours.
  void add_classes(int y, const std::uint8_t* classes);
  void write_overlay(const std::string& path, const std::vector<RasterClass>& classes);

  std::size_t memory() const;
  void exchange(StateArchive& state);  // see io/host/state_archive.h

 private:
  // Sums of one row of cells; a row that is done becomes pixels.
  struct Colour {
    std::uint64_t rgb[3] = {};  // digital numbers
    std::uint64_t count = 0;
  };
  struct Votes {
    std::uint32_t of[kHead3x3MaxOutputs] = {};
  };
  void finish_colours();
  void finish_votes();
  int end_of(int column) const { return std::min((column + 1) * cell_, width_); }

  int width_, cell_, columns_, rows_;
  int colour_row_ = 0, vote_row_ = 0;  // being summed
  float offset_[3] = {}, quantification_ = 1;
  std::vector<Colour> colours_;
  std::vector<Votes> votes_;
  std::vector<std::uint8_t> pixels_;   // (rows, columns, 3)
  std::vector<std::uint8_t> classes_;  // (rows, columns): the most frequent, or kNoDataClass
};

}  // namespace dtacs
