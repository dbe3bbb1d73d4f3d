// SPDX-License-Identifier: Apache-2.0
// GeoTIFF files: directory, compressions, predictors, rows of the first and the last band.
#include "io/host/failure.h"
#include "io/host/geotiff_reader.h"
#include "tests/fuzz/memory_file.h"

namespace dtacs::fuzz {

DTACS_FUZZ_TARGET(geotiff) {
  constexpr int kMostSamples = 1 << 12;
  static const MemoryFile file;
  file.set(in);
  try {
    const GeoTiff tiff(file.path());
    const GeoTiffInfo& info = tiff.info();
    require(info.width > 0 && info.height > 0 && info.bands > 0, "an image of some size");
    require(info.band_names.size() == static_cast<std::size_t>(info.bands), "a name for each band");
    if (static_cast<std::int64_t>(info.width) * info.height * info.bands > kMostSamples) return;
    std::vector<float> row(static_cast<std::size_t>(info.width));
    for (const int b : {0, info.bands - 1}) {
      GeoTiffBand band(tiff, b);
      for (int y = 0; y < info.height; ++y) band.read_rows(1, row.data(), info.width);
    }
  } catch (const Failure&) {
  }
}

}  // namespace dtacs::fuzz
