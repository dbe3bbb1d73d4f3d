// SPDX-License-Identifier: Apache-2.0
// Where GeoTIFF's fields put a raster (OGC 19-008r4), in a TIFF of its own or in the uuid box of a JP2.
#pragma once

#include <optional>
#include <string>

#include "io/host/tiff_fields.h"

namespace dtacs {

inline constexpr int kUncodedCrs = 32767;  // a coordinate system by its parameters; GeoTIFF's "user-defined"

struct GeoTiffPlace {
  int epsg = 0;             // 0: no coordinate system is named; kUncodedCrs: one without a code of EPSG's
  bool projected = false;   // that of a projected coordinate system, not a geographic one
  double ulx = 0, uly = 0;  // the upper-left corner of the upper-left pixel
  double dx = 0, dy = 0;    // units per pixel; y runs downwards on the image.  Finite, else not checked for sense
  double skew = 0;          // units that a step along an axis of the image goes beside it: not 0 where it is turned
};

// At most this part of a pixel is rounding, not a turn: a hundredth of a pixel over a million.
inline constexpr double kMostSkew = 1e-8;

inline constexpr const char* kFlipped = "it is flipped";

// What keeps a grid of such pixels from being north-up and square (to a hundredth of a pixel over 10,000): "it is
// turned", kFlipped, "its pixels are not square"; "" when nothing does.
std::string grid_problem(double dx, double dy, double skew);

// Nothing without a place.  A raster placed by control points counts as turned.  Throws Failure(bad_data) as
// TiffFields::numbers does.
std::optional<GeoTiffPlace> geotiff_place(const TiffFields& fields);

}  // namespace dtacs
