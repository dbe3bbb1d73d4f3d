// SPDX-License-Identifier: Apache-2.0
// A Sentinel-2 L1C product, whatever its layout on disk: metadata, and bands as
// rows of digital numbers read from top to bottom.
//
// Layouts: SAFE compact (since 2016), SAFE multi-tile (before), AWS (one folder per
// tile, B02.jp2 + metadata.xml), a folder of loose JP2 bands, raw u16 bands.
// Everything below open_product() is the same for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/bands.h"
#include "io/parallel.h"
#include "kernels/isa.h"

namespace dtacs {

// "B02", "b2", "2", "B8A" -> 0..12; -1 when it is no band name.
int band_index(const std::string& name);
// The band that a word of a longer name is: "B02", "b8a (865 nm)", "Reflectance B2"; -1 where no word is one, or two
// are different ones.
int band_in_words(std::string_view name);

struct BandInfo {
  int band = -1;              // 0..12, see kBandNames
  std::string path = {};      // the file, for messages
  int width = 0, height = 0;  // pixels
  double pixel_size = 0;      // metres: 10, 20 or 60; that of the file, where bands were resampled
  int add_offset = 0;         // RADIO_ADD_OFFSET from the metadata, 0 where there is none
};

struct ProductInfo {
  std::string path;                   // the product's folder or file
  std::string name;                   // PRODUCT_URI or the folder's name
  std::string layout;                 // "SAFE compact", "SAFE multi-tile", "AWS", "JP2 folder", "raw"
  std::string level;                  // "L1C", or "" when nothing says so
  std::string baseline;               // PROCESSING_BASELINE "02.04", or ""
  std::string spacecraft;             // "Sentinel-2A", or ""
  std::string sensing_time;           // ISO 8601, or ""
  std::string tile_id;                // "T31TDH", or ""
  int epsg = 0;                       // 0: not georeferenced
  double ulx = 0, uly = 0;            // metres, the upper-left corner of the upper-left pixel
  double quantification = 10000;      // reflectance = (DN + add_offset) / quantification
  bool quantification_known = false;  // false: 10000 is assumed
  bool offset_known = false;          // from metadata or by their baseline; false: 0 is assumed
  std::string passed_over;            // metadata that lie there and are not used, as they are of another scene, or ""
  // Metres on the ground of a pixel over its nominal pixel_size.  1 for what ESA makes;
  // decimated copies of products and other sensors' bands have something else.
  double ground_scale = 1;
  int no_data = 0;
  int saturated = 65535;
  std::vector<BandInfo> bands;  // those present, ascending by `band`
  std::string samples;          // of raw bands: how they lie in the file; else ""
};

// A window in pixels of a band; the whole band when width is 0.
struct PixelWindow {
  int x = 0, y = 0, width = 0, height = 0;
};

// Rows of digital numbers of one band (or window of it), top to bottom.
class BandReader {
 public:
  virtual ~BandReader() = default;
  virtual int width() const = 0;
  virtual int height() const = 0;
  // The next `rows` rows into out(row, x) = out[row * stride + x].  Throws Failure
  // (bad_data) naming the file; asking for more rows than there are is
  // the caller's mistake.
  virtual void read_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride) = 0;
  // Bytes of working memory, beside mapped files: held from now on, and during a call only.
  virtual std::size_t memory() const { return 0; }
  virtual std::size_t memory_of_call() const { return 0; }
};

struct BandOptions {
  PixelWindow window = {};                 // in pixels of the band
  Parallel parallel = Parallel::serial();  // what read_rows() may use; outlived by it
  IsaSet isa = detect_isa();
};

class Product {
 public:
  virtual ~Product() = default;
  const ProductInfo& info() const { return info_; }
  // index: into info().bands.  Memory is bounded by one row of JPEG 2000 tiles.  The bands of a
  // product may share memory of a call: no two of them may be read at once.
  virtual std::unique_ptr<BandReader> open_band(int index, const BandOptions&) const = 0;

 protected:
  ProductInfo info_;
};

// What the command line adds to a product that says too little itself.
struct ProductHints {
  // Which tile of a multi-tile SAFE ("T31TDH"), or which scene of a folder with loose bands
  // of several: a part of the name.  Needed only when there are several.
  std::string granule = {};
  std::string raw_header = {};  // flag line for raw bands: see raw_product.h
  std::vector<int> bands = {};  // of raw bands that neither their header nor the flag line names
};

// Recognises the layout of `path` (a folder, an MTD_MSIL1C.xml, a raw band file or
// its .hdr) and reads the metadata.  Throws Failure: missing_input, unsupported
// (for example an L2A product), bad_data, usage where the hints must choose: several tiles, scenes or products.
std::unique_ptr<Product> open_product(const std::string& path, const ProductHints& = {});

}  // namespace dtacs
