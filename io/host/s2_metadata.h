// SPDX-License-Identifier: Apache-2.0
// The two metadata documents of a Level-1C product, in every version since 2015:
// one of the product (MTD_MSIL1C.xml, S2A_OPER_MTD_SAFL1C_*.xml) and one per tile
// (MTD_TL.xml, S2A_OPER_MTD_L1C_TL_*.xml, AWS's metadata.xml).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "io/host/product.h"

namespace dtacs {

struct ProductMetadata {
  std::string name;          // PRODUCT_URI
  std::string level;         // "L1C"
  std::string baseline;      // "02.04"
  std::string spacecraft;    // "Sentinel-2A"
  std::string sensing_time;  // ISO 8601
  std::optional<double> quantification;
  std::array<int, kBandCount> add_offset{};
  bool offset_known = false;  // listed, or of a baseline before 04, which adds none
  int no_data = 0, saturated = 65535;
  std::vector<std::string> images;  // names without folder and extension, of all granules
};

struct TileMetadata {
  std::string path;          // of the document, for messages
  std::string id;            // TILE_ID, the long one
  std::string sensing_time;  // ISO 8601
  int epsg = 0;
  std::optional<double> ulx, uly;
  bool placed() const { return epsg != 0 && ulx && uly; }
  struct Size {
    int resolution = 0, rows = 0, columns = 0;
  };
  std::vector<Size> sizes;
};

// Both throw Failure: missing_input, bad_data for what is no such document, has impossible
// values, offsets for some bands only or two for one, unsupported for products of other levels.
ProductMetadata read_product_metadata(const std::string& path);
TileMetadata read_tile_metadata(const std::string& path);

// What kind of document an XML file is, from its root element alone.
enum class MetadataKind { other, product, tile };
MetadataKind metadata_kind(const std::string& path);

// "S2A_OPER_..._T31TDH_N02.04", "L1C_T31TDH_A000463_...", "T31TDH_20150726T105026_B02" -> "T31TDH"; "" without one.
std::string tile_in_name(const std::string& name);

// What the parts of a tile's long identifier say: fills only what is empty in `info`.
void describe_from_tile_id(const std::string& id, ProductInfo& info);

}  // namespace dtacs
