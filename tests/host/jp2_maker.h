// SPDX-License-Identifier: Apache-2.0
// The headers of JPEG 2000 files, enough of them for everything that does not decode.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

namespace dtacs::test {

inline std::string be(std::uint64_t v, int bytes) {
  std::string s;
  for (int i = bytes - 1; i >= 0; --i) s += static_cast<char>(v >> (8 * i));
  return s;
}

inline std::string jp2_box(const std::string& type, const std::string& content) {
  return be(content.size() + 8, 4) + type + content;
}

struct Jp2Maker {
  int width = 4, height = 4;
  int components = 1, bits = 15;
  bool is_signed = false;
  std::string gml = {}, geotiff = {};
  int sampling = 1;         // of every component
  std::string stream = {};  // in place of the made-up codestream

  // The main header up to the first tile-part, without what only decoding needs.
  std::string codestream() const {
    if (!stream.empty()) return stream;
    std::string s = be(0xff4f, 2) + be(0xff51, 2) + be(38 + 3 * static_cast<unsigned>(components), 2) + be(0, 2);
    const auto w = static_cast<unsigned>(width + 5), h = static_cast<unsigned>(height + 7);
    s += be(w, 4) + be(h, 4) + be(5, 4) + be(7, 4) + be(w, 4) + be(h, 4) + be(0, 8) +
         be(static_cast<unsigned>(components), 2);
    for (int c = 0; c < components; ++c)
      s += be(static_cast<unsigned>(bits - 1) | (is_signed ? 0x80u : 0u), 1) +
           be(static_cast<unsigned>(sampling * 0x101), 2);
    return s + be(0xff90, 2);
  }

  // Boxes in the order of ESA's files: the outer asoc with a 64-bit length, the
  // codestream's without one.
  std::string file() const {
    std::string s = jp2_box("jP  ", "\x0d\x0a\x87\x0a") + jp2_box("ftyp", "jp2 " + be(0, 4) + "jp2 ");
    if (!geotiff.empty())
      s += jp2_box("uuid", "\xb1\x4b\xf8\xbd\x08\x3d\x4b\x43\xa5\xae\x8c\xd7\xd5\xa6\xce\x03" + geotiff);
    if (!gml.empty()) {
      const std::string inner =
          jp2_box("lbl ", "gml.data") + jp2_box("asoc", jp2_box("lbl ", "gml.root-instance") + jp2_box("xml ", gml));
      s += be(1, 4) + "asoc" + be(inner.size() + 16, 8) + inner;
    }
    return s + be(0, 4) + "jp2c" + codestream();
  }
};

inline std::string gml_grid(int epsg, double x, double y, double dx) {
  const std::string srs = "srsName=\"urn:ogc:def:crs:EPSG::" + std::to_string(epsg) + "\"";
  return "<?xml version='1.0'?><gml:FeatureCollection "
         "xmlns:gml=\"http://www.opengis.net/gml\"><gml:RectifiedGridCoverage>"
         "<gml:RectifiedGrid dimension=\"2\"><gml:origin><gml:Point " +
         srs + "><gml:pos>" + std::to_string(x + dx / 2) + " " + std::to_string(y - dx / 2) +
         "</gml:pos></gml:Point></gml:origin><gml:offsetVector " + srs + ">" + std::to_string(dx) +
         " 0</gml:offsetVector><gml:offsetVector " + srs + ">0 " + std::to_string(-dx) +
         "</gml:offsetVector></gml:RectifiedGrid></gml:RectifiedGridCoverage></gml:FeatureCollection>";
}

// A GeoTIFF's tags in either byte order: scale, tie point and keys.
inline std::string geo_tags(bool big_endian, int epsg, double x, double y, double dx, bool point) {
  const auto num = [&](std::uint64_t v, int bytes) {
    std::string s = be(v, bytes);
    return big_endian ? s : std::string(s.rbegin(), s.rend());
  };
  const auto entry = [&](int tag, int type, int count, int value) {
    return num(static_cast<unsigned>(tag), 2) + num(static_cast<unsigned>(type), 2) +
           num(static_cast<unsigned>(count), 4) + num(static_cast<unsigned>(value), 4);
  };
  const auto reals = [&](std::initializer_list<double> list) {
    std::string s;
    for (const double v : list) s += num(std::bit_cast<std::uint64_t>(v), 8);
    return s;
  };
  std::string keys;
  for (const int v : {1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, point ? 2 : 1, 2048, 0, 1, 4326, 3072, 0, 1, epsg})
    keys += num(static_cast<unsigned>(v), 2);
  const int data = 8 + 2 + 3 * 12 + 4;
  return (big_endian ? "MM" : "II") + num(42, 2) + num(8, 4) + num(3, 2) + entry(33550, 12, 3, data) +
         entry(33922, 12, 6, data + 24) + entry(34735, 3, 20, data + 72) + num(0, 4) + reals({dx, dx, 0}) +
         reals({0, 0, 0, x, y, 0}) + keys;
}

}  // namespace dtacs::test
