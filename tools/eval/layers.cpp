// SPDX-License-Identifier: Apache-2.0
#include "tools/eval/layers.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "io/host/failure.h"
#include "io/host/file_name.h"
#include "io/host/geotiff_place.h"
#include "io/host/geotiff_reader.h"
#include "io/host/jp2_band.h"
#include "io/host/jp2_geo.h"
#include "io/host/list_folder.h"
#include "io/host/printable.h"

namespace dtacs {
namespace fs = std::filesystem;

namespace {

bool is_tiff(const fs::path& p) {
  const std::string e = lower(p.extension().string());
  return e == ".tif" || e == ".tiff";
}

// The band in "B02", "T31TDH_20260621T105031_B8A_20m": the last word, but for a resolution.
int band_of_stem(std::string stem) {
  for (;;) {
    const std::size_t at = stem.find_last_of("_-");
    const std::string word = at == std::string::npos ? stem : stem.substr(at + 1);
    if ((word.starts_with('B') || word.starts_with('b')) && band_index(word) >= 0) return band_index(word);
    const std::string w = lower(word);
    if (at == std::string::npos || (w != "10m" && w != "20m" && w != "60m")) return -1;
    stem.resize(at);
  }
}

RowSource rows_of(const std::shared_ptr<BandReader>& reader) {
  return [reader, line = std::vector<std::uint16_t>(static_cast<std::size_t>(reader->width()))](float* row) mutable {
    reader->read_rows(1, line.data(), reader->width());
    std::copy(line.begin(), line.end(), row);
  };
}

std::vector<RasterLayer> tiff_layers(const std::string& path) {
  const GeoTiff tiff(path);
  const GeoTiffInfo& i = tiff.info();
  std::vector<RasterLayer> layers;
  for (int b = 0; b < i.bands; ++b) {
    const auto k = static_cast<std::size_t>(b);
    RasterLayer l;
    l.file = path;
    l.name = i.band_names[k];
    l.band = band_in_words(l.name);
    // GDAL takes the fourth band of 8 bits for alpha unasked: a band's name says more.
    if (b == i.bands - 1 && i.last_is_alpha && l.band < 0) continue;
    l.grid = {i.width, i.height, i.epsg, i.ulx, i.uly, i.pixel_size, i.place_problem};
    l.integers = i.kind != SampleKind::f32;
    const bool said = i.scale[k] != 1 || i.offset[k] != 0;
    l.scale = said || !l.integers ? i.scale[k] : 1e-4;  // floats are reflectance as they stand
    l.offset = i.offset[k];
    l.no_data = i.no_data;
    l.open = [tiff, b, width = i.width] {
      const auto band = std::make_shared<GeoTiffBand>(tiff, b);
      return [band, width](float* row) { band->read_rows(1, row, width); };
    };
    layers.push_back(std::move(l));
  }
  return layers;
}

RasterLayer jp2_layer(const std::string& path, const Parallel& parallel) {
  const Jp2Summary s = summarize_one_band(path);
  RasterLayer l;
  l.file = path;
  l.grid = {s.width, s.height, 0, 0, 0, 0, s.place_problem};
  if (const auto& p = s.placement)
    l.grid = {s.width, s.height, p->epsg, p->ulx, p->uly, p->dx, grid_problem(p->dx, p->dy, 0)};
  l.open = [path, parallel] {
    return rows_of(std::make_shared<Jp2Band>(path, BandOptions{.window = {}, .parallel = parallel}));
  };
  return l;
}

std::vector<RasterLayer> raw_layers(const std::string& path, const LayerOptions& options) {
  return open_product_layers(open_product(path, {.bands = options.bands}), options.offset, options.parallel);
}

// Whether all say which band they are.  Throws Failure(usage) where some do, or two are the same.
bool are_named(const std::vector<RasterLayer>& layers) {
  const auto unknown = [](const RasterLayer& l) { return l.band < 0; };
  if (std::all_of(layers.begin(), layers.end(), unknown)) return false;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const RasterLayer& l = layers[i];
    const std::string which =
        l.file + ": its band " + std::to_string(i + 1) + " is named \"" + printable(l.name) + "\"";
    if (l.band < 0) throw Failure(Exit::usage, which + ", expected names with B01..B12 or B8A in each, or in none");
    if (std::count_if(layers.begin(), layers.end(), [&](const RasterLayer& o) { return o.band == l.band; }) > 1)
      throw Failure(Exit::usage, which + "; " + kBandNames[l.band] + " is there twice, expected every band once");
  }
  return true;
}

std::vector<RasterLayer> file_layers(const std::string& path, const LayerOptions& options) {
  std::vector<RasterLayer> layers;
  if (is_tiff(path))
    layers = tiff_layers(path);
  else if (is_jp2_name(path))
    layers = {jp2_layer(path, options.parallel)};
  else
    return raw_layers(path, options);
  if (are_named(layers)) return layers;
  const bool nameless = std::all_of(layers.begin(), layers.end(), [](const RasterLayer& l) { return l.name.empty(); });
  std::vector<int> bands = options.bands;
  if (bands.empty() && layers.size() == 1) bands = {band_of_stem(fs::path(path).stem().string())};
  if (bands.empty() && nameless && (layers.size() == kBandCount || layers.size() == kBandCount - 1))
    for (int b = 0; b < kBandCount; ++b)
      if (layers.size() == kBandCount || b != 10) bands.push_back(b);  // corrected: without B10
  if (bands.size() != layers.size() || std::count(bands.begin(), bands.end(), -1) != 0)
    throw Failure(Exit::usage, path + ": its " + std::to_string(layers.size()) +
                                   " bands have no names such as B02; give --bands B02,B03,... in the file's order");
  for (std::size_t i = 0; i < layers.size(); ++i) layers[i].band = bands[i];
  return layers;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return files;
  for (const fs::path& p : list_folder(folder.string()))
    if (fs::is_regular_file(p, ignored)) files.push_back(p);
  return files;
}

std::vector<RasterLayer> folder_layers(const std::string& folder, const LayerOptions& options) {
  std::vector<std::string> paths;
  for (const fs::path& p : files_in(folder))
    if (is_tiff(p) && p.filename().string().starts_with("reflectance")) paths.push_back(p.string());
  std::map<int, RasterLayer> by_band;
  const auto keep_finest = [&](const RasterLayer& l) {
    const auto [at, is_new] = by_band.emplace(l.band, l);
    RasterLayer& kept = at->second;
    if (is_new) return;
    if (l.grid.width == kept.grid.width)
      throw Failure(Exit::usage, kept.file + ", " + l.file + ": both are " + kBandNames[l.band] +
                                     " of one size; leave one of them in this folder");
    if (l.grid.width > kept.grid.width) kept = l;
  };
  for (const std::string& p : paths)
    for (const RasterLayer& l : file_layers(p, options)) keep_finest(l);
  if (paths.empty())
    for (const char* below : {"", "R10m", "R20m", "R60m"})
      for (const fs::path& p : files_in(fs::path(folder) / below)) {
        const int band = is_tiff(p) || is_jp2_name(p.native()) ? band_of_stem(p.stem().string()) : -1;
        // ESA's masks of a band (MSK_QUALIT_B02.jp2) end in its name too.
        if (band < 0 || p.filename().string().starts_with("MSK_")) continue;
        LayerOptions one = options;
        one.bands = {band};
        for (const RasterLayer& l : file_layers(p.string(), one)) keep_finest(l);
      }
  if (by_band.empty())
    throw Failure(Exit::missing_input, folder + ": neither reflectance*.tif nor images of bands (B02.jp2, *_B02.tif)");
  std::vector<RasterLayer> layers;
  for (auto& [band, layer] : by_band) layers.push_back(std::move(layer));
  return layers;
}

void must_exist(const std::string& path) {
  std::error_code none;
  if (!fs::exists(path, none)) throw Failure(Exit::missing_input, path + ": no such file or folder");
}

}  // namespace

