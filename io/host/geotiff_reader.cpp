// SPDX-License-Identifier: Apache-2.0
#include "io/host/geotiff_reader.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

#include "io/host/decimal.h"
#include "io/host/failure.h"
#include "io/host/file.h"
#include "io/host/file_name.h"
#include "io/host/geotiff_place.h"
#include "io/host/inflate.h"
#include "io/host/tiff_fields.h"
#include "io/host/xml.h"

namespace dtacs {

namespace {

constexpr std::uint64_t kMostSide = 1 << 20;
constexpr std::uint64_t kMostBands = 1000;
constexpr std::uint64_t kMostChunkBytes = std::uint64_t{256} << 20;  // a tile or strip; 10,980 x 10,980 u16 are 230 MiB
constexpr std::uint64_t kMostChunks = std::uint64_t{1} << 26;

enum Tag : int {
  kImageWidth = 256,
  kImageLength = 257,
  kBitsPerSample = 258,
  kCompression = 259,
  kFillOrder = 266,
  kStripOffsets = 273,
  kOrientation = 274,
  kSamplesPerPixel = 277,
  kRowsPerStrip = 278,
  kStripByteCounts = 279,
  kPlanarConfiguration = 284,
  kPredictor = 317,
  kTileWidth = 322,
  kTileLength = 323,
  kTileOffsets = 324,
  kTileByteCounts = 325,
  kExtraSamples = 338,
  kSampleFormat = 339,
  kGdalMetadata = 42112,
  kGdalNoData = 42113,
};

const char* compression_name(std::uint64_t c) {
  switch (c) {
    case 2:
    case 3:
    case 4: return "CCITT fax";
    case 6:
    case 7: return "JPEG";
    case 34887: return "LERC";
    case 34925: return "LZMA";
    case 50000: return "ZSTD";
    case 50001: return "WebP";
    case 50002: return "JPEG XL";
    default: return "unknown";
  }
}

double number_of(std::string_view s, double otherwise) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\n')) s.remove_suffix(1);
  double v = otherwise;
  return read_whole_decimal(s, v) ? v : otherwise;
}

// Only square pixels with north up give a place; numbers without sense say nothing.
void read_place(const TiffFields& f, GeoTiffInfo& info) {
  const std::optional<GeoTiffPlace> p = geotiff_place(f);
  if (!p) return;
  info.place_problem = grid_problem(p->dx, p->dy, p->skew);
  if (!info.place_problem.empty()) return;
  if (!(p->dx > 0 && p->dx < 1e7 && std::fabs(p->ulx) < 1e9 && std::fabs(p->uly) < 1e9)) return;
  info.epsg = p->epsg;
  info.pixel_size = p->dx;
  info.ulx = p->ulx;
  info.uly = p->uly;
}

// GDAL's own items: names of bands, scale and offset.
void read_items(const std::string& xml, const std::string& path, GeoTiffInfo& info) {
  if (xml.empty()) return;
  visit_xml(xml, path, [&](XmlPath elements) {
    const XmlElement& e = elements.back();
    const std::string *name = e.attribute("name"), *sample = e.attribute("sample");
    if (e.name != "Item" || name == nullptr || sample == nullptr) return;
    const double band = number_of(*sample, -1);
    if (!(band >= 0 && band < info.bands)) return;
    const auto b = static_cast<std::size_t>(band);
    if (*name == "DESCRIPTION") info.band_names[b] = e.text;
    if (*name == "SCALE") info.scale[b] = number_of(e.text, 1);
    if (*name == "OFFSET") info.offset[b] = number_of(e.text, 0);
  });
}

int bytes_of(SampleKind kind) {
  return kind == SampleKind::u8 ? 1 : kind == SampleKind::f32 ? 4 : 2;
}

}  // namespace

struct GeoTiff::Layout {
  explicit Layout(const std::string& path) : file(path) {}

  std::span<const std::uint8_t> bytes() const {
    return {reinterpret_cast<const std::uint8_t*>(file.bytes().data()), file.bytes().size()};
  }
  [[noreturn]] void damaged(const std::string& what) const {
    throw Failure(Exit::bad_data, file.path() + ": damaged TIFF: " + what);
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Failure(Exit::unsupported, file.path() + ": a TIFF with " + what + ", which this program does not read");
  }
  void read();
  void read_samples(const TiffFields& f);
  void read_chunks(const TiffFields& f);

