// SPDX-License-Identifier: Apache-2.0
#include "io/host/geotiff.h"

#include <algorithm>
#include <cassert>
#include <filesystem>

#include "io/host/decimal.h"
#include "io/host/failure.h"
#include "io/host/output_file.h"
#include "io/host/raster_classes.h"
#include "io/host/stb_impl.h"
#include "io/host/tiff_directory.h"

namespace dtacs {
namespace {

constexpr std::uint64_t kStripBytes = 256 * 1024;
constexpr int kMostBands = 1000;

// TIFF 6.0, GeoTIFF 1.1 and GDAL's two private tags.
enum Tag : int {
  kImageWidth = 256,
  kImageLength = 257,
  kBitsPerSample = 258,
  kCompression = 259,
  kPhotometric = 262,
  kStripOffsets = 273,
  kSamplesPerPixel = 277,
  kRowsPerStrip = 278,
  kStripByteCounts = 279,
  kPlanarConfiguration = 284,
  kSoftware = 305,
  kPredictor = 317,
  kColorMap = 320,
  kExtraSamples = 338,
  kSampleFormat = 339,
  kModelPixelScale = 33550,
  kModelTiepoint = 33922,
  kGeoKeyDirectory = 34735,
  kGdalMetadata = 42112,
  kGdalNoData = 42113,
};

void check(const std::string& path, const GeoTiffOptions& o) {
  const auto refuse = [&](const std::string& why) { throw Failure(Exit::usage, path + ": " + why); };
  if (o.width < 1 || o.height < 1)
    refuse("no raster of " + std::to_string(o.width) + " x " + std::to_string(o.height) + " pixels can be written");
  if (o.bands < 1 || o.bands > kMostBands) refuse("no raster of " + std::to_string(o.bands) + " bands can be written");
  if (o.bits != 8 && o.bits != 16) refuse("no raster of " + std::to_string(o.bits) + " bits per sample can be written");
  if (!o.band_names.empty() && o.band_names.size() != static_cast<std::size_t>(o.bands))
    refuse(std::to_string(o.band_names.size()) + " names for " + std::to_string(o.bands) + " bands");
  // The code of a coordinate system is a GeoKey of 16 bits.
  if (o.epsg < 0 || o.epsg > 65535 || (o.epsg != 0 && !(o.pixel_size > 0)))
    refuse("no georeference of EPSG:" + std::to_string(o.epsg) + " and pixels of " + std::to_string(o.pixel_size) +
           " m");
  if (!o.classes.empty() && (o.bits != 8 || o.bands != 1)) refuse("only a single band of 8 bits can have classes");
  for (const RasterClass& c : o.classes)
    if (c.value < 0 || c.value > 255) refuse("no class of value " + std::to_string(c.value) + " in 8 bits");
}

// GDAL takes entities out of these values twice, so they are put in twice.
std::string item_text(const std::string& s) {
  return xml_escaped(xml_escaped(s));
}

std::string gdal_metadata(const GeoTiffOptions& o) {
  std::string items;
  for (const auto& [name, value] : o.metadata)
    items += "  <Item name=\"" + xml_escaped(name) + "\">" + item_text(value) + "</Item>\n";
  for (int b = 0; b < o.bands; ++b) {
    const auto item = [&](const char* name, const char* role, const std::string& value) {
      items += std::string("  <Item name=\"") + name + "\" sample=\"" + std::to_string(b) + "\" role=\"" + role +
               "\">" + item_text(value) + "</Item>\n";
    };
    if (!o.band_names.empty()) item("DESCRIPTION", "description", o.band_names[static_cast<std::size_t>(b)]);
    if (o.scale != 1 || o.offset != 0) {
      item("OFFSET", "offset", shortest_decimal(o.offset));
      item("SCALE", "scale", shortest_decimal(o.scale));
    }
  }
  return items.empty() ? "" : "<GDALMetadata>\n" + items + "</GDALMetadata>\n";
}

std::uint64_t bytes_per_row(const GeoTiffOptions& o) {
  return static_cast<std::uint64_t>(o.width) * static_cast<std::uint64_t>(o.bits / 8);
}

int strip_rows(const GeoTiffOptions& o) {
  return static_cast<int>(
      std::clamp<std::uint64_t>(kStripBytes / bytes_per_row(o), 1, static_cast<std::uint64_t>(o.height)));
}

// What has come of one band.
struct Plane {
  TiffBytes pending;  // rows of the strips not yet written, predicted and little-endian
  int pending_rows = 0;
  int rows = 0;  // received, pending ones included
  std::vector<std::uint64_t> offsets, sizes;
};

}  // namespace

struct GeoTiffWriter::State {
  State(const std::string& path, const GeoTiffOptions& o)
      : options(o),
        row_bytes(bytes_per_row(o)),
        rows_per_strip(strip_rows(o)),
        big(o.always_big || needs_big_tiff(o)),
        planes(static_cast<std::size_t>(o.bands)),
        file(path, o.unfinished) {
    const TiffBytes header = TiffDirectory::header(big, 0);
    file.append(header.data(), header.size());
  }

