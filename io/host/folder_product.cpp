// SPDX-License-Identifier: Apache-2.0
// Folders that hold the band files themselves.
//
// AWS: tiles/31/T/DH/2015/7/26/0/{B01..B12.jp2, metadata.xml, tileInfo.json}.  metadata.xml
// is the tile's; quantification and offsets stand in the product's, which AWS keeps
// elsewhere and which is used when it lies beside the bands under any name.
//
// Loose: files that end in _B02.jp2 and the like.  Place and size come from the files,
// tile and time from their names; metadata beside them counts where its names are of the same tile and time.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>

#include "io/host/failure.h"
#include "io/host/jp2_product.h"
#include "io/host/list_folder.h"
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

// "2015-07-26T10:50:26Z" -> days since 1970.
std::optional<int> day_of(const std::string& time) {
  int y = 0;
  unsigned m = 0, d = 0;
  if (std::sscanf(time.c_str(), "%4d-%2u-%2u", &y, &m, &d) != 3) return std::nullopt;
  const std::chrono::year_month_day day = std::chrono::year(y) / std::chrono::month(m) / std::chrono::day(d);
  return day.ok() ? std::optional(static_cast<int>(std::chrono::sys_days(day).time_since_epoch().count()))
                  : std::nullopt;
}

// What the names of a scene's files say of it.  Days are those of sensing or, in the long names of old, of processing.
struct SceneName {
  std::set<std::string> tiles;
  std::set<int> days;

  void add(const std::string& name, const std::string& time) {
    if (const std::string tile = tile_in_name(name); !tile.empty()) tiles.insert(tile);
    for (const std::string& t : {time, time_in_name(name)})
      if (const std::optional<int> day = day_of(t)) days.insert(*day);
  }
};

bool may_be_one(const SceneName& a, const SceneName& b) {
  const auto share = [](const auto& x, const auto& y, auto same) {
    const auto in_y = [&](const auto& v) {
      return std::any_of(y.begin(), y.end(), [&](const auto& w) { return same(v, w); });
    };
    return x.empty() || y.empty() || std::any_of(x.begin(), x.end(), in_y);
  };
  // Image names tell when a pass began, which may be the day before.
  return share(a.tiles, b.tiles, std::equal_to{}) &&
         share(a.days, b.days, [](int x, int y) { return std::abs(x - y) <= 1; });
}

struct Documents {
  std::optional<ProductMetadata> product;
  std::optional<TileMetadata> tile;
  std::string passed_over;  // of each kind one of another scene, where there is none of this one
};

// Those of the scene that the bands are of, by names: a folder may hold several scenes, or what was left of another.
Documents find_documents(const std::string& folder, const std::vector<BandFile>& bands) {
  Documents found;
  std::string tile_path, product_path, other_tile, other_product;
  const auto keep = [](auto& slot, std::string& slot_path, auto document, const std::string& path) {
    if (slot)
      throw Failure(Exit::usage, path + ": metadata of the same scene as " + fs::path(slot_path).filename().string() +
                                     "; leave one of the two in the folder");
    slot = std::move(document);
    slot_path = path;
  };
  SceneName scene;
  for (const BandFile& b : bands) scene.add(fs::path(b.path).stem().string(), "");
  std::vector<std::string> products;
  for (const fs::path& p : list_folder(folder)) {
    if (p.extension() != ".xml" || !fs::is_regular_file(p)) continue;
    const std::string path = p.string();
    const MetadataKind kind = metadata_kind(path);
    if (kind == MetadataKind::product) products.push_back(path);
    if (kind != MetadataKind::tile) continue;
    TileMetadata tile = read_tile_metadata(path);
    SceneName name;
    name.add(tile.id, tile.sensing_time);
    if (may_be_one(name, scene))
      keep(found.tile, tile_path, std::move(tile), path);
    else
      other_tile = path;
  }
  if (found.tile) scene.add(found.tile->id, found.tile->sensing_time);
  for (const std::string& path : products) {
    ProductMetadata product = read_product_metadata(path);
    SceneName name;
    for (const std::string& image : product.images) name.add(image, "");
    if (may_be_one(name, scene))
      keep(found.product, product_path, std::move(product), path);
    else
      other_product = path;
  }
  if (!found.tile) found.passed_over = other_tile;
  if (!found.product && !other_product.empty())
    found.passed_over += (found.passed_over.empty() ? "" : ", ") + other_product;
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
  const std::string first = fs::path(bands[0].path).stem().string();
  for (const BandFile& b : bands) {
    const std::string name = fs::path(b.path).stem().string();
    for (const auto& part : {tile_in_name, time_in_name})
      if (!part(name).empty() && !part(first).empty() && part(name) != part(first))
        throw Failure(Exit::usage, b.path + ": of another scene than " + fs::path(bands[0].path).filename().string() +
                                       "; say which by a part of the name (--granule)");
  }
  const Documents documents = find_documents(folder, bands);
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
  info.passed_over = documents.passed_over;
  if (info.name.empty()) info.name = fs::canonical(folder).filename().string();
  if (info.tile_id.empty()) info.tile_id = tile_in_name(first);
  if (info.sensing_time.empty()) info.sensing_time = time_in_name(first);
  describe_bands(bands, documents.tile, add_offset, info);
  return std::make_unique<Jp2Product>(std::move(info));
}

}  // namespace dtacs
