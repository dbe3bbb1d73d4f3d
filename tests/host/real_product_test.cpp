// SPDX-License-Identifier: Apache-2.0
// Products as ESA and others made them.
#include <doctest/doctest.h>

#include <cstdlib>

#include "io/host/product.h"
#include "io/host/s2_metadata.h"
#include "tests/host/temp_folder.h"
#include "tests/support/shared_data.h"

namespace dtacs::test {
namespace {

std::vector<std::uint16_t> read_window(const Product& product, int index, const PixelWindow& window) {
  const auto reader = product.open_band(index, {.window = window});
  std::vector<std::uint16_t> out(static_cast<std::size_t>(reader->width()) *
                                 static_cast<std::size_t>(reader->height()));
  const int first = reader->height() / 3;
  reader->read_rows(first, out.data(), reader->width());
  reader->read_rows(reader->height() - first, out.data() + static_cast<std::ptrdiff_t>(first) * reader->width(),
                    reader->width());
  return out;
}

// Every band whole and in a window; whole ones against GDAL, where it is installed, within
// one DN: these copies have 9/7 wavelets, where decoders may differ by rounding.
void check_pixels(const Product& product) {
  const TempFolder folder;
  const bool gdal = has_command("gdal_translate");
  if (!gdal) note_skipped("pixels against GDAL: gdal_translate is not installed");
  for (std::size_t i = 0; i < product.info().bands.size(); ++i) {
    const BandInfo& band = product.info().bands[i];
    CAPTURE(band.path);
    const auto whole = read_window(product, static_cast<int>(i), {});
    REQUIRE(whole.size() == static_cast<std::size_t>(band.width) * static_cast<std::size_t>(band.height));
    const PixelWindow w{band.width / 3, band.height / 4, band.width / 2, band.height / 2};
    const auto part = read_window(product, static_cast<int>(i), w);
    REQUIRE(part.size() == static_cast<std::size_t>(w.width) * static_cast<std::size_t>(w.height));
    int wrong = 0;
    for (int y = 0; y < w.height; ++y)
      for (int x = 0; x < w.width; ++x)
        wrong += part[static_cast<std::size_t>(y * w.width + x)] !=
                 whole[static_cast<std::size_t>((w.y + y) * band.width + w.x + x)];
    CHECK(wrong == 0);
    if (!gdal) continue;
    output_of("gdal_translate -q -of ENVI -ot UInt16 '" + band.path + "' " + folder / "band.img");
    const auto theirs =
        open_product(folder / "band.img", {.raw_header = std::string("bands=") + kBandNames[band.band]});
    const auto expected = read_window(*theirs, 0, {});
    REQUIRE(expected.size() == whole.size());
    int far = 0;
    for (std::size_t k = 0; k < whole.size(); ++k) far += std::abs(whole[k] - expected[k]) > 1;
    CHECK(far == 0);
  }
}

}  // namespace

TEST_CASE("real product: metadata without and with RADIO_ADD_OFFSET") {
  DTACS_NEEDS_DATA("metadata");
  const ProductMetadata before = read_product_metadata(shared_data("metadata/S2A_N0209/MTD_MSIL1C.xml"));
  CHECK(before.name == "S2A_MSIL1C_20200717T221941_N0209_R029_T01LAC_20200717T234135.SAFE");
  CHECK((before.level == "L1C" && before.baseline == "02.09" && before.spacecraft == "Sentinel-2A"));
  CHECK(before.sensing_time == "2020-07-17T22:19:41.024Z");
  CHECK(before.quantification == 10000);
  CHECK((before.no_data == 0 && before.saturated == 65535));
  CHECK(before.images.size() == 14);
  CHECK(before.images[8] == "T01LAC_20200717T221941_B8A");
  for (const int offset : before.add_offset) CHECK(offset == 0);
  CHECK(before.offset_known);  // baselines before 04 have none

  const ProductMetadata after = read_product_metadata(shared_data("metadata/S2C_MTD_MSIL1C.xml"));
  CHECK((after.baseline == "99.04" && after.spacecraft == "Sentinel-2C" && after.quantification == 10000));
  for (const int offset : after.add_offset) CHECK(offset == -1000);
  CHECK(after.offset_known);
}

TEST_CASE("real product: every cut of real metadata is refused") {
  DTACS_NEEDS_DATA("metadata");
  const TempFolder folder;
  const std::string whole = get_file(shared_data("metadata/S2C_MTD_MSIL1C.xml"));
  const std::string path = folder / "m.xml";
  for (std::size_t n = 0; n + 10 < whole.size(); n += 997) {
    put_file(path, whole.substr(0, n));
    CHECK_THROWS_AS(read_product_metadata(path), Failure);
  }
}

TEST_CASE("real product: the crop of T31TDH, a folder of loose bands") {
  DTACS_NEEDS_DATA("s2/T31TDH");
  const auto product = open_product(shared_data("s2/T31TDH"));
  const ProductInfo& info = product->info();
  CHECK(info.layout == "JP2 folder");
  CHECK((info.tile_id == "T31TDH" && info.sensing_time == "2015-07-26T10:50:26Z"));
  CHECK((info.epsg == 32631 && info.ulx == 399960 && info.uly == 4693200 && info.ground_scale == 1));
  REQUIRE(info.bands.size() == kBandCount);
  for (int b = 0; b < kBandCount; ++b) {
    const BandInfo& band = info.bands[static_cast<std::size_t>(b)];
    CHECK((band.band == b && band.pixel_size == kBandMetres[b] && band.width == 3000 / kBandMetres[b]));
  }
  check_pixels(*product);
  if (!has_command("gdalinfo")) return note_skipped("the place against GDAL: gdalinfo is not installed");
  const std::string said = output_of("gdalinfo '" + info.bands[1].path + "'");
  CHECK(said.find("Origin = (399960.000000000000000,4693200.000000000000000)") != std::string::npos);
  CHECK(said.find("ID[\"EPSG\",32631]]\n") != std::string::npos);
}

TEST_CASE("real product: two SAFE products with decimated images") {
  DTACS_NEEDS_DATA("s2");
  if (!has_command("unzip")) return note_skipped("needs unzip, which is not installed");
  struct Expected {
    const char *name, *tile, *time;
    int epsg;
    double ulx, uly, scale;
    int size10, size20, size60;
  };
  // Decimated by 64 and by 25.01, as gdalinfo says of the images too.
  for (const Expected& e :
       {Expected{"S2A_MSIL1C_20171207T002051_N0206_R116_T55JEJ_20171207T032513", "T55JEJ", "2017-12-07T00:22:52.127Z",
                 32755, 499980, 6900040, 64, 172, 86, 29},
        Expected{"S2A_MSIL1C_20180629T000241_N0206_R030_T56JMM_20180629T012042", "T56JMM", "2018-06-29T00:02:41.461Z",
                 32756, 399960, 6700000, 10980.0 / 439, 439, 219, 73}}) {
    CAPTURE(e.name);
    const TempFolder folder;
    output_of("unzip -q '" + shared_data(std::string("s2/") + e.name + ".zip") + "' -d " + folder.path());
    const auto product = open_product(folder.path());
    const ProductInfo& info = product->info();
    CHECK(info.layout == "SAFE compact");
    CHECK(info.name == std::string(e.name) + ".SAFE");
    CHECK((info.level == "L1C" && info.baseline == "02.06" && info.spacecraft == "Sentinel-2A"));
    CHECK(info.tile_id == e.tile);
    CHECK(info.sensing_time == e.time);
    CHECK((info.epsg == e.epsg && info.ulx == e.ulx && info.uly == e.uly));
    CHECK((info.quantification == 10000 && info.quantification_known && info.offset_known));
    // The whole tile in fewer pixels.
    CHECK(info.ground_scale == doctest::Approx(e.scale));
    REQUIRE(info.bands.size() == kBandCount);
    for (int b = 0; b < kBandCount; ++b) {
      const BandInfo& band = info.bands[static_cast<std::size_t>(b)];
      const int size = kBandMetres[b] == 10 ? e.size10 : kBandMetres[b] == 20 ? e.size20 : e.size60;
      CHECK((band.band == b && band.pixel_size == kBandMetres[b] && band.width == size && band.height == size));
      CHECK(band.add_offset == 0);
    }
    check_pixels(*product);
  }
}

}  // namespace dtacs::test
