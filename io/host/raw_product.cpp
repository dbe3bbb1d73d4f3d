// SPDX-License-Identifier: Apache-2.0
#include "io/host/raw_product.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "io/host/failure.h"
#include "io/host/file.h"
#include "io/host/product_layouts.h"

namespace dtacs {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostHeaderBytes = 1 << 20;

class RawBand : public BandReader {
 public:
  RawBand(const std::string& path, std::uint64_t start, int band_width, const PixelWindow& window, bool swap)
      : path_(path), start_(start), band_width_(band_width), window_(window), swap_(swap) {
    fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) throw Failure(Exit::missing_input, path + ": cannot open: " + std::strerror(errno));
  }
  ~RawBand() override { close(fd_); }
  RawBand(const RawBand&) = delete;
  RawBand& operator=(const RawBand&) = delete;

  int width() const override { return window_.width; }
  int height() const override { return window_.height; }

  void read_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride) override {
    assert(rows >= 0 && rows <= window_.height - next_);
    for (int i = 0; i < rows; ++i, ++next_) {
      std::uint16_t* row = out + i * stride;
      const std::uint64_t pixel =
          static_cast<std::uint64_t>(window_.y + next_) * static_cast<std::uint64_t>(band_width_) +
          static_cast<std::uint64_t>(window_.x);
      read_at(row, 2 * static_cast<std::size_t>(window_.width), start_ + 2 * pixel);
      if (swap_)
        for (int x = 0; x < window_.width; ++x) row[x] = static_cast<std::uint16_t>((row[x] << 8) | (row[x] >> 8));
    }
  }

 private:
  void read_at(void* to, std::size_t bytes, std::uint64_t offset) {
    char* at = static_cast<char*>(to);
    while (bytes > 0) {
      const ssize_t n = pread(fd_, at, bytes, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw Failure(Exit::bad_data, path_ + ": reading failed: " + std::strerror(errno));
      if (n == 0) throw Failure(Exit::bad_data, path_ + ": the file became shorter while it was read");
      at += n;
      offset += static_cast<std::uint64_t>(n);
      bytes -= static_cast<std::size_t>(n);
    }
  }

  std::string path_;
  std::uint64_t start_;
  int band_width_;
  PixelWindow window_;
  bool swap_;
  int fd_ = -1;
  int next_ = 0;
};

class RawProduct : public Product {
 public:
  RawProduct(ProductInfo info, RawHeader header) : header_(std::move(header)) { info_ = std::move(info); }

  std::unique_ptr<BandReader> open_band(int index, const BandOptions& options) const override {
    const BandInfo& band = info_.bands.at(static_cast<std::size_t>(index));
    PixelWindow w = options.window;
    if (w.width == 0) w = {0, 0, band.width, band.height};
    if (w.x < 0 || w.y < 0 || w.width < 1 || w.height < 1 || w.width > band.width - w.x || w.height > band.height - w.y)
      throw Failure(Exit::usage, band.path + ": the window is not inside the band of " + std::to_string(band.width) +
                                     " x " + std::to_string(band.height) + " pixels");
    const auto place = std::find(header_.bands.begin(), header_.bands.end(), band.band) - header_.bands.begin();
    const std::uint64_t band_bytes =
        2 * static_cast<std::uint64_t>(band.width) * static_cast<std::uint64_t>(band.height);
    const bool swap = header_.big_endian != (std::endian::native == std::endian::big);
    return std::make_unique<RawBand>(band.path, header_.header_bytes + static_cast<std::uint64_t>(place) * band_bytes,
                                     band.width, w, swap);
  }

 private:
  RawHeader header_;
};

// The ENVI header that belongs to a data file, or the data file of a header.
std::string beside(const fs::path& path, std::initializer_list<const char*> extensions) {
  for (const char* e : extensions) {
    fs::path replaced = path;
    replaced.replace_extension(e);
    for (const fs::path& candidate : {replaced, fs::path(path.string() + e)})
      if (candidate != path && fs::is_regular_file(candidate)) return candidate.string();
  }
  return "";
}

