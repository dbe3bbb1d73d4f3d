// SPDX-License-Identifier: Apache-2.0
// Rasters to compare, whatever file holds them: a layer is one band of a GeoTIFF, a JPEG
// 2000 file, a raw file with an ENVI header or a product, with its grid and the meaning of
// its samples.  Several layers are brought to one grid by position alone: no sample is
// ever interpolated.
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/host/product.h"
#include "io/parallel.h"

namespace dtacs {

struct LayerGrid {
  int width = 0, height = 0;
  int epsg = 0;  // 0: no coordinate system is named; kUncodedCrs: one without a code
  double ulx = 0, uly = 0;
  double pixel_size = 0;           // 0: the file does not say where it lies
  std::string place_problem = {};  // or says it in a way that is of no use here: "it is turned"
};

// Stored samples of one row after the other.
using RowSource = std::function<void(float* row)>;

struct RasterLayer {
  std::string file;       // for messages
  std::string name = {};  // the file's of this band, or ""
  int band = -1;          // 0..12; -1: not known
  LayerGrid grid;
  double scale = 1e-4, offset = 0;     // reflectance = stored * scale + offset
  std::optional<double> no_data = {};  // beside what is never data: NaN, infinities, and of integers 0 and 65535
  bool integers = true;
  std::function<RowSource()> open = {};  // from the top

  bool is_data(float v) const {
    const bool nothing = !std::isfinite(v) || (integers && (v == 0 || v == 65535));
    return !nothing && !(no_data && v == static_cast<float>(*no_data));
  }
};

struct LayerOptions {
  std::vector<int> bands = {};             // of files that do not name theirs
  std::optional<int> offset = {};          // reflectance = (stored + offset) / 10000, whatever the file says
  Parallel parallel = Parallel::serial();  // outlived by it
};

// The bands of a file, or of a folder with reflectance*.tif, or else with an image per band
// (B02.jp2, T31TDH_..._B8A_20m.jp2, B02.tif, but not MSK_*; also in R10m, R20m and R60m below it;
// the finest where there are several).  Bands of a TIFF are known by a word of their names, B02
// or b2, in all of them or in none; where none has a name at all, 13 are B01..B12, and 12 those
// without B10.  A last one that only says how opaque the others are is no band.  Throws Failure, usage too
// where two are equally fine.
std::vector<RasterLayer> open_reflectance(const std::string& path, const LayerOptions& options);

// The bands of an L1C product as top-of-atmosphere reflectance; offset: see RunOptions.
std::vector<RasterLayer> open_product_layers(const std::shared_ptr<const Product>& product,
                                             const std::optional<int>& offset, const Parallel& parallel);

// One band of codes: a file, or mask.tif or mask.jp2 in a folder.  Its no_data is what the file says, but for 0 of
// raw data, which they have unsaid.  Throws Failure.
RasterLayer open_mask(const std::string& path, const Parallel& parallel);

// What the layers have in common, in pixels of the finest of their grids.  Layers that all
// say where they lie are compared where all of them have pixels; others must cover the same
// ground, with sizes that are whole multiples (the last pixel of a coarse grid may cover less).
// A layer that names no coordinate system is taken to have the others'.
class Frame {
 public:
  // Throws Failure: unsupported (a place_problem, different coordinate systems or such as no
  // code tells apart, pixels that do not nest or drift apart by more than a tenth of the
  // finest over a layer), bad_data (nothing in common).
  explicit Frame(const std::vector<const RasterLayer*>& layers);
  int width() const { return width_; }
  int height() const { return height_; }

 private:
  friend class FrameRows;
  struct Place {
    const RasterLayer* layer;
    int scale;          // frame pixels to one of the layer's
    std::int64_t x, y;  // the frame's first pixel, in frame pixels from the layer's corner
  };
  std::vector<Place> places_;
  int width_ = 0, height_ = 0;
};

// A layer's samples on the frame, row after row.
class FrameRows {
 public:
  FrameRows(const Frame& frame, const RasterLayer& layer);  // one of the frame's
  const float* next();

 private:
  Frame::Place place_;
  RowSource source_;
  int width_, y_ = 0, read_ = 0;
  std::vector<float> line_, row_;
  std::vector<int> columns_;
};

}  // namespace dtacs