  MappedFile file;
  GeoTiffInfo info;
  bool swap = false;  // samples are not in this machine's byte order
  bool apart = true;  // each band on its own
  bool tiled = false;
  int compression = 1, predictor = 1;
  int chunk_width = 0, chunk_height = 0;  // of a tile, or a strip
  int across = 0, down = 0;               // chunks
  std::vector<std::uint64_t> offsets, sizes;

  int samples_together() const { return apart ? 1 : info.bands; }
  std::uint64_t chunk_bytes() const {
    return static_cast<std::uint64_t>(chunk_width) * static_cast<std::uint64_t>(chunk_height) *
           static_cast<std::uint64_t>(samples_together() * bytes_of(info.kind));
  }
};

void GeoTiff::Layout::read() {
  const TiffFields f(bytes(), file.path());
  if (!f.has(kImageWidth) || !f.has(kImageLength)) damaged("it has no width or height");
  const std::uint64_t width = f.number(kImageWidth, 0), height = f.number(kImageLength, 0);
  if (width < 1 || height < 1) damaged("it has no width or height");
  if (width > kMostSide || height > kMostSide)
    unsupported(std::to_string(width) + " x " + std::to_string(height) + " pixels");
  info.width = static_cast<int>(width);
  info.height = static_cast<int>(height);
  read_samples(f);
  read_chunks(f);
  read_place(f, info);
  read_items(f.text(kGdalMetadata), file.path(), info);
  if (const std::string text = f.text(kGdalNoData); !text.empty()) {
    const double none = std::numeric_limits<double>::quiet_NaN(), v = number_of(text, none);
    if (!std::isnan(v) || lower(text).find("nan") != std::string::npos) info.no_data = v;
  }
}

void GeoTiff::Layout::read_samples(const TiffFields& f) {
  const std::uint64_t bands = f.number(kSamplesPerPixel, 1);
  if (bands < 1 || bands > kMostBands) unsupported(std::to_string(bands) + " bands");
  info.bands = static_cast<int>(bands);
  info.band_names.resize(static_cast<std::size_t>(bands));
  info.scale.assign(static_cast<std::size_t>(bands), 1);
  info.offset.assign(static_cast<std::size_t>(bands), 0);
  if (f.has(kExtraSamples)) {
    const std::uint64_t last = f.numbers(kExtraSamples, kMostBands).back();
    info.last_is_alpha = bands > 1 && (last == 1 || last == 2);
  }
  const auto same = [&](int tag, std::uint64_t otherwise, const char* what) {
    if (!f.has(tag)) return otherwise;
    const std::vector<std::uint64_t> all = f.numbers(tag, kMostBands);
    if (std::count(all.begin(), all.end(), all[0]) != static_cast<std::ptrdiff_t>(all.size()))
      unsupported(std::string("bands of different ") + what);
    return all[0];
  };
  const std::uint64_t bits = same(kBitsPerSample, 1, "bits per sample"), format = same(kSampleFormat, 1, "formats");
  if (format == 1 && bits == 8)
    info.kind = SampleKind::u8;
  else if (format == 1 && bits == 16)
    info.kind = SampleKind::u16;
  else if (format == 2 && bits == 16)
    info.kind = SampleKind::i16;
  else if (format == 3 && bits == 32)
    info.kind = SampleKind::f32;
  else
    unsupported(std::to_string(bits) + "-bit samples of format " + std::to_string(format) +
                " (expected unsigned 8 or 16 bits, signed 16 bits, or 32-bit floats)");
  swap = bytes_of(info.kind) > 1 && f.big_endian() != (std::endian::native == std::endian::big);

  const std::uint64_t c = f.number(kCompression, 1);
  if (c != 1 && c != 5 && c != 8 && c != 32773 && c != 32946)
    unsupported("compression " + std::to_string(c) + " (" + compression_name(c) + ")");
  compression = static_cast<int>(c);
  const std::uint64_t p = c == 5 || c == 8 || c == 32946 ? f.number(kPredictor, 1) : 1;
  if (p < 1 || p > 3 || (p == 3 && info.kind != SampleKind::f32)) unsupported("predictor " + std::to_string(p));
  predictor = static_cast<int>(p);
  if (f.number(kFillOrder, 1) != 1) unsupported("reversed bits in its bytes");
  if (f.number(kOrientation, 1) != 1) unsupported("an orientation other than rows from top to bottom");
  const std::uint64_t planar = f.number(kPlanarConfiguration, 1);
  if (planar != 1 && planar != 2) damaged("planar configuration " + std::to_string(planar));
  apart = planar == 2 || bands == 1;
}

