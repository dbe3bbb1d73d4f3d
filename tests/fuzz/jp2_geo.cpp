// SPDX-License-Identifier: Apache-2.0
// What a JP2 file says before it is decoded: boxes, GML, GeoJP2.
#include <cmath>

#include "io/host/failure.h"
#include "io/host/jp2_geo.h"
#include "tests/fuzz/target.h"

namespace dtacs::fuzz {

DTACS_FUZZ_TARGET(jp2_geo) {
  try {
    const Jp2Summary s = summarize_jp2(as_bytes(in), "fuzz");
    require(s.width > 0 && s.height > 0 && s.bits > 0 && s.dx > 0 && s.dy > 0, "an image of some size");
    if (s.placement)
      require(std::isfinite(s.placement->ulx) && std::isfinite(s.placement->uly) && s.placement->dx > 0 &&
                  s.placement->dy > 0,
              "a place of numbers");
  } catch (const Failure&) {
  }
}

}  // namespace dtacs::fuzz
