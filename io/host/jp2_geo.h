// SPDX-License-Identifier: Apache-2.0
// What a JPEG 2000 file says about its image before any of it is decoded: size, sample
// format, and where on the Earth it lies.
//
// The place is read from either of the two boxes in use: the GML of an asoc box
// (GMLJP2, what ESA writes) or a degenerate GeoTIFF in a uuid box (GeoJP2, what GDAL
// writes).  Only north-up grids in a projection with an EPSG code count; GML wins where
// both are there and usable, and where it says that the image is flipped.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace dtacs {

struct GridPlacement {
  int epsg = 0;             // of a projected coordinate system in metres
  double ulx = 0, uly = 0;  // the upper-left corner of the upper-left pixel
  double dx = 0, dy = 0;    // metres per pixel, both positive: y runs downwards on the image
};

struct Jp2Summary {
  int x0 = 0, y0 = 0, width = 0, height = 0;  // the image area on the reference grid
  int components = 0;
  int bits = 0;  // of the component asked for, like the rest
  bool is_signed = false;
  int dx = 1, dy = 1;                      // pixels of the reference grid for each of its samples
  std::optional<GridPlacement> placement;  // of the image area, in pixels of the reference grid
  std::string place_problem = {};          // why there is none though the file says where it lies: "it is turned"
};

// `file` names it in messages.  Takes JP2 files and raw codestreams.  Throws Failure:
// bad_data, unsupported (neither of the two, or too large), usage (no such component).
Jp2Summary summarize_jp2(std::span<const std::byte> bytes, const std::string& file, int component = 0);
Jp2Summary summarize_jp2(const std::string& path, int component = 0);

// The summary of an image of numbers: Failure(unsupported) unless it is one component of at most 16 bits without
// a sign, and a sample for each pixel.
Jp2Summary summarize_one_band(const std::string& path);

// The two kinds of georeference apart; nothing when there is none or it is damaged: the
// image can be read without.  Where it is neither but of no use, `problem` says why.
std::optional<GridPlacement> placement_from_gml(std::string_view gml, std::string* problem = nullptr);
std::optional<GridPlacement> placement_from_geotiff(std::span<const std::byte> tiff, std::string* problem = nullptr);

}  // namespace dtacs
