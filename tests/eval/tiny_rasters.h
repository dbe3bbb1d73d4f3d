// SPDX-License-Identifier: Apache-2.0
// Rasters of a few pixels, and the options that compare them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/host/geotiff.h"
#include "tests/host/temp_folder.h"
#include "tools/eval/eval.h"

namespace dtacs::test {

// Where a tiny raster lies: nowhere, or at a place with pixels of some size.
struct At {
  int epsg = 0;
  double ulx = 0, uly = 0, pixel = 0;
};

inline void put_codes(const std::string& path, int width, const std::vector<std::uint8_t>& codes, const At& at = {}) {
  GeoTiffWriter w(path, {.width = width,
                         .height = static_cast<int>(codes.size()) / width,
                         .epsg = at.epsg,
                         .ulx = at.ulx,
                         .uly = at.uly,
                         .pixel_size = at.pixel});
  w.write_rows(0, codes.data(), static_cast<int>(codes.size()) / width);
  w.finish();
}

inline void put_bands(const std::string& path, int width, const std::vector<std::string>& names,
                      const std::vector<std::vector<std::uint16_t>>& bands, const At& at = {}) {
  GeoTiffOptions o{.width = width,
                   .height = static_cast<int>(bands[0].size()) / width,
                   .bands = static_cast<int>(bands.size()),
                   .bits = 16,
                   .epsg = at.epsg,
                   .ulx = at.ulx,
                   .uly = at.uly,
                   .pixel_size = at.pixel};
  o.band_names = names;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  GeoTiffWriter w(path, o);
  for (int b = 0; b < o.bands; ++b) w.write_rows(b, bands[static_cast<std::size_t>(b)].data(), o.height);
  w.finish();
}

inline MaskEvalOptions masks(const std::string& found, const std::string& truth,
                             const std::string& map = "cloudsen12") {
  MaskEvalOptions o;
  o.pairs = {{.found = found, .truth = truth, .mask = {}, .toa = {}}};
  o.found_map = parse_class_map("cloudsen12");
  o.truth_map = parse_class_map(map);
  o.threads = 1;
  return o;
}

inline ReflectanceEvalOptions bands(const EvalPair& pair) {
  ReflectanceEvalOptions o;
  o.pairs = {pair};
  o.mask_map = parse_class_map("cloudsen12");
  o.threads = 1;
  return o;
}

}  // namespace dtacs::test
