// SPDX-License-Identifier: Apache-2.0
#include "io/host/jp2_geo.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "io/host/decimal.h"
#include "io/host/failure.h"
#include "io/host/file.h"
#include "io/host/geotiff_place.h"
#include "io/host/jp2_failure.h"
#include "io/host/xml.h"
#include "io/jp2/boxes.h"
#include "io/jp2/jp2.h"

namespace dtacs {
namespace {

using ByteSpan = std::span<const std::byte>;

constexpr std::size_t kMostGml = 1 << 20;  // ESA's are 2 kB

std::string_view as_text(ByteSpan bytes) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

bool plausible(const GridPlacement& p) {
  const auto metres = [](double v) { return std::isfinite(v) && std::fabs(v) < 1e8; };
  return p.epsg > 0 && p.epsg <= 65535 && p.epsg != kUncodedCrs && metres(p.ulx) && metres(p.uly) && metres(p.dx) &&
         metres(p.dy) && p.dx > 1e-3 && p.dy > 1e-3;
}

// The place where it is of use; else nothing, and why.  Without a coordinate system there is no place to speak of.
std::optional<GridPlacement> usable(const GridPlacement& p, double skew, bool projected, std::string* problem) {
  if (projected && plausible(p) && skew <= kMostSkew * p.dx) return p;
  std::string why = grid_problem(p.dx, p.dy, skew);
  if (why.empty() && p.epsg != 0) why = "its coordinate system is no projection with an EPSG code and metres";
  if (problem != nullptr && !why.empty()) *problem = why;
  return std::nullopt;
}

// "5 -3.5" or "5,-3.5" -> the two numbers.
bool two_numbers(std::string_view s, double& a, double& b) {
  double* const out[] = {&a, &b};
  for (double* v : out) {
    while (!s.empty() && (s[0] == ' ' || s[0] == ',' || s[0] == '\n' || s[0] == '\t' || s[0] == '\r'))
      s.remove_prefix(1);
    if (s.starts_with('+')) s.remove_prefix(1);
    const std::size_t length = read_decimal(s, *v);
    if (length == 0) return false;
    s.remove_prefix(length);
  }
  return true;
}

// "urn:ogc:def:crs:EPSG::32631", ".../EPSG/0/32631", "EPSG:32631" -> 32631; kUncodedCrs otherwise.
int epsg_of(const std::string& name) {
  if (name.find("EPSG") == std::string::npos && name.find("epsg") == std::string::npos) return kUncodedCrs;
  const std::size_t digits = name.find_last_not_of("0123456789") + 1;
  int code = 0;
  const auto r = std::from_chars(name.data() + digits, name.data() + name.size(), code);
  return r.ec == std::errc() ? code : kUncodedCrs;
}

// asoc boxes hold boxes, which may again be asoc; the document is in an xml box.
std::optional<GridPlacement> search_association(ByteSpan content, int depth, std::string* problem) {
  jp2::Boxes boxes(content);
  for (jp2::Box box; boxes.next(box);) {
    std::optional<GridPlacement> found;
    if (box.type == jp2::box_type("asoc") && depth < 4) found = search_association(box.content, depth + 1, problem);
    if (box.type == jp2::box_type("xml ")) found = placement_from_gml(as_text(box.content), problem);
    if (found) return found;
  }
  return std::nullopt;
}

constexpr unsigned char kGeoJp2[16] = {0xb1, 0x4b, 0xf8, 0xbd, 0x08, 0x3d, 0x4b, 0x43,
                                       0xa5, 0xae, 0x8c, 0xd7, 0xd5, 0xa6, 0xce, 0x03};

}  // namespace

std::optional<GridPlacement> placement_from_gml(std::string_view gml, std::string* problem) {
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
      if (const std::string* srs = e.attribute("srsName"); srs != nullptr && (p.epsg == 0 || p.epsg == kUncodedCrs))
        p.epsg = epsg_of(*srs);
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
  if (origins != 1 || vectors != 2) return std::nullopt;
  p.dx = vector[0][0];
  p.dy = -vector[1][1];
  p.ulx = x - p.dx / 2;  // the grid's origin is the middle of its first pixel
  p.uly = y + p.dy / 2;
  const double skew = std::fabs(vector[0][1]) + std::fabs(vector[1][0]);
  if (!std::isfinite(p.dx + p.dy + skew)) return std::nullopt;
  return usable(p, skew, true, problem);
}

std::optional<GridPlacement> placement_from_geotiff(std::span<const std::byte> tiff, std::string* problem) {
  try {
    const auto place = geotiff_place(TiffFields({reinterpret_cast<const std::uint8_t*>(tiff.data()), tiff.size()}, ""));
    if (!place) return std::nullopt;
    return usable({place->epsg, place->ulx, place->uly, place->dx, place->dy}, place->skew, place->projected, problem);
  } catch (const Failure&) {
    return std::nullopt;
  }
}

Jp2Summary summarize_jp2(std::span<const std::byte> bytes, const std::string& file, int component) {
  jp2::ImageInfo info;
  if (const jp2::Outcome o = jp2::probe(bytes, component, info); !o.ok()) throw_jp2(file, o);
  Jp2Summary s{.x0 = static_cast<int>(info.image.x0),
               .y0 = static_cast<int>(info.image.y0),
               .width = static_cast<int>(info.image.width()),
               .height = static_cast<int>(info.image.height()),
               .components = info.components,
               .bits = info.component.bits,
               .is_signed = info.component.is_signed,
               .dx = info.component.dx,
               .dy = info.component.dy,
               .placement = {},
               .place_problem = {}};
  if (jp2::is_codestream(bytes)) return s;
  std::optional<GridPlacement> gml, geotiff;
  std::string gml_problem, geotiff_problem;
  jp2::Boxes boxes(bytes);
  for (jp2::Box box; boxes.next(box);) {
    if (box.type == jp2::box_type("asoc") && !gml) {
      gml = search_association(box.content, 0, &gml_problem);
    } else if (box.type == jp2::box_type("uuid") && !geotiff && box.content.size() > sizeof kGeoJp2 &&
               std::memcmp(box.content.data(), kGeoJp2, sizeof kGeoJp2) == 0) {
      geotiff = placement_from_geotiff(box.content.subspan(sizeof kGeoJp2), &geotiff_problem);
    }
  }
  // GDAL writes the GeoTIFF of a flipped image as if north were up: only its GML is true.
  s.placement = gml || gml_problem == kFlipped ? gml : geotiff;
  if (!s.placement) s.place_problem = gml_problem.empty() ? geotiff_problem : gml_problem;
  return s;
}

Jp2Summary summarize_jp2(const std::string& path, int component) {
  const MappedFile file(path);
  return summarize_jp2(file.bytes(), path, component);
}

Jp2Summary summarize_one_band(const std::string& path) {
  Jp2Summary s = summarize_jp2(path);
  if (s.components != 1 || s.is_signed || s.bits > 16)
    throw Failure(Exit::unsupported, path + ": " + std::to_string(s.components) + " component(s) of " +
                                         std::to_string(s.bits) + (s.is_signed ? " signed" : " unsigned") +
                                         " bits, expected one of at most 16 unsigned");
  if (s.dx != 1 || s.dy != 1)
    throw Failure(Exit::unsupported, path + ": a sample for every " + std::to_string(s.dx) + " x " +
                                         std::to_string(s.dy) + " pixels of the reference grid, expected one for each");
  return s;
}

}  // namespace dtacs
