// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "io/host/decimal.h"
#include "io/host/failure.h"
#include "io/host/file_name.h"
#include "io/host/printable.h"
#include "io/host/raw_product.h"

namespace dtacs {
namespace {

constexpr int kMostSide = 1 << 20;
constexpr double kMostMetres = 1e8;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

std::vector<std::string_view> split(std::string_view s, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t n = s.find(separator);
    parts.push_back(trimmed(s.substr(0, n)));
    if (n == std::string_view::npos) return parts;
    s.remove_prefix(n + 1);
  }
}

// A key with its value, and how to complain about it.
struct Field {
  std::string where;  // "x.hdr" or "raw header"
  Exit exit;          // whose mistake a wrong value is
  std::string key;
  std::string_view value;

  [[noreturn]] void refuse(const std::string& expected) const {
    throw Failure(exit, where + ": " + key + " is \"" + printable(value) + "\", expected " + expected);
  }
  double number(double low, double high) const {
    double v = 0;
    const std::string_view s = value.starts_with('+') ? value.substr(1) : value;
    if (!read_whole_decimal(s, v) || !(v >= low && v <= high)) refuse("a sensible number");
    return v;
  }
  std::int64_t integer(double low, double high) const {
    const double v = number(low, high);
    if (v != std::floor(v)) refuse("a whole number");
    return static_cast<std::int64_t>(v);
  }
  int side() const { return static_cast<int>(integer(1, kMostSide)); }
};

void check_unique(const Field& f, const std::vector<int>& bands) {
  for (std::size_t i = 0; i < bands.size(); ++i)
    if (std::count(bands.begin(), bands.end(), bands[i]) > 1) f.refuse("every band once");
}

// {UTM, 1, 1, 399960, 4693200, 10, 10, 31, North, WGS-84, units=Meters}: a pixel
// position counted from 1 at the corner of the image, its coordinates, the pixel size.
void read_map_info(const Field& f, RawHeader& h) {
  const auto parts = split(f.value, ',');
  // Other systems leave the image without a place, which costs it nothing else; their
  // pixels need not be square or in metres.
  if (lower(parts[0]) != "utm") return;
  if (parts.size() < 7) f.refuse("at least seven items");
  const auto number = [&](std::size_t i, double low, double high) {
    return Field{f.where, f.exit, f.key, parts[i]}.number(low, high);
  };
  const double dx = number(5, 1e-3, 1e6), dy = number(6, 1e-3, 1e6);
  if (std::fabs(dx / dy - 1) > 1e-6) f.refuse("square pixels");
  h.pixel = dx;
  bool rotated = false;
  for (const auto part : parts)
    if (lower(part).starts_with("rotation"))
      rotated = Field{f.where, f.exit, f.key, trimmed(part.substr(std::min(part.find('=') + 1, part.size())))}.number(
                    -360, 360) != 0;
  if (parts.size() < 10 || lower(parts[9]) != "wgs-84" || rotated) return;
  const int zone = static_cast<int>(Field{f.where, f.exit, f.key, parts[7]}.integer(1, 60));
  h.epsg = (lower(parts[8]) == "south" ? 32700 : 32600) + zone;
  h.ulx = number(3, -kMostMetres, kMostMetres) - (number(1, -1e6, 1e6) - 1) * dx;
  h.uly = number(4, -kMostMetres, kMostMetres) + (number(2, -1e6, 1e6) - 1) * dy;
}

// {1e-4, 1e-4}: the value that all bands have.
double of_all_bands(const Field& f, int bands) {
  const auto parts = split(f.value, ',');
  if (bands != 0 && parts.size() != static_cast<std::size_t>(bands)) f.refuse("a number for each band");
  std::optional<double> all;
  for (const auto part : parts) {
    const double v = Field{f.where, f.exit, f.key, part}.number(-1e9, 1e9);
    if (v != all.value_or(v)) throw Failure(Exit::unsupported, f.where + ": " + f.key + " differ from band to band");
    all = v;
  }
  return *all;
}

// reflectance = gain x sample + offset, here (sample + add_offset) / quantification.  1 and 0 say nothing.
void apply_gain(const Field& gain, const Field& offset, int bands, RawHeader& h) {
  const double g = gain.value.empty() ? 1 : of_all_bands(gain, bands);
  const double o = offset.value.empty() ? 0 : of_all_bands(offset, bands);
  if (g == 1 && o == 0) return;
  const Field& said = gain.value.empty() ? offset : gain;
  if (!(g >= 1e-9 && g <= 0.1)) said.refuse("gains of reflectance, such as 0.0001");
  if (h.quantification_known && std::fabs(g * h.quantification - 1) > 1e-6)
    said.refuse("what reflectance scale factor says");
  const double samples = std::round(o / g);
  if (std::fabs(samples) > 65535) offset.refuse("at most 65535 samples");
  h.quantification = 1 / g;
  h.add_offset = static_cast<int>(samples);
  h.offset_known = h.quantification_known = true;
}

}  // namespace

