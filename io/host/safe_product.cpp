// SPDX-License-Identifier: Apache-2.0
// SAFE folders: one tile (compact, since December 2016) or several (before).
//
//   S2A_MSIL1C_*.SAFE/MTD_MSIL1C.xml                    S2A_OPER_PRD_MSIL1C_*.SAFE/S2A_OPER_MTD_SAFL1C_*.xml
//     GRANULE/L1C_T31TDH_*/MTD_TL.xml GRANULE/S2A_OPER_MSI_L1C_TL_*_T31TDH_N02.04/S2A_OPER_MTD_L1C_TL_*.xml
//     GRANULE/L1C_T31TDH_*/IMG_DATA/T31TDH_*_B02.jp2      GRANULE/.../IMG_DATA/S2A_OPER_MSI_L1C_TL_*_T31TDH_B02.jp2
//
// Images are found in the tile's IMG_DATA and nowhere else, whatever path the metadata
// writes: its list only decides between two files of one band.
#include <filesystem>
#include <optional>

#include "io/host/failure.h"
#include "io/host/jp2_product.h"
#include "io/host/list_folder.h"
#include "io/host/product_layouts.h"
#include "io/host/s2_metadata.h"

namespace dtacs {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> list_granules(const std::string& root) {
  std::vector<std::string> names;
  for (const fs::path& p : list_folder(root + "/GRANULE"))
    if (fs::is_directory(p)) names.push_back(p.filename().string());
  return names;
}

std::string joined(const std::vector<std::string>& granules) {
  std::string out;
  for (const std::string& g : granules) {
    const std::string tile = tile_in_name(g);
    out += (out.empty() ? "" : ", ") + (tile.empty() ? g : tile);
  }
  return out;
}

std::string choose_granule(const std::string& root, const std::string& hint) {
  const std::vector<std::string> all = list_granules(root);
  if (all.empty()) throw Failure(Exit::missing_input, root + "/GRANULE: no tile in this folder");
  std::vector<std::string> fitting;
  for (const std::string& g : all)
    if (g.find(hint) != std::string::npos) fitting.push_back(g);
  if (fitting.empty()) throw Failure(Exit::usage, root + ": no tile " + hint + "; there are " + joined(all));
  if (fitting.size() > 1)
    throw Failure(Exit::usage, root + ": several tiles, choose one with --granule: " + joined(fitting));
  return fitting[0];
}

std::optional<TileMetadata> find_tile_metadata(const std::string& granule_folder) {
  for (const fs::path& p : list_folder(granule_folder))
    if (p.extension() == ".xml" && fs::is_regular_file(p) && metadata_kind(p.string()) == MetadataKind::tile)
      return read_tile_metadata(p.string());
  return std::nullopt;
}

}  // namespace

std::unique_ptr<Product> open_safe(const std::string& root, const std::string& metadata, const ProductHints& hints) {
  const ProductMetadata product = read_product_metadata(metadata);
  const std::string granule = choose_granule(root, hints.granule);
  const std::string folder = root + "/GRANULE/" + granule;
  const std::optional<TileMetadata> tile = find_tile_metadata(folder);

  ProductInfo info;
  info.path = root;
  // The long names of the old layout are the granules' too.
  info.layout = granule.find("_OPER_") == std::string::npos ? "SAFE compact" : "SAFE multi-tile";
  info.tile_id = tile_in_name(granule);
  if (tile) info.sensing_time = tile->sensing_time;
  describe_from(product, info);
  describe_from_tile_id(tile ? tile->id : granule, info);
  if (info.name.empty()) info.name = fs::canonical(root).filename().string();
  const std::vector<BandFile> bands = find_bands(folder + "/IMG_DATA", product.images, "");
  if (bands.empty())
    throw Failure(Exit::missing_input, folder + "/IMG_DATA: no image of a band (such as *_B02.jp2) in it");
  describe_bands(bands, tile, product.add_offset, info);
  return std::make_unique<Jp2Product>(std::move(info));
}

}  // namespace dtacs
