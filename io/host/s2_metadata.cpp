// SPDX-License-Identifier: Apache-2.0
#include "io/host/s2_metadata.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "io/host/decimal.h"
#include "io/host/failure.h"
#include "io/host/file.h"
#include "io/host/printable.h"
#include "io/host/xml.h"

namespace dtacs {
namespace {

// The largest real ones, of 2015's products of many tiles, have about 20 MB.
constexpr std::size_t kMostBytes = 256u << 20;
constexpr double kMostMetres = 1e8;  // of a projected coordinate

std::string_view text_of(const MappedFile& file) {
  const auto bytes = file.bytes();
  if (bytes.size() > kMostBytes)
    throw Failure(Exit::bad_data,
                  file.path() + ": " + std::to_string(bytes.size()) + " bytes are too many for metadata");
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Values with the file and element they stand in, for messages.
struct Value {
  const std::string& file;
  const XmlElement& element;

  [[noreturn]] void refuse(const std::string& expected) const {
    throw Failure(Exit::bad_data,
                  file + ": " + element.name + " is \"" + printable(element.text) + "\", expected " + expected);
  }
  double number(double low, double high) const {
    double v = 0;
    const std::string_view s = element.text;
    if (!read_whole_decimal(s.starts_with('+') ? s.substr(1) : s, v) || !(v >= low && v <= high))
      refuse("a sensible number");
    return v;
  }
  int integer(int low, int high) const {
    const double v = number(low, high);
    if (v != std::floor(v)) refuse("a whole number");
    return static_cast<int>(v);
  }
};

int integer_attribute(const std::string& file, const XmlElement& e, std::string_view name, int high) {
  const std::string* s = e.attribute(name);
  int v = -1;
  if (s != nullptr) {
    const auto r = std::from_chars(s->data(), s->data() + s->size(), v);
    if (r.ec != std::errc() || r.ptr != s->data() + s->size()) v = -1;
  }
  if (v < 0 || v > high)
    throw Failure(Exit::bad_data, file + ": " + e.name + " has " + std::string(name) + " \"" +
                                      (s != nullptr ? printable(*s) : "") + "\", expected 0.." + std::to_string(high));
  return v;
}

// "Level-1C_User_Product" and the like: refuses every level but this one.
void check_root(const std::string& file, const std::string& root, const std::string& expected) {
  if (root == "Level-1C_" + expected) return;
  if (root.starts_with("Level-") && root.size() > 8 && root.substr(8).ends_with(expected))
    throw Failure(Exit::unsupported, file + ": a Level-" + root.substr(6, 2) + " product, expected Level-1C");
  throw Failure(Exit::bad_data,
                file + ": the root element is <" + printable(root) + ">, expected <Level-1C_" + expected + ">");
}

std::string last_name(const std::string& path) {
  const std::size_t slash = path.find_last_of("/\\");
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

void read_special_value(const Value& v, const std::string& which, ProductMetadata& m) {
  const int index = v.integer(0, 65535);
  if (which == "NODATA") m.no_data = index;
  if (which == "SATURATED") m.saturated = index;
}

// ESA's lists have all bands, whichever the product has: a band left out is damage, not an offset of 0.
void check_offsets(const std::string& file, const std::array<bool, kBandCount>& listed) {
  const auto missing = std::find(listed.begin(), listed.end(), false);
  if (missing == listed.end() || std::count(listed.begin(), listed.end(), true) == 0) return;
  throw Failure(Exit::bad_data, file + ": RADIO_ADD_OFFSET is missing for " + kBandNames[missing - listed.begin()] +
                                    ", expected for all bands or none");
}

}  // namespace

ProductMetadata read_product_metadata(const std::string& path) {
  const MappedFile file(path);
  const std::string_view text = text_of(file);
  ProductMetadata m;
  std::string start_time, special;
  std::array<bool, kBandCount> listed{};  // bands with an offset
  visit_xml(text, path, [&](XmlPath open) {
    const XmlElement& e = open.back();
    const Value value{path, e};
    if (open.size() == 1) {
      check_root(path, e.name, "User_Product");
    } else if (e.name == "PRODUCT_URI") {
      m.name = e.text;
    } else if (e.name == "PROCESSING_LEVEL") {
      if (e.text != "Level-1C")
        throw Failure(Exit::unsupported, path + ": a " + printable(e.text) + " product, expected Level-1C");
      m.level = "L1C";
    } else if (e.name == "PROCESSING_BASELINE") {
      m.baseline = e.text;
    } else if (e.name == "SPACECRAFT_NAME") {
      m.spacecraft = e.text;
    } else if (e.name == "PRODUCT_START_TIME") {
      start_time = e.text;
    } else if (e.name == "DATATAKE_SENSING_START") {
      m.sensing_time = e.text;
    } else if (e.name == "QUANTIFICATION_VALUE") {
      m.quantification = value.number(1, 1e9);
    } else if (e.name == "RADIO_ADD_OFFSET") {
      const auto band = static_cast<std::size_t>(integer_attribute(path, e, "band_id", kBandCount - 1));
      const int offset = value.integer(-65535, 65535);
      if (listed[band] && offset != m.add_offset[band]) value.refuse("one offset for each band");
      m.add_offset[band] = offset;
      listed[band] = true;
    } else if (e.name == "SPECIAL_VALUE_TEXT") {
      special = e.text;
    } else if (e.name == "SPECIAL_VALUE_INDEX") {
      read_special_value(value, special, m);
    } else if (e.name == "IMAGE_FILE" || e.name == "IMAGE_ID") {  // since 2016, before
      m.images.push_back(last_name(e.text));
    }
  });
  if (m.sensing_time.empty()) m.sensing_time = start_time;
  check_offsets(path, listed);  // all or none
  m.offset_known = listed[0] || (!m.baseline.empty() && m.baseline < "04");
  return m;
}

TileMetadata read_tile_metadata(const std::string& path) {
  const MappedFile file(path);
  const std::string_view text = text_of(file);
  TileMetadata m;
  m.path = path;
  TileMetadata::Size size;
  visit_xml(text, path, [&](XmlPath open) {
    const XmlElement& e = open.back();
    const Value value{path, e};
    if (open.size() == 1) {
      check_root(path, e.name, "Tile_ID");
    } else if (e.name == "TILE_ID") {
      m.id = e.text;
    } else if (e.name == "SENSING_TIME") {
      m.sensing_time = e.text;
    } else if (e.name == "HORIZONTAL_CS_CODE") {
      const std::string_view s = e.text;
      const std::string_view digits = s.starts_with("EPSG:") ? s.substr(5) : "";
      const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), m.epsg);
      if (r.ec != std::errc() || r.ptr != digits.data() + digits.size() || m.epsg < 1 || m.epsg > 65535)
        value.refuse("a code like EPSG:32631");
    } else if (e.name == "NROWS") {
      size.rows = value.integer(1, 1 << 26);
    } else if (e.name == "NCOLS") {
      size.columns = value.integer(1, 1 << 26);
    } else if (e.name == "Size") {
      size.resolution = integer_attribute(path, e, "resolution", 1000);
      m.sizes.push_back(size);
      size = {};
    } else if (e.name == "ULX") {  // the same three times, for each resolution
      m.ulx = value.number(-kMostMetres, kMostMetres);
    } else if (e.name == "ULY") {
      m.uly = value.number(-kMostMetres, kMostMetres);
    }
  });
  return m;
}

MetadataKind metadata_kind(const std::string& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  // The root element stands behind a declaration and perhaps a comment.
  const std::size_t enough = std::min<std::size_t>(bytes.size(), 64 * 1024);
  const std::string root = xml_root_name(std::string_view(reinterpret_cast<const char*>(bytes.data()), enough));
  if (!root.starts_with("Level-")) return MetadataKind::other;
  if (root.ends_with("_User_Product")) return MetadataKind::product;
  if (root.ends_with("_Tile_ID")) return MetadataKind::tile;
  return MetadataKind::other;
}

std::string tile_in_name(const std::string& name) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t end = std::min(name.find_first_of("_.", begin), name.size());
    std::string part = name.substr(begin, end - begin);
    if (part.size() == 6 && part[0] == 'T' && digit(part[1]) && digit(part[2]) && letter(part[3]) && letter(part[4]) &&
        letter(part[5]))
      return part;
    begin = end + 1;
  }
  return "";
}

void describe_from_tile_id(const std::string& id, ProductInfo& info) {
  if (info.tile_id.empty()) info.tile_id = tile_in_name(id);
  if (info.spacecraft.empty() && id.size() > 4 && id.starts_with("S2") && id[3] == '_' && id[2] >= 'A' && id[2] <= 'Z')
    info.spacecraft = std::string("Sentinel-2") + id[2];
  const std::size_t n = id.rfind("_N");
  if (info.baseline.empty() && n != std::string::npos && id.size() == n + 7 && id[n + 4] == '.')
    info.baseline = id.substr(n + 2);
  if (info.level.empty() && id.find("_L1C_") != std::string::npos) info.level = "L1C";
}

}  // namespace dtacs
