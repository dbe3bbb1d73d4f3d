// SPDX-License-Identifier: Apache-2.0
// Folders that hold the band files themselves.
//
// AWS: tiles/31/T/DH/2015/7/26/0/{B01..B12.jp2, metadata.xml, tileInfo.json}.  metadata.xml
// is the tile's; quantification and offsets stand in the product's, which AWS keeps
// elsewhere and which is used when it lies beside the bands under any name.
//
// Loose: files that end in _B02.jp2 and the like.  Place and size come from the files,
// tile and time from their names.
#include <algorithm>
#include <filesystem>
#include <optional>

#include "io/host/failure.h"
#include "io/host/jp2_product.h"
#include "io/host/product_layouts.h"
#include "io/host/s2_metadata.h"

namespace dtacs {
namespace fs = std::filesystem;
namespace {

// "T31TDH_20150726T105026_B02" -> "2015-07-26T10:50:26Z"; "" without such a part.
std::string time_in_name(const std::string& name) {
  const std::string shape =
      "dddddddd"
      "T"
      "dddddd";
  for (std::size_t at = 0; at + shape.size() <= name.size(); ++at) {
    const std::string s = name.substr(at, shape.size());
    const bool fits = std::equal(s.begin(), s.end(), shape.begin(),
                                 [](char c, char want) { return want == 'd' ? c >= '0' && c <= '9' : c == want; });
    if (fits)
      return s.substr(0, 4) + "-" + s.substr(4, 2) + "-" + s.substr(6, 5) + ":" + s.substr(11, 2) + ":" +
             s.substr(13, 2) + "Z";
  }
  return "";
}

struct Documents {
  std::optional<ProductMetadata> product;
  std::optional<TileMetadata> tile;
};

Documents find_documents(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->is_regular_file(error) && it->path().extension() == ".xml") paths.push_back(it->path().string());
  std::sort(paths.begin(), paths.end());
  Documents found;
  for (const std::string& p : paths) {
    const MetadataKind kind = metadata_kind(p);
    if (kind == MetadataKind::product && !found.product) found.product = read_product_metadata(p);
    if (kind == MetadataKind::tile && !found.tile) found.tile = read_tile_metadata(p);
  }
  return found;
}

}  // namespace

std::unique_ptr<Product> open_band_folder(const std::string& folder, const ProductHints& hints) {
  const std::vector<BandFile> bands = find_bands(folder, {}, hints.granule);
  if (bands.empty() && !hints.granule.empty())
    throw Failure(Exit::usage, folder + ": no image of a band with " + hints.granule + " in its name");
  if (bands.empty())
    throw Failure(
        Exit::missing_input,
        folder + ": no product in this folder: neither MTD_MSIL1C.xml nor images of bands (B02.jp2, *_B02.jp2)");
  const Documents documents = find_documents(folder);
  ProductInfo info;
  info.path = folder;
  info.layout = documents.tile ? "AWS" : "JP2 folder";
  if (documents.tile) {
    info.sensing_time = documents.tile->sensing_time;
    describe_from_tile_id(documents.tile->id, info);
  }
  std::array<int, kBandCount> add_offset{};
  if (documents.product) {
    describe_from(*documents.product, info);
    add_offset = documents.product->add_offset;
  }
  if (info.name.empty()) info.name = fs::canonical(folder).filename().string();
  const std::string first = fs::path(bands[0].path).stem().string();
  for (const BandFile& b : bands) {
    const std::string name = fs::path(b.path).stem().string();
    for (const auto& part : {tile_in_name, time_in_name})
      if (!part(name).empty() && !part(first).empty() && part(name) != part(first))
        throw Failure(Exit::usage, b.path + ": of another scene than " + fs::path(bands[0].path).filename().string() +
                                       "; say which by a part of the name (--granule)");
  }
  if (info.tile_id.empty()) info.tile_id = tile_in_name(first);
  if (info.sensing_time.empty()) info.sensing_time = time_in_name(first);
  describe_bands(bands, documents.tile, add_offset, info);
  return std::make_unique<Jp2Product>(std::move(info));
}

}  // namespace dtacs