void GeoTiff::Layout::read_chunks(const TiffFields& f) {
  tiled = f.has(kTileWidth) || f.has(kTileOffsets);
  std::uint64_t w = static_cast<std::uint64_t>(info.width), h = static_cast<std::uint64_t>(info.height);
  if (tiled) {
    const std::uint64_t tw = f.number(kTileWidth, 0), th = f.number(kTileLength, 0);
    if (tw < 1 || th < 1 || tw > kMostSide || th > kMostSide) damaged("tiles of no sensible size");
    w = tw;
    h = th;
  } else {
    const std::uint64_t rows = f.number(kRowsPerStrip, h);
    if (rows < 1) damaged("strips without rows");
    h = std::min(rows, h);
  }
  chunk_width = static_cast<int>(w);
  chunk_height = static_cast<int>(h);
  across = tiled ? (info.width + chunk_width - 1) / chunk_width : 1;
  down = (info.height + chunk_height - 1) / chunk_height;
  const std::uint64_t count = static_cast<std::uint64_t>(across) * static_cast<std::uint64_t>(down) *
                              static_cast<std::uint64_t>(apart ? info.bands : 1);
  offsets = f.numbers(tiled ? kTileOffsets : kStripOffsets, kMostChunks);
  sizes = f.numbers(tiled ? kTileByteCounts : kStripByteCounts, kMostChunks);
  if (sizes.empty() && compression == 1 && offsets.size() == 1) sizes = {chunk_bytes()};
  if (offsets.size() < count || sizes.size() < count)
    damaged("places of " + std::to_string(std::min(offsets.size(), sizes.size())) + " " + (tiled ? "tiles" : "strips") +
            ", expected " + std::to_string(count));
}

GeoTiff::GeoTiff(const std::string& path) {
  auto layout = std::make_shared<Layout>(path);
  layout->read();
  layout_ = std::move(layout);
}

const GeoTiffInfo& GeoTiff::info() const {
  return layout_->info;
}

struct GeoTiffBand::State {
  State(std::shared_ptr<const GeoTiff::Layout> l, int index) : layout(std::move(l)), band(index) {}

  void load(int chunk_row);
  void check_possible(std::uint64_t chunk, std::uint64_t need) const;
  void unpack(std::uint64_t chunk, int rows);
  void undo_predictor(int rows);
  float sample(const std::uint8_t* at) const;

  std::shared_ptr<const GeoTiff::Layout> layout;
  int band;
  int next = 0;                       // row
  int loaded = -1;                    // row of chunks in `samples`
  std::vector<std::uint8_t> chunk;    // one unpacked tile or strip of all bands stored together
  std::vector<std::uint8_t> samples;  // (across, chunk height, chunk width) of this band, this machine's byte order
  std::vector<bool> stored;           // by chunk across: whether it is there at all
};

// What is stored cannot make this program set aside much more memory than it has bytes for: LZW, the
// best at it, unpacks a byte to at most 2730.  What is not stored is bounded by kMostChunkBytes alone.
void GeoTiffBand::State::check_possible(std::uint64_t index, std::uint64_t need) const {
  const std::uint64_t size = layout->sizes[static_cast<std::size_t>(index)], end = layout->bytes().size();
  const auto fail = [&](const std::string& what) {
    layout->damaged((layout->tiled ? "tile " : "strip ") + std::to_string(index) + ": " + what);
  };
  if (size == 0) return;
  if (layout->offsets[static_cast<std::size_t>(index)] > end - std::min(size, end) || size > end)
    fail("it lies outside the file");
  if (size < need / 2731) fail(std::to_string(size) + " bytes cannot unpack to " + std::to_string(need));
}