  template <class T>
  void write_rows(int band, const T* rows, int count, std::ptrdiff_t stride);
  void write_strips(Plane& plane);
  TiffDirectory directory() const;

  const GeoTiffOptions options;
  const std::uint64_t row_bytes;
  const int rows_per_strip;
  const bool big;
  std::vector<Plane> planes;
  OutputFile file;
};

template <class T>
void GeoTiffWriter::State::write_rows(int band, const T* rows, int count, std::ptrdiff_t stride) {
  assert(band >= 0 && band < options.bands && options.bits == 8 * static_cast<int>(sizeof(T)));
  Plane& plane = planes[static_cast<std::size_t>(band)];
  assert(count >= 0 && count <= options.height - plane.rows);
  if (stride == 0) stride = options.width;
  const bool differences = options.predictor && options.compress == Compress::deflate;
  const int batch = rows_per_strip * (options.compress == Compress::deflate ? options.parallel.workers : 1);
  for (int y = 0; y < count; ++y) {
    const T* row = rows + y * stride;
    const std::size_t start = plane.pending.size();
    plane.pending.resize(start + row_bytes);
    std::uint8_t* out = plane.pending.data() + start;
    for (int x = 0; x < options.width; ++x) {
      const T before = differences && x > 0 ? row[x - 1] : T{0};
      const auto v = static_cast<T>(row[x] - before);
      out[x * static_cast<std::ptrdiff_t>(sizeof(T))] = static_cast<std::uint8_t>(v);
      if constexpr (sizeof(T) == 2) out[2 * static_cast<std::ptrdiff_t>(x) + 1] = static_cast<std::uint8_t>(v >> 8);
    }
    ++plane.rows;
    ++plane.pending_rows;
    // A plane that was taken up again may hold more than a batch of this run.
    const bool full = plane.pending_rows >= batch && plane.pending_rows % rows_per_strip == 0;
    if (full || plane.rows == options.height) write_strips(plane);
  }
}

void GeoTiffWriter::State::write_strips(Plane& plane) {
  const std::size_t strip_bytes = row_bytes * static_cast<std::uint64_t>(rows_per_strip);
  const int strips = (plane.pending_rows + rows_per_strip - 1) / rows_per_strip;
  const auto strip_size = [&](int i) {
    return std::min(strip_bytes, plane.pending.size() - strip_bytes * static_cast<std::size_t>(i));
  };
  std::vector<StbBytes> packed(static_cast<std::size_t>(strips));
  if (options.compress == Compress::deflate) {
    options.parallel.for_each(strips, [&](int i, int) noexcept {
      packed[static_cast<std::size_t>(i)] =
          stb_zlib(plane.pending.data() + strip_bytes * static_cast<std::size_t>(i), strip_size(i));
    });
  }
  for (int i = 0; i < strips; ++i) {
    const StbBytes& z = packed[static_cast<std::size_t>(i)];
    plane.offsets.push_back(file.size());
    if (options.compress == Compress::none) {
      file.append(plane.pending.data() + strip_bytes * static_cast<std::size_t>(i), strip_size(i));
    } else {
      file.append(z.data.get(), z.size);
    }
    plane.sizes.push_back(file.size() - plane.offsets.back());
  }
  plane.pending.clear();
  plane.pending_rows = 0;
}

TiffDirectory GeoTiffWriter::State::directory() const {
  const GeoTiffOptions& o = options;
  const auto u16 = [](int v) { return static_cast<std::uint16_t>(v); };
  const auto u32 = [](int v) { return static_cast<std::uint32_t>(v); };
  const std::size_t bands = planes.size();
  TiffDirectory d(big);
  d.longs(kImageWidth, {u32(o.width)});
  d.longs(kImageLength, {u32(o.height)});
  d.shorts(kBitsPerSample, std::vector<std::uint16_t>(bands, u16(o.bits)));
  d.shorts(kCompression, {u16(o.compress == Compress::deflate ? 8 : 1)});
  d.shorts(kPhotometric, {u16(o.classes.empty() ? 1 : 3)});  // zero is black, or a palette
  d.shorts(kSamplesPerPixel, {u16(o.bands)});
  d.longs(kRowsPerStrip, {u32(rows_per_strip)});
  d.shorts(kPlanarConfiguration, {u16(bands > 1 ? 2 : 1)});
  d.text(kSoftware, "dtacs " DTACS_VERSION);
  if (o.compress == Compress::deflate && o.predictor) d.shorts(kPredictor, {2});
  if (bands > 1) d.shorts(kExtraSamples, std::vector<std::uint16_t>(bands - 1, 0));
  d.shorts(kSampleFormat, std::vector<std::uint16_t>(bands, o.is_signed ? 2 : 1));

  std::vector<std::uint64_t> offsets, sizes;
  for (const Plane& p : planes) {
    offsets.insert(offsets.end(), p.offsets.begin(), p.offsets.end());
    sizes.insert(sizes.end(), p.sizes.begin(), p.sizes.end());
  }
  d.offsets(kStripOffsets, offsets);
  d.offsets(kStripByteCounts, sizes);

  if (!o.classes.empty()) {
    std::vector<std::uint16_t> map(3 * 256, 0);  // all reds, all greens, all blues; 0..65535
    for (const RasterClass& c : o.classes) {
      const auto v = static_cast<std::size_t>(c.value);
      map[v] = u16(c.r * 257);
      map[256 + v] = u16(c.g * 257);
      map[512 + v] = u16(c.b * 257);
    }
    d.shorts(kColorMap, map);
  }
  if (o.epsg != 0) {
    d.doubles(kModelPixelScale, {o.pixel_size, o.pixel_size, 0});
    d.doubles(kModelTiepoint, {0, 0, 0, o.ulx, o.uly, 0});
    d.shorts(kGeoKeyDirectory, {1,    1, 0, 4,            // version 1.1.0, four keys
                                1024, 0, 1, 1,            // a projected system
                                1025, 0, 1, 1,            // a pixel is an area
                                3072, 0, 1, u16(o.epsg),  // which
                                3076, 0, 1, 9001});       // in metres
  }
  const std::string metadata = gdal_metadata(o);
  if (!metadata.empty()) d.text(kGdalMetadata, metadata);
  if (o.no_data >= 0) d.text(kGdalNoData, std::to_string(o.no_data));
  return d;
}

bool needs_big_tiff(const GeoTiffOptions& o) {
  const auto bands = static_cast<std::uint64_t>(o.bands);
  const auto strips = static_cast<std::uint64_t>((o.height - 1) / strip_rows(o) + 1) * bands;
  const std::uint64_t raw = bytes_per_row(o) * static_cast<std::uint64_t>(o.height) * bands;
  // Strips never grow by more than stb_zlib() says; 32 bytes hold their place and size;
  // the other entries and the text fit the rest.
  return raw + raw / 4096 + strips * 32 + bands * 64 + gdal_metadata(o).size() + 65536 > 0xffffffffu;
}

GeoTiffWriter::GeoTiffWriter(const std::string& path, const GeoTiffOptions& options) {
  check(path, options);
  state_ = std::make_unique<State>(path, options);
}

GeoTiffWriter::~GeoTiffWriter() = default;

void GeoTiffWriter::write_rows(int band, const std::uint8_t* rows, int count, std::ptrdiff_t stride) {
  state_->write_rows(band, rows, count, stride);
}

void GeoTiffWriter::write_rows(int band, const std::uint16_t* rows, int count, std::ptrdiff_t stride) {
  state_->write_rows(band, rows, count, stride);
}

void GeoTiffWriter::exchange(StateArchive& state) {
  for (Plane& p : state_->planes) {
    state.values(p.pending);
    state.value(p.pending_rows);
    state.value(p.rows);
    state.values(p.offsets);
    state.values(p.sizes);
  }
  state_->file.exchange(state);
}

void GeoTiffWriter::finish() {
  State& s = *state_;
  for (const Plane& p : s.planes) {
    if (p.rows != s.options.height)
      throw Failure(Exit::self_check, s.file.path() + ": finished with " + std::to_string(p.rows) + " of " +
                                          std::to_string(s.options.height) + " rows");
  }
  while (s.file.size() % 8 != 0) s.file.append("\0", 1);
  const std::uint64_t at = s.file.size();
  const TiffBytes directory = s.directory().encode(at);
  s.file.append(directory.data(), directory.size());
  const TiffBytes header = TiffDirectory::header(s.big, at);
  s.file.patch(0, header.data(), header.size());
  s.file.finish();
  if (s.options.classes.empty()) return;
  const std::string& path = s.file.path();
  write_file(path + ".aux.xml", gdal_class_names(s.options.classes));
  write_file(std::filesystem::path(path).replace_extension(".qml").string(), qgis_class_style(s.options.classes));
}

}  // namespace dtacs
