// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "io/host/failure.h"
#include "io/host/geotiff_place.h"
#include "tools/eval/layers.h"

namespace dtacs {

namespace {

std::string size_text(const LayerGrid& g) {
  return std::to_string(g.width) + " x " + std::to_string(g.height) + " pixels";
}

// A nearly whole number of pixels; coordinates carry rounding of some millimetres.
std::optional<std::int64_t> whole(double v) {
  const double n = std::round(v);
  if (!(std::fabs(v - n) < 0.01) || std::fabs(n) > 1e12) return std::nullopt;
  return static_cast<std::int64_t>(n);
}

// How many pixels of the finest grid one of a layer spans.  `whole` alone would let 10.09 m pass for 10, which is a
// pixel off after a hundred.
std::optional<std::int64_t> scale_of(const LayerGrid& layer, const LayerGrid& finest) {
  const double ratio = layer.pixel_size / finest.pixel_size;
  const auto n = whole(ratio);
  const double drift = n ? std::fabs(ratio - static_cast<double>(*n)) * std::max(layer.width, layer.height) : 0;
  return n && *n <= 10000 && drift <= 0.1 ? n : std::nullopt;
}

std::string crs_text(int epsg) {
  return epsg == kUncodedCrs ? "coordinate system without an EPSG code" : "EPSG:" + std::to_string(epsg);
}

// Layers of two files that name a coordinate system must name the same, by its code.
void check_one_crs(const std::vector<const RasterLayer*>& layers) {
  const RasterLayer* first = nullptr;
  for (const RasterLayer* l : layers) {
    const int epsg = l->grid.epsg;
    if (epsg == 0) continue;
    if (first == nullptr) first = l;
    if (l->file == first->file || (epsg == first->grid.epsg && epsg != kUncodedCrs)) continue;
    const bool known = epsg != kUncodedCrs && first->grid.epsg != kUncodedCrs;
    throw Failure(Exit::unsupported, l->file + ": its " + crs_text(epsg) +
                                         (known ? " is not the " : " may not be the ") + crs_text(first->grid.epsg) +
                                         " of " + first->file);
  }
}

}  // namespace

Frame::Frame(const std::vector<const RasterLayer*>& layers) {
  for (const RasterLayer* l : layers)
    if (const std::string& why = l->grid.place_problem; !why.empty())
      throw Failure(Exit::unsupported,
                    l->file + ": " + why +
                        ", and cannot be compared; bring it to a north-up grid with a coordinate system of EPSG's, as "
                        "gdalwarp does");
  const bool placed =
      std::all_of(layers.begin(), layers.end(), [](const RasterLayer* l) { return l->grid.pixel_size > 0; });
  const RasterLayer& finest =
      **std::min_element(layers.begin(), layers.end(), [&](const RasterLayer* a, const RasterLayer* b) {
        return placed ? a->grid.pixel_size < b->grid.pixel_size : a->grid.width > b->grid.width;
      });
  const LayerGrid& f = finest.grid;
  if (!placed) {
    for (const RasterLayer* l : layers) {
      const LayerGrid& g = l->grid;
      const int scale = static_cast<int>(std::round(static_cast<double>(f.width) / g.width));
      if (std::abs(std::int64_t{g.width} * scale - f.width) >= scale ||
          std::abs(std::int64_t{g.height} * scale - f.height) >= scale)
        throw Failure(Exit::bad_data, l->file + ": " + size_text(g) + " do not fit the " + size_text(f) + " of " +
                                          finest.file + ", and not both say where they lie");
      places_.push_back({l, scale, 0, 0});
    }
    width_ = f.width;
    height_ = f.height;
    return;
  }
  check_one_crs(layers);
  // Positions in pixels of the finest grid from its corner.
  std::int64_t left = std::numeric_limits<std::int64_t>::min(), top = left;
  std::int64_t right = std::numeric_limits<std::int64_t>::max(), bottom = right;
  for (const RasterLayer* l : layers) {
    const LayerGrid& g = l->grid;
    const auto scale = scale_of(g, f), x = whole((g.ulx - f.ulx) / f.pixel_size),
               y = whole((f.uly - g.uly) / f.pixel_size);
    if (!scale || !x || !y)
      throw Failure(Exit::unsupported, l->file + ": its pixels do not nest with those of " + finest.file);
    places_.push_back({l, static_cast<int>(*scale), -*x, -*y});
    left = std::max(left, *x);
    top = std::max(top, *y);
    right = std::min(right, *x + *scale * g.width);
    bottom = std::min(bottom, *y + *scale * g.height);
  }
  if (left >= right || top >= bottom) {
    std::string files;
    for (const RasterLayer* l : layers) files += (files.empty() ? "" : ", ") + l->file;
    throw Failure(Exit::bad_data, files + ": they have no pixel in common");
  }
  for (Place& p : places_) {
    p.x += left;
    p.y += top;
  }
  width_ = static_cast<int>(right - left);
  height_ = static_cast<int>(bottom - top);
}

FrameRows::FrameRows(const Frame& frame, const RasterLayer& layer) : source_(layer.open()), width_(frame.width_) {
  place_ = *std::find_if(frame.places_.begin(), frame.places_.end(),
                         [&](const Frame::Place& p) { return p.layer == &layer; });
  line_.resize(static_cast<std::size_t>(layer.grid.width));
  row_.resize(static_cast<std::size_t>(width_));
  columns_.resize(row_.size());
  for (int x = 0; x < width_; ++x)
    columns_[static_cast<std::size_t>(x)] =
        static_cast<int>(std::min<std::int64_t>((place_.x + x) / place_.scale, layer.grid.width - 1));
}

const float* FrameRows::next() {
  const std::int64_t native = std::min<std::int64_t>((place_.y + y_++) / place_.scale, place_.layer->grid.height - 1);
  if (read_ > native) return row_.data();
  for (; read_ <= native; ++read_) source_(line_.data());
  for (std::size_t x = 0; x < row_.size(); ++x) row_[x] = line_[static_cast<std::size_t>(columns_[x])];
  return row_.data();
}

}  // namespace dtacs