// Unpacks a chunk of which the first `rows` rows are needed.
void GeoTiffBand::State::unpack(std::uint64_t index, int rows) {
  const GeoTiff::Layout& l = *layout;
  const auto fail = [&](const std::string& what) {
    l.damaged((l.tiled ? "tile " : "strip ") + std::to_string(index) + ": " + what);
  };
  const std::uint64_t offset = l.offsets[static_cast<std::size_t>(index)],
                      size = l.sizes[static_cast<std::size_t>(index)];
  const std::size_t need = chunk.size() / static_cast<std::size_t>(l.chunk_height) * static_cast<std::size_t>(rows);
  const auto file = l.bytes();
  const auto in = file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  Unpacked got;
  if (l.compression == 1) {
    got.size = std::min(in.size(), chunk.size());
    std::copy_n(in.data(), got.size, chunk.data());
  } else {
    got = l.compression == 5       ? unpack_lzw(in, chunk)
          : l.compression == 32773 ? unpack_bits(in, chunk)
                                   : inflate_zlib(in, chunk);
  }
  if (got.problem != nullptr) fail(got.problem);
  if (got.size < need) fail(std::to_string(got.size) + " bytes, expected " + std::to_string(need));
  if (l.swap && l.predictor != 3) {
    const auto word = static_cast<std::size_t>(bytes_of(l.info.kind));
    for (std::size_t i = 0; i + word <= need; i += word) std::reverse(&chunk[i], &chunk[i] + word);
  }
  undo_predictor(rows);
  l.file.release(static_cast<std::size_t>(offset), static_cast<std::size_t>(offset + size));
}

void GeoTiffBand::State::undo_predictor(int rows) {
  const GeoTiff::Layout& l = *layout;
  if (l.predictor == 1) return;
  const auto together = static_cast<std::size_t>(l.samples_together());
  const std::size_t count = static_cast<std::size_t>(l.chunk_width) * together;  // samples of a row
  const auto bytes = static_cast<std::size_t>(bytes_of(l.info.kind));
  const auto add_up = [&]<class T>(std::uint8_t* row, T, std::size_t step, std::size_t n) {
    for (std::size_t i = step; i < n; ++i) {
      T before, v;
      std::memcpy(&before, row + (i - step) * sizeof(T), sizeof(T));
      std::memcpy(&v, row + i * sizeof(T), sizeof(T));
      v = static_cast<T>(v + before);
      std::memcpy(row + i * sizeof(T), &v, sizeof(T));
    }
  };
  std::vector<std::uint8_t> planes(l.predictor == 3 ? count * bytes : 0);
  for (int y = 0; y < rows; ++y) {
    std::uint8_t* row = chunk.data() + static_cast<std::size_t>(y) * count * bytes;
    if (l.predictor == 3) {
      // Differences of bytes; the row's highest bytes come first, then the next ones.
      add_up(row, std::uint8_t{}, together, count * bytes);
      std::copy_n(row, count * bytes, planes.data());
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t b = 0; b < bytes; ++b) {
          const std::size_t place = std::endian::native == std::endian::big ? b : bytes - 1 - b;
          row[i * bytes + place] = planes[b * count + i];
        }
    } else if (bytes == 1) {
      add_up(row, std::uint8_t{}, together, count);
    } else if (bytes == 2) {
      add_up(row, std::uint16_t{}, together, count);
    } else {
      add_up(row, std::uint32_t{}, together, count);
    }
  }
}

