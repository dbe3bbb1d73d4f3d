// SPDX-License-Identifier: Apache-2.0
// ENVI headers and flag lines.
#include <cmath>

#include "io/host/failure.h"
#include "io/host/raw_product.h"
#include "tests/fuzz/target.h"

namespace dtacs::fuzz {

DTACS_FUZZ_TARGET(raw_header) {
  const std::string text(reinterpret_cast<const char*>(in.data()), in.size());
  for (const bool envi : {true, false}) {
    RawHeader h;
    try {
      if (envi)
        parse_envi_header(text, "fuzz", h);
      else
        parse_raw_flags(text, h);
    } catch (const Failure& e) {
      require(std::string_view(e.what()).find('\n') == std::string_view::npos, "one line");
      continue;
    }
    require(h.width >= 0 && h.width <= 1 << 20 && h.height >= 0 && h.height <= 1 << 20, "a bounded size");
    require(h.bands.size() <= 13, "every band once");
    require(
        std::isfinite(h.ulx.value_or(0)) && std::isfinite(h.uly.value_or(0)) && h.pixel > 0 && h.quantification >= 1,
        "sensible numbers");
  }
}

}  // namespace dtacs::fuzz
