// SPDX-License-Identifier: Apache-2.0
// What the figures read of our files is what is in them.
#include <doctest/doctest.h>

#include "io/host/geotiff.h"
#include "tests/host/temp_folder.h"
#include "tests/support/tools.h"

namespace dtacs::test {

TEST_CASE("eval: the figures' reader of GeoTIFF") {
  DTACS_NEEDS_TOOL("python3-numpy", std::string(kPython) + " -c 'import numpy'");
  const TempFolder folder;
  constexpr int kWidth = 700, kHeight = 300;
  for (const bool big : {false, true}) {
    GeoTiffOptions o{.width = kWidth, .height = kHeight, .bands = 2, .bits = 16, .predictor = true};
    o.band_names = {"B02", "B8A"};
    o.always_big = big;
    GeoTiffWriter w(folder / "x.tif", o);
    std::vector<std::uint16_t> row(kWidth);
    for (int y = 0; y < kHeight; ++y)
      for (int b = 0; b < 2; ++b) {
        for (int x = 0; x < kWidth; ++x)
          row[static_cast<std::size_t>(x)] = static_cast<std::uint16_t>(x * 91 + y * 7 + b);
        w.write_rows(b, row.data(), 1);
      }
    w.finish();
    const std::string said = output_of(std::string(kPython) +
                                       " -B -c \"import sys; sys.path.insert(0, '" DTACS_SOURCE_DIR
                                       "/tools/figures')\nimport numpy as np\nfrom rasters import read_tiff\n"
                                       "a, names = read_tiff('" +
                                       folder / "x.tif" +
                                       "')\nb, y, x = np.mgrid[:2, :300, :700]\n"
                                       "print(names, (a == (x * 91 + y * 7 + b) % 65536).all())\"");
    CHECK(said == "['B02', 'B8A'] True\n");
  }
}

}  // namespace dtacs::test