void GeoTiffBand::State::load(int chunk_row) {
  const GeoTiff::Layout& l = *layout;
  const auto bytes = static_cast<std::size_t>(bytes_of(l.info.kind)),
             together = static_cast<std::size_t>(l.samples_together());
  const std::size_t chunk_samples = static_cast<std::size_t>(l.chunk_width) * static_cast<std::size_t>(l.chunk_height);
  // A tile is always whole; the last strip need only have the image's rows.
  const int rows = l.tiled ? l.chunk_height : std::min(l.chunk_height, l.info.height - chunk_row * l.chunk_height);
  const std::uint64_t plane = l.apart ? static_cast<std::uint64_t>(band) * static_cast<std::uint64_t>(l.down) : 0;
  const std::uint64_t first = (plane + static_cast<std::uint64_t>(chunk_row)) * static_cast<std::uint64_t>(l.across);
  for (int c = 0; c < l.across; ++c)
    check_possible(first + static_cast<std::uint64_t>(c),
                   l.chunk_bytes() / static_cast<std::uint64_t>(l.chunk_height) * static_cast<std::uint64_t>(rows));
  chunk.resize(static_cast<std::size_t>(l.chunk_bytes()));
  samples.resize(chunk_samples * bytes * static_cast<std::size_t>(l.across));
  stored.resize(static_cast<std::size_t>(l.across));
  for (int c = 0; c < l.across; ++c) {
    const bool there = l.sizes[static_cast<std::size_t>(first) + static_cast<std::size_t>(c)] != 0;
    stored[static_cast<std::size_t>(c)] = there;
    if (!there) continue;
    unpack(first + static_cast<std::uint64_t>(c), rows);
    std::uint8_t* to = samples.data() + static_cast<std::size_t>(c) * chunk_samples * bytes;
    const std::uint8_t* from = chunk.data() + (l.apart ? 0 : static_cast<std::size_t>(band) * bytes);
    if (together == 1)
      std::copy_n(from, chunk_samples * bytes, to);
    else
      for (std::size_t i = 0; i < chunk_samples; ++i) std::copy_n(from + i * together * bytes, bytes, to + i * bytes);
  }
  loaded = chunk_row;
}

float GeoTiffBand::State::sample(const std::uint8_t* at) const {
  switch (layout->info.kind) {
    case SampleKind::u8: return *at;
    case SampleKind::u16: {
      std::uint16_t v;
      std::memcpy(&v, at, 2);
      return v;
    }
    case SampleKind::i16: {
      std::int16_t v;
      std::memcpy(&v, at, 2);
      return v;
    }
    case SampleKind::f32: break;
  }
  float v;
  std::memcpy(&v, at, 4);
  return v;
}

GeoTiffBand::GeoTiffBand(const GeoTiff& tiff, int band) : state_(std::make_unique<State>(tiff.layout_, band)) {
  const GeoTiff::Layout& l = *state_->layout;
  assert(band >= 0 && band < l.info.bands);
  const std::uint64_t row =
      l.chunk_bytes() / static_cast<std::uint64_t>(l.samples_together()) * static_cast<std::uint64_t>(l.across);
  if (l.chunk_bytes() > kMostChunkBytes || row > kMostChunkBytes)
    throw Failure(Exit::memory_cap, l.file.path() + ": a " + (l.tiled ? "row of tiles" : "strip") + " of " +
                                        std::to_string(std::max(l.chunk_bytes(), row)) +
                                        " bytes; this program unpacks up to " + std::to_string(kMostChunkBytes));
}
GeoTiffBand::~GeoTiffBand() = default;
GeoTiffBand::GeoTiffBand(GeoTiffBand&&) noexcept = default;

void GeoTiffBand::read_rows(int rows, float* out, std::ptrdiff_t stride) {
  State& s = *state_;
  const GeoTiff::Layout& l = *s.layout;
  assert(rows >= 0 && rows <= l.info.height - s.next);
  const auto bytes = static_cast<std::size_t>(bytes_of(l.info.kind));
  const auto nothing = static_cast<float>(l.info.no_data.value_or(0));
  for (int i = 0; i < rows; ++i, ++s.next) {
    if (s.next / l.chunk_height != s.loaded) s.load(s.next / l.chunk_height);
    const auto y = static_cast<std::size_t>(s.next % l.chunk_height);
    float* row = out + i * stride;
    for (int c = 0; c < l.across; ++c) {
      const int begin = c * l.chunk_width, end = std::min(begin + l.chunk_width, l.info.width);
      if (!s.stored[static_cast<std::size_t>(c)]) {
        std::fill(row + begin, row + end, nothing);
        continue;
      }
      const std::uint8_t* from =
          s.samples.data() + (static_cast<std::size_t>(c) * static_cast<std::size_t>(l.chunk_height) + y) *
                                 static_cast<std::size_t>(l.chunk_width) * bytes;
      for (int x = begin; x < end; ++x, from += bytes) row[x] = s.sample(from);
    }
  }
}

}  // namespace dtacs