std::vector<RasterLayer> open_reflectance(const std::string& path, const LayerOptions& options) {
  must_exist(path);
  std::vector<RasterLayer> layers = fs::is_directory(path) ? folder_layers(path, options) : file_layers(path, options);
  for (RasterLayer& l : layers)
    if (options.offset) {
      l.scale = 1e-4;
      l.offset = *options.offset * 1e-4;
    }
  return layers;
}

std::vector<RasterLayer> open_product_layers(const std::shared_ptr<const Product>& product,
                                             const std::optional<int>& offset, const Parallel& parallel) {
  const ProductInfo& info = product->info();
  std::vector<RasterLayer> layers;
  for (std::size_t i = 0; i < info.bands.size(); ++i) {
    const BandInfo& b = info.bands[i];
    RasterLayer l;
    l.file = b.path;
    l.band = b.band;
    l.grid = {b.width, b.height, 0, 0, 0, 0};
    if (info.epsg != 0) l.grid = {b.width, b.height, info.epsg, info.ulx, info.uly, b.pixel_size * info.ground_scale};
    l.scale = 1 / info.quantification;
    l.offset = offset.value_or(b.add_offset) / info.quantification;
    l.no_data = info.no_data;
    l.open = [product, parallel, index = static_cast<int>(i)] {
      return rows_of(product->open_band(index, {.window = {}, .parallel = parallel}));
    };
    layers.push_back(std::move(l));
  }
  return layers;
}

RasterLayer open_mask(const std::string& path, const Parallel& parallel) {
  must_exist(path);
  std::string file = path;
  if (fs::is_directory(path)) {
    for (const char* name : {"mask.jp2", "mask.tif"})
      if (fs::exists(fs::path(path) / name)) file = (fs::path(path) / name).string();
    if (file == path) throw Failure(Exit::missing_input, path + ": neither mask.tif nor mask.jp2 in this folder");
  }
  if (is_jp2_name(file)) return jp2_layer(file, parallel);
  if (!is_tiff(file)) {
    RasterLayer l = open_product_layers(open_product(file, {.bands = {0}}), 0, parallel)[0];
    if (l.no_data == 0) l.no_data.reset();
    return l;
  }
  std::vector<RasterLayer> layers = tiff_layers(file);
  if (layers.size() != 1)
    throw Failure(Exit::unsupported, file + ": " + std::to_string(layers.size()) + " bands, expected one of codes");
  return layers[0];
}

}  // namespace dtacs
