// SPDX-License-Identifier: Apache-2.0
// A SAFE product whose two metadata documents are the input, cut at its first zero byte,
// around bands that are there: everything open_product() makes of them.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "io/host/failure.h"
#include "io/host/product.h"
#include "tests/fuzz/target.h"
#include "tests/host/jp2_maker.h"

namespace dtacs::fuzz {
namespace {

class Tree {
 public:
  Tree() {
    const char* shm = "/dev/shm";
    path_ = (std::filesystem::is_directory(shm) ? std::string(shm) : std::filesystem::temp_directory_path().string()) +
            "/dtacs-fuzz-XXXXXX";
    require(mkdtemp(path_.data()) != nullptr, "a folder of its own");
    granule_ = path_ + "/GRANULE/L1C_T31TDH_A000463_20150726T105026";
    std::filesystem::create_directories(granule_ + "/IMG_DATA");
    for (const char* band : {"B02", "B8A"})
      std::ofstream(granule_ + "/IMG_DATA/T31TDH_20150726T105026_" + band + ".jp2", std::ios::binary)
          << test::Jp2Maker{.width = band[1] == '0' ? 120 : 60, .height = band[1] == '0' ? 120 : 60}.file();
  }
  ~Tree() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  void set(std::string_view product, std::string_view tile) const {
    std::ofstream(path_ + "/MTD_MSIL1C.xml", std::ios::binary) << product;
    std::ofstream(granule_ + "/MTD_TL.xml", std::ios::binary) << tile;
  }

 private:
  std::string path_, granule_;
};

}  // namespace

DTACS_FUZZ_TARGET(safe) {
  static const Tree tree;
  const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
  const std::size_t cut = std::min(text.find('\0'), text.size());
  tree.set(text.substr(0, cut), text.substr(std::min(cut + 1, text.size())));
  try {
    const std::unique_ptr<Product> product = open_product(tree.path());
    for (const BandInfo& b : product->info().bands)
      require(b.band >= 0 && b.band < kBandCount && b.width > 0 && b.height > 0, "bands of some size");
    require(product->info().quantification >= 1, "a quantification to divide by");
  } catch (const Failure& e) {
    require(std::string_view(e.what()).find('\n') == std::string_view::npos, "one line");
  }
}

}  // namespace dtacs::fuzz
