// SPDX-License-Identifier: Apache-2.0
// What the figures read of our files is what is in them, and all five are drawn.
#include <doctest/doctest.h>
#include <stb_image.h>

#include <set>

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

TEST_CASE("eval: the five figures of the demo scene") {
  DTACS_NEEDS_TOOL("python3-matplotlib", std::string(kPython) + " -c 'import numpy, matplotlib'");
  const TempFolder folder;
  REQUIRE(succeeds(std::string(kPython) + " -B '" DTACS_SOURCE_DIR "/tools/figures/figures.py' " + folder.path() +
                   " --dtacs '" DTACS_BINARY "' --simulate 0"));
  for (const char* name : {"figure1.png", "figure2.png", "figure3.png", "figure4.png", "figure5.png"}) {
    INFO(std::string(name));
    int width = 0, height = 0, channels = 0;
    stbi_uc* pixels = stbi_load((folder / name).c_str(), &width, &height, &channels, 3);
    REQUIRE(pixels != nullptr);
    CHECK((width >= 600 && width <= 3000));
    CHECK((height >= 300 && height <= 3000));
    std::set<int> colours;
    for (int i = 0; i < 3 * width * height; i += 3)
      colours.insert(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]);
    stbi_image_free(pixels);
    CHECK(colours.size() > 50);  // something is drawn on the white
  }
}

}  // namespace dtacs::test
