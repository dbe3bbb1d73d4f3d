// SPDX-License-Identifier: Apache-2.0
// Small TIFFs with fields that GeoTiffWriter never writes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "io/host/tiff_directory.h"
#include "tests/host/temp_folder.h"

namespace dtacs::test {

// One strip of samples, those of a pixel side by side; none at all makes a sparse file.
struct TiffMaker {
  int width = 2, height = 2, bands = 1, bits = 8;
  int format = 1;  // 1 unsigned, 2 signed, 3 floats
  TiffBytes samples = {};
  std::function<void(TiffDirectory&)> more = {};  // further fields

  void put(const std::string& path) const {
    const auto u16 = [](int v) { return static_cast<std::uint16_t>(v); };
    const auto all = [&](int v) { return std::vector<std::uint16_t>(static_cast<std::size_t>(bands), u16(v)); };
    TiffDirectory d(false);
    d.shorts(256, {u16(width)});
    d.shorts(257, {u16(height)});
    d.shorts(258, all(bits));
    d.shorts(259, {1});
    d.shorts(262, {1});
    d.longs(273, {8});
    d.shorts(277, {u16(bands)});
    d.shorts(278, {u16(height)});
    d.longs(279, {static_cast<std::uint32_t>(samples.size())});
    d.shorts(339, all(format));
    if (more) more(d);
    const std::size_t at = 8 + (samples.size() + 1) / 2 * 2;
    TiffBytes file = TiffDirectory::header(false, at);
    file.insert(file.end(), samples.begin(), samples.end());
    file.resize(at);
    const TiffBytes directory = d.encode(at);
    file.insert(file.end(), directory.begin(), directory.end());
    put_file(path, std::string(file.begin(), file.end()));
  }
};

// The affine transformation from columns and rows to x and y: x = m[0] + m[1] column + m[2] row, y likewise.
inline void put_matrix(TiffDirectory& d, const std::vector<double>& m) {
  d.doubles(34264, {m[1], m[2], 0, m[0], m[4], m[5], 0, m[3], 0, 0, 0, 0, 0, 0, 0, 1});
}

// A projected coordinate system by its code; 32767: one without.
inline void put_projection(TiffDirectory& d, int code) {
  d.shorts(34735, {1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, static_cast<std::uint16_t>(code)});
}

// GDAL's items of bands: {band, name, value}.
struct BandItem {
  int band;
  std::string name, value;
};
inline void put_items(TiffDirectory& d, const std::vector<BandItem>& items) {
  std::string xml = "<GDALMetadata>\n";
  for (const BandItem& i : items)
    xml += "<Item name=\"" + i.name + "\" sample=\"" + std::to_string(i.band) + "\">" + i.value + "</Item>\n";
  d.text(42112, xml + "</GDALMetadata>\n");
}

}  // namespace dtacs::test
