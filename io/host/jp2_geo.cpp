// SPDX-License-Identifier: Apache-2.0
#include "io/host/jp2_geo.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <vector>

#include "io/bytes.h"
#include "io/host/failure.h"
#include "io/host/file.h"
#include "io/host/xml.h"

namespace dtacs {
namespace {

using ByteSpan = std::span<const std::byte>;

constexpr std::size_t kMostGml = 1 << 20;  // ESA's are 2 kB

std::string_view as_text(ByteSpan bytes) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

constexpr std::uint32_t type_of(const char (&name)[5]) {
  std::uint32_t v = 0;
  for (int i = 0; i < 4; ++i) v = (v << 8) | static_cast<unsigned char>(name[i]);
  return v;
}

struct Box {
  std::uint32_t type = 0;
  ByteSpan content;
};

// The box at the start of `rest`, which is moved past it.  False at the end, and for a
// header that makes no sense; a length beyond the end means up to the end, so that the
// start of a cut file can still be described.
bool next_box(ByteSpan& rest, Box& box) {
  Reader r(rest);
  std::uint64_t length = r.u32be();
  box.type = r.u32be();
  std::uint64_t header = 8;
  if (length == 1) {
    length = static_cast<std::uint64_t>(r.u32be()) << 32;
    length |= r.u32be();
    header = 16;
  }
  if (!r.ok()) return false;
  if (length == 0) length = rest.size();
  if (length < header) return false;
  length = std::min<std::uint64_t>(length, rest.size());
  box.content = rest.subspan(static_cast<std::size_t>(header), static_cast<std::size_t>(length - header));
  rest = rest.subspan(static_cast<std::size_t>(length));
  return true;
}

bool plausible(const GridPlacement& p) {
  const auto metres = [](double v) { return std::isfinite(v) && std::fabs(v) < 1e8; };
  return p.epsg > 0 && p.epsg <= 65535 && metres(p.ulx) && metres(p.uly) && metres(p.dx) && metres(p.dy) &&
         p.dx > 1e-3 && p.dy > 1e-3;
}

// "5 -3.5" or "5,-3.5" -> the two numbers.
bool two_numbers(std::string_view s, double& a, double& b) {
  double* const out[] = {&a, &b};
  for (double* v : out) {
    while (!s.empty() && (s[0] == ' ' || s[0] == ',' || s[0] == '\n' || s[0] == '\t' || s[0] == '\r'))
      s.remove_prefix(1);
    if (s.starts_with('+')) s.remove_prefix(1);
    const auto r = std::from_chars(s.data(), s.data() + s.size(), *v);
    if (r.ec != std::errc()) return false;
    s.remove_prefix(static_cast<std::size_t>(r.ptr - s.data()));
  }
  return true;
}

// "urn:ogc:def:crs:EPSG::32631", ".../EPSG/0/32631", "EPSG:32631" -> 32631; 0 otherwise.
int epsg_of(const std::string& name) {
  if (name.find("EPSG") == std::string::npos && name.find("epsg") == std::string::npos) return 0;
  const std::size_t digits = name.find_last_not_of("0123456789") + 1;
  int code = 0;
  const auto r = std::from_chars(name.data() + digits, name.data() + name.size(), code);
  return r.ec == std::errc() ? code : 0;
}

// asoc boxes hold boxes, which may again be asoc; the document is in an xml box.
std::optional<GridPlacement> search_association(ByteSpan content, int depth) {
  Box box;
  while (next_box(content, box)) {
    std::optional<GridPlacement> found;
    if (box.type == type_of("asoc") && depth < 4) found = search_association(box.content, depth + 1);
    if (box.type == type_of("xml ")) found = placement_from_gml(as_text(box.content));
    if (found) return found;
  }
  return std::nullopt;
}

void read_size(ByteSpan codestream, const std::string& file, Jp2Summary& s) {
  Reader r(codestream);
  const std::uint32_t start = r.u32be();
  r.take(4);  // Lsiz, Rsiz
  const std::uint32_t x1 = r.u32be(), y1 = r.u32be(), x0 = r.u32be(), y0 = r.u32be();
  r.take(16);  // tiles
  const int components = r.u16be();
  const int depth = r.u8();
  if (!r.ok() || start != 0xff4fff51u)
    throw Failure(Exit::bad_data, file + ": no JPEG 2000 codestream where one should start");
  // 2^26 pixels a side are far beyond any product, and keep rows well inside an int.
  constexpr std::uint32_t kMostSide = 1u << 26;
  if (x1 <= x0 || y1 <= y0 || x1 - x0 > kMostSide || y1 - y0 > kMostSide || components == 0)
    throw Failure(Exit::bad_data, file + ": the codestream's image size makes no sense");
  s.width = static_cast<int>(x1 - x0);
  s.height = static_cast<int>(y1 - y0);
  s.components = components;
  s.bits = (depth & 0x7f) + 1;
  s.is_signed = (depth & 0x80) != 0;
}

// ---- a TIFF of one pixel that only carries GeoTIFF tags ----

class TiffReader {
 public:
  explicit TiffReader(ByteSpan bytes) : bytes_(bytes) { big_endian_ = bytes.size() >= 2 && bytes[0] == std::byte{'M'}; }

