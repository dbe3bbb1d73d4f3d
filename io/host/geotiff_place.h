// SPDX-License-Identifier: Apache-2.0
// Where GeoTIFF's fields put a raster (OGC 19-008r4), in a TIFF of its own or in the uuid box of a JP2.
#pragma once

#include <optional>

#include "io/host/tiff_fields.h"

namespace dtacs {

struct GeoTiffPlace {
  int epsg = 0;             // 0: none, or parameters instead of a code
  bool projected = false;   // that of a projected coordinate system, not a geographic one
  double ulx = 0, uly = 0;  // the upper-left corner of the upper-left pixel
  double dx = 0, dy = 0;    // units per pixel; y runs downwards on the image.  Not checked for sense
};

// Nothing without a place, or where the raster is turned.  Throws Failure(bad_data) as TiffFields::numbers does.
std::optional<GeoTiffPlace> geotiff_place(const TiffFields& fields);

}  // namespace dtacs
