// SPDX-License-Identifier: Apache-2.0
// What the layouts made of one JPEG 2000 file per band have in common: which files of
// a folder are bands, how large their pixels are, and where the image lies.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/host/jp2_band.h"
#include "io/host/jp2_geo.h"
#include "io/host/product.h"
#include "io/host/s2_metadata.h"

namespace dtacs {

// "B02.jp2", "T31TDH_20150726T105026_B8A.jp2" -> 1, 8; -1 when it is no band (TCI, PVI,
// masks, another extension).
int band_of_file(const std::string& file_name);

struct BandFile {
  int band = -1;
  std::string path;
};

// The bands in a folder, ascending.  Where a band is there twice, the one whose name
// is among `preferred` (stems) counts; without such Failure(usage) names both.  Only
// names with `part` in them count, and bare ones (B02.jp2).  Level-2A files (B02_10m.jp2) are Failure(unsupported).
std::vector<BandFile> find_bands(const std::string& folder, const std::vector<std::string>& preferred,
                                 const std::string& part);

// Reads the header of each file and fills info.bands, epsg, ulx, uly and ground_scale.
//
// The size of an image is always the file's own: metadata of cropped and decimated
// copies still tells the original's.  The largest image gives the grid; the others must
// have 1, 1/2, 1/3 or 1/6 of its size (rounded either way, as decimation does) and get
// their pixel size from that, so a folder where all bands were resampled to 10 m is read
// as such.  The metadata places the image where its size is the file's; otherwise the
// file does, or nothing: where a crop lies in the tile is not guessed.  A file that says it lies elsewhere than its
// tile is Failure(bad_data).  add_offset: one for each band.
void describe_bands(const std::vector<BandFile>& files, const std::optional<TileMetadata>& tile,
                    const std::array<int, kBandCount>& add_offset, ProductInfo& info);

// Everything the product metadata knows; what is already there stays.
void describe_from(const ProductMetadata& metadata, ProductInfo& info);

// Its bands are decoded in the same memory.
class Jp2Product : public Product {
 public:
  explicit Jp2Product(ProductInfo info) { info_ = std::move(info); }
  std::unique_ptr<BandReader> open_band(int index, const BandOptions& options) const override;

 private:
  std::shared_ptr<GrowingBlock> workspace_ = std::make_shared<GrowingBlock>();
};

}  // namespace dtacs
