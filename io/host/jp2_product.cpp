// SPDX-License-Identifier: Apache-2.0
#include "io/host/jp2_product.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "io/host/failure.h"
#include "io/host/file_name.h"
#include "io/host/list_folder.h"

namespace dtacs {
namespace fs = std::filesystem;
namespace {

std::string upper(std::string s) {
  for (char& c : s) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return s;
}

// The last part of a name between underscores, and the name before it.
std::pair<std::string, std::string> split_last(const std::string& s) {
  const std::size_t n = s.rfind('_');
  return n == std::string::npos ? std::pair(std::string(), s) : std::pair(s.substr(0, n), s.substr(n + 1));
}

int band_of_part(const std::string& part) {
  return part.starts_with('B') ? band_index(part) : -1;
}

// Level-2A images carry the resolution behind the band.
bool is_level2a_name(const std::string& file_name) {
  if (!is_jp2_name(file_name)) return false;
  const auto [rest, last] = split_last(upper(fs::path(file_name).stem().string()));
  return (last == "10M" || last == "20M" || last == "60M") && band_of_part(split_last(rest).second) >= 0;
}

std::string size_text(int width, int height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

// Whether `n` pixels of size `pixel` cover `pixels` of size `reference`, rounded up or down.
bool covers(int n, double pixel, int pixels, double reference) {
  return std::fabs(pixels * reference / pixel - n) < 1;
}

struct Image {
  BandFile file;
  Jp2Summary summary;
};

// 10, 20 or 60, by size relative to the reference image; the band's own first, as tiny
// images can fit several.
double pixel_size_of(const Image& image, const Image& reference, double reference_pixel) {
  const double own = kBandMetres[image.file.band];
  for (const double pixel : {own, 10.0, 20.0, 60.0})
    if (covers(image.summary.width, pixel, reference.summary.width, reference_pixel) &&
        covers(image.summary.height, pixel, reference.summary.height, reference_pixel))
      return pixel;
  throw Failure(Exit::bad_data, image.file.path + ": " + size_text(image.summary.width, image.summary.height) +
                                    " pixels, which fits no 10, 20 or 60 m grid beside the " +
                                    size_text(reference.summary.width, reference.summary.height) + " of " +
                                    kBandNames[reference.file.band]);
}

// The pixel size of the largest image: that of its band, but where every image has the
// same size and the file says what a pixel measures, that.
double reference_pixel_size(const Image& reference, const std::vector<Image>& images) {
  const double own = kBandMetres[reference.file.band];
  const bool one_grid = std::all_of(images.begin(), images.end(), [&](const Image& i) {
    return i.summary.width == reference.summary.width && i.summary.height == reference.summary.height;
  });
  if (!one_grid || !reference.summary.placement) return own;
  for (const double pixel : {10.0, 20.0, 60.0})
    if (std::fabs(reference.summary.placement->dx / pixel - 1) < 1e-3) return pixel;
  return own;
}

std::string corner_text(int epsg, double ulx, double uly) {
  return "EPSG:" + std::to_string(epsg) + ", " + std::to_string(std::llround(ulx)) + ", " +
         std::to_string(std::llround(uly));
}

// Images that say where they are must lie at one place, to half of the smaller of their pixels: where coarser ones were
// cut out by coordinates they begin elsewhere, and would be read as shifted.
void check_same_place(const Image& image, const Image& reference) {
  const auto &own = image.summary.placement, &other = reference.summary.placement;
  if (!own || !other) return;
  const double most = std::min(own->dx, other->dx) / 2;
  if (own->epsg == other->epsg && std::fabs(own->ulx - other->ulx) < most && std::fabs(own->uly - other->uly) < most)
    return;
  throw Failure(Exit::bad_data, image.file.path + ": its corner lies at " + corner_text(own->epsg, own->ulx, own->uly) +
                                    ", that of " + kBandNames[reference.file.band] + " at " +
                                    corner_text(other->epsg, other->ulx, other->uly) +
                                    "; to run a part, give --window instead of cutting the files");
}

// All tiles have one size, so only its place tells an image of another tile.  A crop may have any corner.
void check_in_tile(const Image& image, const TileMetadata& tile) {
  const auto& own = image.summary.placement;
  if (!own || !tile.placed()) return;
  const bool whole =
      !tile.sizes.empty() && std::all_of(tile.sizes.begin(), tile.sizes.end(), [&](const TileMetadata::Size& s) {
        return covers(image.summary.width, own->dx, s.columns, s.resolution) &&
               covers(image.summary.height, own->dy, s.rows, s.resolution);
      });
  const bool same_corner = std::fabs(own->ulx - *tile.ulx) < own->dx && std::fabs(own->uly - *tile.uly) < own->dy;
  if (own->epsg == tile.epsg && (same_corner || !whole)) return;
  throw Failure(Exit::bad_data, image.file.path + ": its corner lies at " + corner_text(own->epsg, own->ulx, own->uly) +
                                    ", that of the tile in " + tile.path + " at " +
                                    corner_text(tile.epsg, *tile.ulx, *tile.uly));
}

void place(const Image& reference, double pixel, const std::optional<TileMetadata>& tile, ProductInfo& info) {
  const auto& own = reference.summary.placement;
  // Where a crop lies in the tile is not guessed.
  const bool tile_fits =
      tile && tile->placed() && std::any_of(tile->sizes.begin(), tile->sizes.end(), [&](const TileMetadata::Size& s) {
        return s.resolution == static_cast<int>(pixel) && s.columns == reference.summary.width &&
               s.rows == reference.summary.height;
      });
  const bool own_usable = own && std::fabs(own->dx / own->dy - 1) < 1e-3;  // square pixels
  if (own_usable && !tile_fits) {
    info.epsg = own->epsg;
    info.ulx = own->ulx;
    info.uly = own->uly;
    // GML writes the middle of a pixel with few digits; the same corner is exact in the metadata.
    const auto near = [&](double metadata, double image) { return std::fabs(metadata - image) < 1e-3 * own->dx; };
    if (tile && tile->placed() && tile->epsg == own->epsg && near(*tile->ulx, own->ulx) && near(*tile->uly, own->uly)) {
      info.ulx = *tile->ulx;
      info.uly = *tile->uly;
    }
    const double scale = own->dx / pixel;
    info.ground_scale = std::fabs(scale - 1) < 1e-6 ? 1 : scale;
  } else if (tile && tile_fits) {
    info.epsg = tile->epsg;
    info.ulx = *tile->ulx;
    info.uly = *tile->uly;
  }
}

}  // namespace

int band_of_file(const std::string& file_name) {
  const std::string stem = upper(fs::path(file_name).stem().string());
  if (!is_jp2_name(file_name) || stem.starts_with("MSK_")) return -1;  // MSK_DETFOO_B02.jp2
  return band_of_part(split_last(stem).second);
}

std::vector<BandFile> find_bands(const std::string& folder, const std::vector<std::string>& preferred,
                                 const std::string& part) {
  const auto is_preferred = [&](const fs::path& p) {
    return std::find(preferred.begin(), preferred.end(), p.stem().string()) != preferred.end();
  };
  std::vector<BandFile> found(kBandCount);
  for (const fs::path& p : list_folder(folder)) {
    const std::string name = p.filename().string();
    if (is_level2a_name(name))
      throw Failure(Exit::unsupported, p.string() + ": named like an image of a Level-2A product, expected Level-1C");
    const int band = band_of_file(name);
    const bool bare = split_last(p.stem().string()).first.empty();  // B02.jp2
    if (band < 0 || (!bare && name.find(part) == std::string::npos)) continue;
    BandFile& slot = found[static_cast<std::size_t>(band)];
    if (slot.band >= 0) {
      if (is_preferred(slot.path) && !is_preferred(p)) continue;
      if (is_preferred(slot.path) == is_preferred(p))
        throw Failure(Exit::usage, p.string() + ": a second " + kBandNames[band] + " beside " +
                                       fs::path(slot.path).filename().string() +
                                       "; say which scene by a part of the name (--granule)");
    }
    slot = {band, p.string()};
  }
  std::erase_if(found, [](const BandFile& f) { return f.band < 0; });
  return found;
}

void describe_bands(const std::vector<BandFile>& files, const std::optional<TileMetadata>& tile,
                    const std::array<int, kBandCount>& add_offset, ProductInfo& info) {
  std::vector<Image> images;
  for (const BandFile& f : files) images.push_back({f, summarize_one_band(f.path)});
  if (images.empty()) return;
  // The largest; among several the one of the finest band.
  const Image& reference = *std::max_element(images.begin(), images.end(), [](const Image& a, const Image& b) {
    if (a.summary.width != b.summary.width) return a.summary.width < b.summary.width;
    return kBandMetres[a.file.band] > kBandMetres[b.file.band];
  });
  for (const Image& i : images) {
    check_same_place(i, reference);
    if (tile) check_in_tile(i, *tile);
  }
  const double pixel = reference_pixel_size(reference, images);
  for (const Image& i : images) {
    info.bands.push_back({.band = i.file.band,
                          .path = i.file.path,
                          .width = i.summary.width,
                          .height = i.summary.height,
                          .pixel_size = pixel_size_of(i, reference, pixel),
                          .add_offset = add_offset[static_cast<std::size_t>(i.file.band)]});
  }
  place(reference, pixel, tile, info);
}

void describe_from(const ProductMetadata& m, ProductInfo& info) {
  const auto fill = [](std::string& to, const std::string& from) {
    if (to.empty()) to = from;
  };
  fill(info.name, m.name);
  fill(info.level, m.level);
  fill(info.baseline, m.baseline);
  fill(info.spacecraft, m.spacecraft);
  fill(info.sensing_time, m.sensing_time);
  info.quantification = m.quantification.value_or(10000);
  info.quantification_known = m.quantification.has_value();
  info.offset_known = m.offset_known;
  info.no_data = m.no_data;
  info.saturated = m.saturated;
}

std::unique_ptr<BandReader> Jp2Product::open_band(int index, const BandOptions& options) const {
  return std::make_unique<Jp2Band>(
      info_.bands.at(static_cast<std::size_t>(index)).path,
      Jp2Options{.window = options.window, .parallel = options.parallel, .isa = options.isa, .workspace = workspace_});
}

}  // namespace dtacs