void parse_envi_header(const std::string& text, const std::string& file, RawHeader& h) {
  std::string_view rest = text;
  if (!trimmed(rest.substr(0, rest.find('\n'))).starts_with("ENVI"))
    throw Failure(Exit::bad_data, file + ": not an ENVI header: it does not begin with ENVI");
  rest.remove_prefix(std::min(rest.find('\n'), rest.size()));
  int bands = 0;
  std::vector<int> names;
  Field gain{file, Exit::bad_data, "data gain values", {}}, offset{file, Exit::bad_data, "data offset values", {}};
  while (!rest.empty()) {
    const std::size_t line_end = std::min(rest.find('\n'), rest.size());
    const std::size_t equals = rest.substr(0, line_end).find('=');
    if (equals == std::string_view::npos) {
      rest.remove_prefix(std::min(line_end + 1, rest.size()));
      continue;
    }
    Field f{file, Exit::bad_data, lower(trimmed(rest.substr(0, equals))), {}};
    std::size_t end = line_end;
    const std::string_view start = trimmed(rest.substr(equals + 1, line_end - equals - 1));
    if (start.starts_with('{')) {
      const std::size_t open = rest.find('{', equals);
      end = rest.find('}', open);
      if (end == std::string_view::npos)
        throw Failure(Exit::bad_data, file + ": the { after " + printable(f.key) + " is never closed");
      f.value = trimmed(rest.substr(open + 1, end - open - 1));
      end = std::min(rest.find('\n', end), rest.size());
    } else {
      f.value = start;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));

    if (f.key == "samples") {
      h.width = f.side();
    } else if (f.key == "lines") {
      h.height = f.side();
    } else if (f.key == "bands") {
      bands = static_cast<int>(f.integer(1, 65535));
    } else if (f.key == "header offset") {
      h.header_bytes = static_cast<std::uint64_t>(f.integer(0, 1e15));
    } else if (f.key == "data type") {
      if (f.value != "12")
        throw Failure(Exit::unsupported,
                      file + ": data type " + printable(f.value, 8) + ", expected 12 (unsigned 16 bits)");
    } else if (f.key == "interleave") {
      if (lower(f.value) != "bsq")
        throw Failure(Exit::unsupported, file + ": interleave " + printable(f.value, 8) + ", expected bsq");
    } else if (f.key == "byte order") {
      h.big_endian = f.integer(0, 1) == 1;
    } else if (f.key == "band names") {
      for (const auto name : split(f.value, ',')) names.push_back(band_in_words(name));
      const auto unknown = std::count(names.begin(), names.end(), -1);
      if (unknown == static_cast<std::ptrdiff_t>(names.size())) {
        names.clear();  // "Band 1, Band 2" says nothing
      } else if (unknown != 0) {
        f.refuse("names with B01..B12 or B8A in each");
      }
      check_unique(f, names);
    } else if (f.key == "map info") {
      read_map_info(f, h);
    } else if (f.key == "data ignore value") {
      // Some write -9999 or nan whatever the data type, which no sample of 16 bits is.
      if (double v = -1; lower(f.value) != "nan" && (v = f.number(-1e300, 1e300)) >= 0 && v <= 65535)
        h.no_data = static_cast<int>(f.integer(0, 65535));
    } else if (f.key == "reflectance scale factor") {
      h.quantification = f.number(1, 1e9);
      h.quantification_known = true;
    } else if (f.key == gain.key) {
      gain.value = f.value;
    } else if (f.key == offset.key) {
      offset.value = f.value;
    }
  }
  apply_gain(gain, offset, bands, h);
  if (bands != 0 && !names.empty() && static_cast<int>(names.size()) != bands)
    throw Failure(Exit::bad_data,
                  file + ": " + std::to_string(names.size()) + " band names for " + std::to_string(bands) + " bands");
  h.bands_assumed = names.empty() && bands == kBandCount;
  if (h.bands_assumed)
    for (int b = 0; b < kBandCount; ++b) names.push_back(b);
  if (!names.empty()) h.bands = std::move(names);
}

void parse_raw_flags(const std::string& line, RawHeader& h) {
  if (trimmed(line).empty()) return;
  for (const std::string_view part : split(line, ',')) {
    const std::size_t equals = std::min(part.find('='), part.size());
    const Field f{"raw header", Exit::usage, std::string(trimmed(part.substr(0, equals))),
                  trimmed(part.substr(std::min(equals + 1, part.size())))};
    if (f.key == "width") {
      h.width = f.side();
    } else if (f.key == "height") {
      h.height = f.side();
    } else if (f.key == "bands") {
      h.bands.clear();
      h.bands_assumed = false;
      for (const auto name : split(f.value, '+')) {
        h.bands.push_back(band_index(std::string(name)));
        if (h.bands.back() < 0) f.refuse("band names with + between them, such as B02+B03");
      }
      check_unique(f, h.bands);
    } else if (f.key == "res") {
      h.pixel = f.number(1e-3, 1e6);
    } else if (f.key == "epsg") {
      h.epsg = static_cast<int>(f.integer(0, 65535));
      if (*h.epsg > 4000 && *h.epsg < 5000) f.refuse("a projected system, in metres");  // these are in degrees
    } else if (f.key == "ulx") {
      h.ulx = f.number(-kMostMetres, kMostMetres);
    } else if (f.key == "uly") {
      h.uly = f.number(-kMostMetres, kMostMetres);
    } else if (f.key == "offset") {
      h.add_offset = static_cast<int>(f.integer(-65535, 65535));
      h.offset_known = true;
    } else if (f.key == "quantification") {
      h.quantification = f.number(1, 1e9);
      h.quantification_known = true;
    } else if (f.key == "header") {
      h.header_bytes = static_cast<std::uint64_t>(f.integer(0, 1e15));
    } else if (f.key == "order") {
      if (f.value != "little" && f.value != "big") f.refuse("little or big");
      h.big_endian = f.value == "big";
    } else if (f.key == "nodata") {
      h.no_data = static_cast<int>(f.integer(0, 65535));
    } else {
      throw Failure(Exit::usage, "raw header: unknown field \"" + printable(f.key) +
                                     "\", expected width, height, bands, res, epsg, ulx, uly, offset, quantification, "
                                     "header, order or nodata");
    }
  }
}

}  // namespace dtacs