  std::uint64_t number(std::size_t at, int size) {
    if (at > bytes_.size() || bytes_.size() - at < static_cast<std::size_t>(size)) {
      ok_ = false;
      return 0;
    }
    std::uint64_t v = 0;
    for (int i = 0; i < size; ++i) {
      const auto byte = static_cast<std::uint64_t>(bytes_[at + static_cast<std::size_t>(i)]);
      v = big_endian_ ? (v << 8) | byte : v | (byte << (8 * i));
    }
    return v;
  }
  double real(std::size_t at) { return std::bit_cast<double>(number(at, 8)); }
  bool ok() const { return ok_; }

 private:
  ByteSpan bytes_;
  bool big_endian_ = false, ok_ = true;
};

constexpr unsigned char kGeoJp2[16] = {0xb1, 0x4b, 0xf8, 0xbd, 0x08, 0x3d, 0x4b, 0x43,
                                       0xa5, 0xae, 0x8c, 0xd7, 0xd5, 0xa6, 0xce, 0x03};

}  // namespace

std::optional<GridPlacement> placement_from_gml(std::string_view gml) {
  if (gml.size() > kMostGml) return std::nullopt;
  // Some writers close the document with a zero.
  while (!gml.empty() && gml.back() == '\0') gml.remove_suffix(1);
  GridPlacement p;
  double x = 0, y = 0;
  double vector[2][2] = {};
  int origins = 0, vectors = 0;
  try {
    visit_xml(gml, "", [&](XmlPath path) {
      const XmlElement& e = path.back();
      const auto inside = [&](std::string_view name) {
        return std::any_of(path.begin(), path.end(), [&](const XmlElement& up) { return up.name == name; });
      };
      if (!inside("RectifiedGrid")) return;
      // Point carries srsName on the point; some writers put it on the grid or the vectors.
      if (const std::string* srs = e.attribute("srsName"); srs != nullptr && p.epsg == 0) p.epsg = epsg_of(*srs);
      if ((e.name == "pos" || e.name == "coordinates") && inside("origin"))
        origins += two_numbers(e.text, x, y) ? 1 : 0;
      if (e.name == "offsetVector") {
        if (vectors < 2 && !two_numbers(e.text, vector[vectors][0], vector[vectors][1])) vectors = 2;
        ++vectors;
      }
    });
  } catch (const Failure&) {
    return std::nullopt;
  }
  if (origins != 1 || vectors != 2 || vector[0][1] != 0 || vector[1][0] != 0) return std::nullopt;
  p.dx = vector[0][0];
  p.dy = -vector[1][1];
  p.ulx = x - p.dx / 2;  // the grid's origin is the middle of its first pixel
  p.uly = y + p.dy / 2;
  return plausible(p) ? std::optional(p) : std::nullopt;
}

std::optional<GridPlacement> placement_from_geotiff(std::span<const std::byte> tiff) {
  TiffReader r(tiff);
  const std::uint64_t order = r.number(0, 2);
  if ((order != 0x4949 && order != 0x4d4d) || r.number(2, 2) != 42) return std::nullopt;
  const std::size_t directory = static_cast<std::size_t>(r.number(4, 4));
  const int entries = static_cast<int>(r.number(directory, 2));
  GridPlacement p;
  bool has_scale = false, has_tie = false, projected = false, point = false;
  double tie[6] = {};
  for (int i = 0; i < entries && r.ok(); ++i) {
    const std::size_t at = directory + 2 + 12 * static_cast<std::size_t>(i);
    const std::uint64_t tag = r.number(at, 2), type = r.number(at + 2, 2), count = r.number(at + 4, 4);
    const std::size_t value = static_cast<std::size_t>(r.number(at + 8, 4));
    if (tag == 33550 && type == 12 && count >= 2) {
      p.dx = r.real(value);
      p.dy = r.real(value + 8);
      has_scale = true;
    } else if (tag == 33922 && type == 12 && count >= 6) {
      for (std::size_t k = 0; k < 6; ++k) tie[k] = r.real(value + 8 * k);
      has_tie = true;
    } else if (tag == 34735 && type == 3 && count >= 4) {
      const std::uint64_t keys = std::min<std::uint64_t>(r.number(value + 6, 2), count / 4 - 1);
      for (std::uint64_t k = 1; k <= keys; ++k) {
        const std::size_t key = value + 8 * static_cast<std::size_t>(k);
        const std::uint64_t id = r.number(key, 2), place = r.number(key + 2, 2), v = r.number(key + 6, 2);
        if (place != 0) continue;
        if (id == 1024) projected = v == 1;
        if (id == 1025) point = v == 2;
        if (id == 3072) p.epsg = static_cast<int>(v);
      }
    }
  }
  if (!r.ok() || !has_scale || !has_tie || !projected) return std::nullopt;
  const double half = point ? 0.5 : 0;  // the tie point is the middle of a pixel then
  p.ulx = tie[3] - (tie[0] + half) * p.dx;
  p.uly = tie[4] + (tie[1] + half) * p.dy;
  return plausible(p) ? std::optional(p) : std::nullopt;
}

Jp2Summary summarize_jp2(std::span<const std::byte> bytes, const std::string& file) {
  Jp2Summary s;
  Reader r(bytes);
  const std::uint32_t first = r.u32be(), second = r.u32be();
  if (first == 0xff4fff51u) {
    read_size(bytes, file, s);
    return s;
  }
  if (first != 12 || second != type_of("jP  "))
    throw Failure(bytes.empty() ? Exit::bad_data : Exit::unsupported,
                  file + (bytes.empty() ? ": the file is empty" : ": not a JPEG 2000 file"));
  std::optional<GridPlacement> gml, geotiff;
  Box box;
  bool has_codestream = false;
  while (next_box(bytes, box)) {
    if (box.type == type_of("jp2c") && !has_codestream) {
      read_size(box.content, file, s);
      has_codestream = true;
    } else if (box.type == type_of("asoc") && !gml) {
      gml = search_association(box.content, 0);
    } else if (box.type == type_of("uuid") && !geotiff && box.content.size() > sizeof kGeoJp2 &&
               std::memcmp(box.content.data(), kGeoJp2, sizeof kGeoJp2) == 0) {
      geotiff = placement_from_geotiff(box.content.subspan(sizeof kGeoJp2));
    }
  }
  if (!has_codestream) throw Failure(Exit::bad_data, file + ": the file ends before its JPEG 2000 codestream");
  s.placement = gml ? gml : geotiff;
  return s;
}

Jp2Summary summarize_jp2(const std::string& path) {
  const MappedFile file(path);
  return summarize_jp2(file.bytes(), path);
}

}  // namespace dtacs
