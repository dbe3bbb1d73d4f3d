// SPDX-License-Identifier: Apache-2.0
#include "io/host/product.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "io/host/failure.h"
#include "io/host/file_name.h"
#include "io/host/list_folder.h"
#include "io/host/printable.h"
#include "io/host/product_layouts.h"
#include "io/host/s2_metadata.h"

namespace dtacs {
namespace fs = std::filesystem;
namespace {

bool one_of(const std::string& s, std::initializer_list<const char*> list) {
  return std::any_of(list.begin(), list.end(), [&](const char* each) { return s == each; });
}

// The product's own metadata in a folder, "" without.  Names first: opening every XML of
// a folder is for those that were renamed.
std::string find_product_metadata(const std::vector<fs::path>& entries) {
  for (const fs::path& p : entries) {
    const std::string name = p.filename().string();
    if (p.extension() == ".xml" && (name.starts_with("MTD_MSI") || name.find("_MTD_SAFL") != std::string::npos))
      return p.string();
  }
  for (const fs::path& p : entries)
    if (p.extension() == ".xml" && fs::is_regular_file(p) && metadata_kind(p.string()) == MetadataKind::product)
      return p.string();
  return "";
}

std::unique_ptr<Product> open_folder(const std::string& folder, const ProductHints& hints) {
  const std::vector<fs::path> entries = list_folder(folder);
  const std::string metadata = find_product_metadata(entries);
  if (fs::is_directory(folder + "/GRANULE")) {
    if (metadata.empty())
      throw Failure(Exit::missing_input, folder + ": no product metadata (MTD_MSIL1C.xml) beside GRANULE");
    return open_safe(folder, metadata, hints);
  }
  // One tile of a SAFE, where the user stands inside of it: PRODUCT.SAFE/GRANULE/TILE, or its IMG_DATA.
  const fs::path here = fs::canonical(folder);
  const bool images = here.filename() == "IMG_DATA";
  const fs::path tile = images ? here.parent_path() : here;
  if (tile.parent_path().filename() == "GRANULE" && (images || fs::is_directory(here / "IMG_DATA"))) {
    const fs::path root = tile.parent_path().parent_path();
    const std::string above = find_product_metadata(list_folder(root.string()));
    if (!above.empty() && tile.filename().string().find(hints.granule) == std::string::npos)
      throw Failure(Exit::usage, folder + ": not the granule " + printable(hints.granule));
    if (!above.empty()) return open_safe(root.string(), above, {.granule = tile.filename().string()});
  }
  // Unpacking an archive often leaves one .SAFE in an otherwise empty folder.
  std::vector<fs::path> inside;
  for (const fs::path& p : entries)
    if (p.extension() == ".SAFE" && fs::is_directory(p)) inside.push_back(p);
  if (inside.size() == 1) return open_folder(inside[0].string(), hints);
  if (inside.size() > 1)
    throw Failure(Exit::usage,
                  folder + ": " + std::to_string(inside.size()) + " products in this folder, name one of them");
  for (const char* zarr : {".zmetadata", ".zgroup", "zarr.json"})
    if (fs::exists(folder + "/" + zarr)) throw Failure(Exit::unsupported, folder + ": products in Zarr are not read");
  return open_band_folder(folder, hints);
}

std::unique_ptr<Product> open_file(const std::string& path, const ProductHints& hints) {
  const fs::path p(path);
  const std::string extension = lower(p.extension().string());
  if (!hints.raw_header.empty() || extension == ".hdr") return open_raw(path, hints);
  if (extension == ".xml") {
    const fs::path folder = p.has_parent_path() ? p.parent_path() : fs::path(".");
    switch (metadata_kind(path)) {
      case MetadataKind::product:
        if (fs::is_directory(folder / "GRANULE")) return open_safe(folder.string(), path, hints);
        return open_folder(folder.string(), hints);
      case MetadataKind::tile: return open_folder(folder.string(), hints);
      case MetadataKind::other: break;
    }
    throw Failure(Exit::unsupported, path + ": not the metadata of a Sentinel-2 product");
  }
  if (one_of(extension, {".zip", ".tar", ".tgz", ".gz"}))
    throw Failure(Exit::unsupported, path + ": archives are not read, unpack it and give the folder");
  if (is_jp2_name(path))
    throw Failure(Exit::unsupported, path + ": one image is no product, give the folder with all bands");
  if (one_of(extension, {".tif", ".tiff", ".nc", ".npz", ".h5"}))
    throw Failure(Exit::unsupported, path + ": products in " + extension.substr(1) + " files are not read");
  return open_raw(path, hints);
}

}  // namespace

int band_index(const std::string& name) {
  std::string s = lower(name);
  if (s.starts_with('b')) s.erase(0, 1);
  if (s == "8a") return 8;
  if (s.empty() || s.size() > 2 || !std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return -1;
  const int n = std::stoi(s);
  if (n < 1 || n > 12) return -1;
  return n <= 8 ? n - 1 : n;
}

int band_in_words(std::string_view name) {
  const auto alnum = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  int found = -1;
  for (std::size_t at = 0; at < name.size(); ++at) {
    const std::size_t begin = at;
    while (at < name.size() && alnum(name[at])) ++at;
    const std::string word(name.substr(begin, at - begin));
    const int band = word.starts_with('B') || word.starts_with('b') ? band_index(word) : -1;
    if (band < 0) continue;
    if (found >= 0 && band != found) return -1;
    found = band;
  }
  return found;
}

std::unique_ptr<Product> open_product(const std::string& given, const ProductHints& hints) {
  std::string path = given;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  try {
    if (!fs::exists(path)) throw Failure(Exit::missing_input, path + ": no such file or folder");
    if (!fs::is_directory(path)) return open_file(path, hints);
    if (!hints.raw_header.empty())
      throw Failure(Exit::usage, path + ": a folder, expected the file the raw header describes");
    return open_folder(path, hints);
  } catch (const fs::filesystem_error& e) {  // mostly folders that may not be entered
    throw Failure(Exit::missing_input, e.path1().string() + ": cannot open: " + e.code().message());
  }
}

}  // namespace dtacs