std::string describe_samples(const RawHeader& h) {
  std::string bands;
  for (const int b : h.bands) bands += (bands.empty() ? "" : "+") + std::string(kBandNames[b]);
  return std::string(h.big_endian ? "big" : "little") + "-endian u16 from byte " + std::to_string(h.header_bytes) +
         " on: " + bands;
}

void check_size(const std::string& path, const RawHeader& h) {
  const std::uint64_t samples = static_cast<std::uint64_t>(h.width) * static_cast<std::uint64_t>(h.height);
  const std::uint64_t need = h.header_bytes + 2 * samples * h.bands.size();
  std::error_code error;
  const std::uint64_t have = fs::file_size(path, error);
  if (error) throw Failure(Exit::missing_input, path + ": cannot open: " + error.message());
  if (have != need)
    throw Failure(Exit::bad_data, path + ": " + std::to_string(have) + " bytes, expected " + std::to_string(need) +
                                      " for " + std::to_string(h.bands.size()) + " bands of " +
                                      std::to_string(h.width) + " x " + std::to_string(h.height) + " pixels");
}

}  // namespace

std::unique_ptr<Product> open_raw(const std::string& path, const ProductHints& hints) {
  std::string data = path, header_path;
  if (const fs::path extension = fs::path(path).extension(); extension == ".hdr" || extension == ".HDR") {
    header_path = path;
    data = beside(path, {"", ".img", ".bsq", ".raw", ".dat", ".bin", ".u16"});
    if (data.empty()) data = fs::path(path).replace_extension("").string();  // X.img.hdr
    if (!fs::is_regular_file(data))
      throw Failure(Exit::missing_input,
                    path + ": no data file (.img, .bsq, .raw, .dat, .bin, .u16) beside this header");
  } else {
    header_path = beside(path, {".hdr", ".HDR"});
    if (header_path.empty() && hints.raw_header.empty())
      throw Failure(
          Exit::unsupported,
          path + ": not a product; raw bands need an ENVI header (.hdr) beside them, or --raw of run and info");
  }

  RawHeader h;
  if (!header_path.empty()) {
    const MappedFile file(header_path);
    const auto bytes = file.bytes();
    if (bytes.size() > kMostHeaderBytes) throw Failure(Exit::bad_data, header_path + ": too long for an ENVI header");
    parse_envi_header(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), header_path, h);
  }
  parse_raw_flags(hints.raw_header, h);
  if ((h.bands.empty() || h.bands_assumed) && !hints.bands.empty()) h.bands = hints.bands;
  if (h.width == 0 || h.height == 0) throw Failure(Exit::usage, data + ": the raw header says no width and height");
  if (h.bands.empty()) throw Failure(Exit::usage, data + ": the raw header names no bands (bands=B02+B03+...)");
  const bool placed = h.epsg && h.ulx && h.uly;
  if (!placed && (h.epsg.value_or(0) != 0 || h.ulx || h.uly))
    throw Failure(Exit::usage, data + ": the raw header gives part of a place, expected all of epsg, ulx and uly");
  check_size(data, h);

  ProductInfo info;
  info.path = data;
  info.name = fs::path(data).filename().string();
  info.layout = "raw";
  info.samples = describe_samples(h);
  info.quantification = h.quantification;
  info.quantification_known = h.quantification_known;
  info.offset_known = h.offset_known;
  info.no_data = h.no_data;
  if (placed) {
    info.epsg = *h.epsg;
    info.ulx = *h.ulx;
    info.uly = *h.uly;
  }
  const bool native = h.pixel == 10 || h.pixel == 20 || h.pixel == 60;
  info.ground_scale = native ? 1 : h.pixel / 10;
  for (const int band : h.bands)
    info.bands.push_back({.band = band,
                          .path = data,
                          .width = h.width,
                          .height = h.height,
                          .pixel_size = native ? h.pixel : 10,
                          .add_offset = h.add_offset});
  std::sort(info.bands.begin(), info.bands.end(), [](const BandInfo& a, const BandInfo& b) { return a.band < b.band; });
  return std::make_unique<RawProduct>(std::move(info), std::move(h));
}

}  // namespace dtacs
