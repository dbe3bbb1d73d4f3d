// SPDX-License-Identifier: Apache-2.0
#include "io/host/product.h"

#include <doctest/doctest.h>

#include <cmath>

#include "io/host/s2_metadata.h"
#include "tests/host/product_maker.h"
#include "tests/host/temp_folder.h"

namespace dtacs::test {
namespace {

void check_thirteen_bands(const ProductInfo& info, int size) {
  REQUIRE(info.bands.size() == kBandCount);
  for (int b = 0; b < kBandCount; ++b) {
    const BandInfo& band = info.bands[static_cast<std::size_t>(b)];
    CAPTURE(band.path);
    CHECK(band.band == b);
    CHECK(band.pixel_size == kBandMetres[b]);
    CHECK((band.width == size * 10 / kBandMetres[b] && band.height == band.width));
  }
}

std::string band_list(const ProductInfo& info) {
  std::string out;
  for (const BandInfo& b : info.bands) out += std::string(out.empty() ? "" : " ") + kBandNames[b.band];
  return out;
}

}  // namespace

TEST_CASE("product: band names") {
  for (int b = 0; b < kBandCount; ++b) CHECK(band_index(kBandNames[b]) == b);
  CHECK(band_index("b2") == 1);
  CHECK(band_index("2") == 1);
  CHECK(band_index("8a") == 8);
  CHECK(band_index("B9") == 9);
  CHECK(band_index("12") == 12);
  for (const char* none : {"", "B", "B0", "B13", "B00", "TCI", "B8B", "B-1", "BB1", "B001", "B1 "})
    CHECK(band_index(none) == -1);
  for (const char* name : {"B8A", "b8a (865 nm)", "Reflectance B8A", "(B8A), b8a"}) CHECK(band_in_words(name) == 8);
  for (const char* name : {"", "red", "8A", "B02 as B03", "B13", "xB02"}) CHECK(band_in_words(name) == -1);
}

TEST_CASE("product: SAFE compact, by folder, metadata, tile or the folder around it") {
  const TempFolder folder;
  const std::string root = folder / "S2A_TEST.SAFE";
  const std::string granule = ProductMaker{}.write_compact(root);
  for (const std::string& path : {root, root + "/", root + "/MTD_MSIL1C.xml", granule, granule + "/IMG_DATA",
                                  granule + "/IMG_DATA/", granule + "/MTD_TL.xml", folder.path()}) {
    CAPTURE(path);
    const auto product = open_product(path);
    const ProductInfo& info = product->info();
    check_thirteen_bands(info, 120);
    CHECK(info.path == root);
    CHECK(info.layout == "SAFE compact");
    CHECK(info.name == "S2A_MSI_TEST.SAFE");
    CHECK(info.level == "L1C");
    CHECK(info.baseline == "02.06");
    CHECK(info.spacecraft == "Sentinel-2A");
    CHECK(info.sensing_time == "2015-07-26T10:50:30.5Z");
    CHECK(info.tile_id == "T31TDH");
    CHECK(info.epsg == 32631);
    CHECK((info.ulx == 399960 && info.uly == 4700040));
    CHECK(info.ground_scale == 1);
    CHECK(info.quantification == 10000);
    CHECK((info.quantification_known && info.offset_known));
    CHECK((info.no_data == 0 && info.saturated == 65535));
    for (const BandInfo& b : info.bands) CHECK(b.add_offset == 0);
  }
  check_fails(Exit::usage, granule + "|not the granule T32ABC", [&] { open_product(granule, {.granule = "T32ABC"}); });
  std::filesystem::remove(root + "/MTD_MSIL1C.xml");  // images of a scene, then, in a folder of some name
  CHECK(open_product(granule + "/IMG_DATA", {.granule = "20150726"})->info().bands.size() == kBandCount);
}

TEST_CASE("product: each band has its own offset and the product its quantification") {
  const TempFolder folder;
  ProductMaker{.baseline = "05.11", .offsets = true, .quantification = "5000"}.write_compact(folder / "p.SAFE");
  const auto product = open_product(folder / "p.SAFE");
  CHECK(product->info().quantification == 5000);
  CHECK(product->info().baseline == "05.11");
  for (const BandInfo& b : product->info().bands) CHECK(b.add_offset == -1000 - b.band);
}

TEST_CASE("product: a band left out of the offsets once got 0 beside -1000 of the others") {
  const TempFolder folder;
  const ProductMaker maker{.baseline = "05.11", .offsets = true, .bands = {"B02", "B8A"}};
  maker.write_compact(folder / "p.SAFE");
  CHECK(open_product(folder / "p.SAFE")->info().offset_known);  // the list has more bands than the product
  const std::string mtd = folder / "p.SAFE/MTD_MSIL1C.xml";
  for (const char* band : {"0", "3", "12"}) {
    std::string text = maker.product_xml({});
    const std::size_t begin = text.find(std::string("<RADIO_ADD_OFFSET band_id=\"") + band + '"');
    put_file(mtd, text.erase(begin, text.find('>', text.find("</", begin)) + 1 - begin));
    check_fails(Exit::bad_data, mtd + "|RADIO_ADD_OFFSET is missing for " + kBandNames[std::stoi(band)],
                [&] { open_product(folder / "p.SAFE"); });
  }
  std::string twice = maker.product_xml({});
  const std::size_t first = twice.find("<RADIO_ADD_OFFSET");
  put_file(mtd, twice.insert(first, "<RADIO_ADD_OFFSET band_id=\"7\">0</RADIO_ADD_OFFSET>"));
  check_fails(Exit::bad_data, mtd + "|one offset for each band", [&] { open_product(folder / "p.SAFE"); });
}

TEST_CASE("product: no offsets at all were once known ones of 0 in baselines that have them") {
  const TempFolder folder;
  for (const auto& [baseline, known] : {std::pair("03.01", true), std::pair("04.00", false), std::pair("", false)}) {
    ProductMaker{.baseline = baseline}.write_compact(folder / "p.SAFE");
    const auto product = open_product(folder / "p.SAFE");
    CHECK(product->info().quantification_known);
    CHECK(product->info().offset_known == known);
    for (const BandInfo& b : product->info().bands) CHECK(b.add_offset == 0);
  }
}

TEST_CASE("product: missing bands are missing from the list and no error") {
  const TempFolder folder;
  ProductMaker{.bands = {"B12", "B8A", "B05"}}.write_compact(folder / "p.SAFE");
  const auto product = open_product(folder / "p.SAFE");
  CHECK(band_list(product->info()) == "B05 B8A B12");
  for (const BandInfo& b : product->info().bands) CHECK((b.pixel_size == 20 && b.width == 60));
}

TEST_CASE("product: old SAFE with one tile, with several, with a choice") {
  const TempFolder folder;
  const std::string root = folder / "S2A_OPER_PRD_MSIL1C.SAFE";
  ProductMaker{.baseline = "02.04"}.write_multi_tile(root);
  {
    const auto product = open_product(root);
    check_thirteen_bands(product->info(), 120);
    CHECK(product->info().layout == "SAFE multi-tile");
    CHECK(product->info().tile_id == "T31TDH");
    CHECK(product->info().epsg == 32631);
  }
  ProductMaker{.baseline = "02.04", .tile = "T31TCH", .size = 60}.write_multi_tile(root);
  check_fails(Exit::usage, root + "|T31TCH, T31TDH|--granule", [&] { open_product(root); });
  check_fails(Exit::usage, root + "|no tile T32ABC|T31TCH, T31TDH", [&] { open_product(root, {.granule = "T32ABC"}); });
  check_thirteen_bands(open_product(root, {.granule = "T31TCH"})->info(), 60);
  check_thirteen_bands(open_product(root, {.granule = "T31TDH"})->info(), 120);
}

TEST_CASE("product: AWS folder, alone and with the product's metadata beside it") {
  const TempFolder folder;
  const ProductMaker maker{.baseline = "04.00", .offsets = true};
  maker.write_bands(folder / "0/");
  put_file(folder / "0/metadata.xml", maker.tile_xml());
  put_file(folder / "0/tileInfo.json", "{}");
  {
    const auto product = open_product(folder / "0", {.granule = "T31TDH"});
    const ProductInfo& info = product->info();
    check_thirteen_bands(info, 120);
    CHECK(info.layout == "AWS");
    CHECK(info.tile_id == "T31TDH");
    CHECK(info.baseline == "04.00");  // from the tile's identifier
    CHECK(info.spacecraft == "Sentinel-2A");
    CHECK(info.sensing_time == "2015-07-26T10:50:30.5Z");
    CHECK((info.epsg == 32631 && info.ulx == 399960));
    CHECK_FALSE((info.quantification_known || info.offset_known));
    CHECK(info.quantification == 10000);
    for (const BandInfo& b : info.bands) CHECK(b.add_offset == 0);
  }
  put_file(folder / "0/productMetadata.xml", maker.product_xml({}));
  const auto product = open_product(folder / "0/metadata.xml");
  CHECK((product->info().quantification_known && product->info().offset_known));
  CHECK(product->info().name == "S2A_MSI_TEST.SAFE");
  for (const BandInfo& b : product->info().bands) CHECK(b.add_offset == -1000 - b.band);
}

TEST_CASE("product: metadata of another scene in the folder were once applied") {
  const TempFolder folder;
  const auto put = [&](const std::string& stem, const ProductMaker& maker) {
    maker.write_bands(folder / (stem + "_"));
    put_file(folder / (stem + "_product.xml"), maker.product_xml({"GRANULE/x/IMG_DATA/" + stem + "_B02"}));
  };
  put("T31TDH_20150726T105026", {.bands = {"B02", "B8A"}});
  put("T31TDH_20220103T105026", {.baseline = "04.00", .offsets = true, .bands = {"B02", "B8A"}});
  put("T32TQM_20220103T105026", {.baseline = "04.00", .bands = {"B02", "B8A"}});
  const auto offset = [&](const char* granule) {
    const auto product = open_product(folder.path(), {.granule = granule});
    CHECK(product->info().quantification_known);
    return product->info().bands[0].add_offset;
  };
  CHECK(offset("2015") == 0);
  CHECK(offset("T31TDH_2022") == -1001);
  CHECK(offset("T32TQM") == 0);
  // Of a tile, its place: the one that was read is of another.
  put_file(folder / "metadata.xml", ProductMaker{}.tile_xml());
  CHECK(open_product(folder.path(), {.granule = "T31TDH_2015"})->info().epsg == 32631);
  CHECK(open_product(folder.path(), {.granule = "T31TDH_2022"})->info().epsg == 0);
  const auto elsewhere = open_product(folder.path(), {.granule = "T32TQM"});
  CHECK(elsewhere->info().epsg == 0);
  CHECK(elsewhere->info().passed_over == folder / "metadata.xml");  // once passed over without a word
  put_file(folder / "copy.xml", get_file(folder / "T32TQM_20220103T105026_product.xml"));
  check_fails(Exit::usage, "copy.xml|same scene as T32TQM_20220103T105026_product.xml", [&] { offset("T32TQM"); });
  std::filesystem::remove(folder / "copy.xml");
  std::filesystem::remove(folder / "T31TDH_20220103T105026_product.xml");
  const auto left = open_product(folder.path(), {.granule = "T31TDH_2022"});
  CHECK_FALSE((left->info().quantification_known || left->info().offset_known));
  CHECK(left->info().passed_over.starts_with(folder / "metadata.xml, "));
  CHECK(left->info().passed_over.ends_with("_product.xml"));
  CHECK(open_product(folder.path(), {.granule = "2015"})->info().passed_over.empty());
}

TEST_CASE("product: masks named after a band are no bands") {
  const TempFolder folder;
  put_file(folder / "T31TDH_20150726T105026_B02.jp2", Jp2Maker{.width = 60, .height = 60}.file());
  for (const char* mask : {"MSK_DETFOO_B02", "MSK_QUALIT_B03", "msk_detfoo_B04"})
    put_file(folder / (std::string(mask) + ".jp2"), Jp2Maker{.width = 60, .height = 60, .bits = 8}.file());
  CHECK(band_list(open_product(folder.path())->info()) == "B02");
  CHECK(band_list(open_product(folder.path(), {.granule = "T31"})->info()) == "B02");
}

TEST_CASE("product: loose bands are placed by their own boxes and named by their files") {
  const TempFolder folder;
  for (const auto& [band, n] : {std::pair("B02", 300), std::pair("B8A", 150), std::pair("B01", 50)})
    put_file(folder / (std::string("T31TDH_20150726T105026_") + band + ".jp2"),
             Jp2Maker{.width = n, .height = n, .gml = gml_grid(32631, 399960, 4693200, 3000.0 / n)}.file());
  put_file(folder / "T31TDH_20150726T105026_TCI.jp2", "no image, never looked at");
  const auto product = open_product(folder.path());
  const ProductInfo& info = product->info();
  CHECK(info.layout == "JP2 folder");
  CHECK(info.tile_id == "T31TDH");
  CHECK(info.sensing_time == "2015-07-26T10:50:26Z");
  CHECK((info.epsg == 32631 && info.ulx == 399960 && info.uly == 4693200 && info.ground_scale == 1));
  CHECK(band_list(info) == "B01 B02 B8A");
  CHECK((info.bands[0].pixel_size == 60 && info.bands[1].pixel_size == 10 && info.bands[2].pixel_size == 20));
  CHECK(info.level == "");
  CHECK_FALSE((info.quantification_known || info.offset_known));

  put_file(folder / "T31TDH_20160101T105026_B02.jp2", Jp2Maker{.width = 30, .height = 30}.file());
  check_fails(Exit::usage, "T31TDH_20160101T105026_B02.jp2|second B02|--granule", [&] { open_product(folder.path()); });
  CHECK(open_product(folder.path(), {.granule = "2016"})->info().bands.size() == 1);
  check_fails(Exit::usage, "2031", [&] { open_product(folder.path(), {.granule = "2031"}); });
}

TEST_CASE("product: bands of different scenes were once read as one") {
  const TempFolder folder;
  const auto put = [&](const std::string& where, const char* band, int n, int epsg, double x, double y, double dx) {
    put_file(folder / (where + "/" + band + ".jp2"),
             Jp2Maker{.width = n, .height = n, .gml = gml_grid(epsg, x, y, dx)}.file());
  };
  for (const char* where : {"zone", "east", "north", "cut", "near"}) put(where, "B02", 60, 32631, 399960, 4693200, 10);
  put("zone", "B03", 60, 32632, 399960, 4693200, 10);
  put("east", "B03", 60, 32631, 399970, 4693200, 10);
  put("north", "B01", 10, 32631, 399960, 4693140, 60);
  put("cut", "B01", 10, 32631, 399930, 4693240, 60);  // by coordinates: whole pixels, which once came out 40 m off
  put("near", "B01", 10, 32631, 399958, 4693203, 60);
  check_fails(Exit::bad_data, "zone/B03.jp2|EPSG:32632|B02|EPSG:32631", [&] { open_product(folder / "zone"); });
  check_fails(Exit::bad_data, "east/B03.jp2|399970|399960", [&] { open_product(folder / "east"); });
  check_fails(Exit::bad_data, "north/B01.jp2|4693140|4693200", [&] { open_product(folder / "north"); });
  check_fails(Exit::bad_data, "cut/B01.jp2|399930, 4693240|--window", [&] { open_product(folder / "cut"); });
  CHECK(open_product(folder / "near")->info().bands.size() == 2);

  const std::string bare = Jp2Maker{.width = 60, .height = 60}.file();
  for (const char* other : {"T32TQM_20150726T105026_B03", "T31TDH_20190101T105026_B03"}) {
    const std::string where = std::string("named_") + other;
    put_file(folder / (where + "/T31TDH_20150726T105026_B02.jp2"), bare);
    put_file(folder / (where + "/" + other + ".jp2"), bare);
    check_fails(Exit::usage, std::string(other) + "|another scene|--granule", [&] { open_product(folder / where); });
  }
}

TEST_CASE("product: pixel sizes follow the images where bands were resampled or decimated") {
  const TempFolder folder;
  const auto put = [&](const std::string& where, const char* band, int n, double dx) {
    Jp2Maker maker{.width = n, .height = n};
    if (dx > 0) maker.gml = gml_grid(32631, 0, 4000000, dx);
    put_file(folder / (where + "/" + band + ".jp2"), maker.file());
  };
  const auto open = [&](const std::string& where) { return open_product(folder / where)->info(); };
  for (const char* b : {"B01", "B02", "B05"}) put("all10", b, 300, 10);
  for (const char* b : {"B01", "B02", "B05"}) put("all20", b, 300, 20);
  for (const char* b : {"B01", "B02", "B05"}) put("bare", b, 300, 0);
  for (const BandInfo& b : open("all10").bands) CHECK(b.pixel_size == 10);
  for (const BandInfo& b : open("all20").bands) CHECK(b.pixel_size == 20);
  for (const BandInfo& b : open("bare").bands) CHECK(b.pixel_size == 10);
  CHECK(open("all20").ground_scale == 1);

  put("decimated", "B02", 439, 109800.0 / 439);
  put("decimated", "B05", 219, 109800.0 / 219);
  put("decimated", "B01", 73, 109800.0 / 73);
  const ProductInfo d = open("decimated");
  CHECK((d.bands[0].pixel_size == 60 && d.bands[1].pixel_size == 10 && d.bands[2].pixel_size == 20));
  CHECK(d.ground_scale == doctest::Approx(10980.0 / 439));

  put("wrong", "B02", 300, 10);
  put("wrong", "B05", 149, 20);
  check_fails(Exit::bad_data, "wrong/B05.jp2|149 x 149|300 x 300 of B02", [&] { open("wrong"); });
}

TEST_CASE("product: a cropped image is placed by itself, not by the metadata of the whole") {
  const TempFolder folder;
  ProductMaker maker{.bands = {"B03"}};
  const std::string granule = maker.write_compact(folder / "p.SAFE");
  const std::string band = granule + "/IMG_DATA/T31TDH_20150726T105026_B03.jp2";
  // As large as the metadata says, and there to less than a pixel: the metadata counts.
  put_file(band, Jp2Maker{.width = 120, .height = 120, .gml = gml_grid(32631, 399963, 4700033, 10)}.file());
  const ProductInfo whole = open_product(folder / "p.SAFE")->info();
  CHECK((whole.epsg == 32631 && whole.ulx == 399960 && whole.uly == 4700040));
  put_file(band, Jp2Maker{.width = 50, .height = 40, .gml = gml_grid(32631, 400160, 4699000, 10)}.file());
  const auto product = open_product(folder / "p.SAFE");
  CHECK((product->info().ulx == 400160 && product->info().uly == 4699000 && product->info().ground_scale == 1));
  // Without a place of its own it once got the corner of the whole, wherever it was cropped.
  put_file(band, Jp2Maker{.width = 50, .height = 40}.file());
  CHECK(open_product(folder / "p.SAFE")->info().epsg == 0);
}

TEST_CASE("product: tile metadata without corner or sizes once placed images, at 0, 0 or wherever they were cropped") {
  const TempFolder folder;
  const std::string granule = ProductMaker{.bands = {"B03"}}.write_compact(folder / "p.SAFE");
  const std::string mtd = granule + "/MTD_TL.xml", text = get_file(mtd);
  CHECK(open_product(folder / "p.SAFE")->info().epsg == 32631);
  for (const std::string name : {"ULX", "ULY", "Size"}) {
    CAPTURE(name);
    std::string without = text;
    for (std::size_t at = 0; (at = without.find("<" + name, at)) != std::string::npos;)
      without.erase(at, without.find("</" + name + ">", at) + name.size() + 3 - at);
    REQUIRE(without.size() < text.size());
    put_file(mtd, without);
    CHECK(open_product(folder / "p.SAFE")->info().epsg == 0);
  }
  // Without sizes (the last) a place of its own cannot be held against the tile's.
  put_file(granule + "/IMG_DATA/T31TDH_20150726T105026_B03.jp2",
           Jp2Maker{.width = 50, .height = 50, .gml = gml_grid(32631, 400160, 4699000, 10)}.file());
  CHECK(open_product(folder / "p.SAFE")->info().ulx == 400160);
}

TEST_CASE("product: metadata of another tile once moved the images there, as all tiles have one size") {
  const TempFolder folder;
  const std::string granule = ProductMaker{.bands = {"B03"}}.write_compact(folder / "p.SAFE");
  const std::string band = granule + "/IMG_DATA/T31TDH_20150726T105026_B03.jp2";
  const auto open = [&](int width, int epsg, double x, double y, double dx) {
    put_file(band, Jp2Maker{.width = width, .height = width, .gml = gml_grid(epsg, x, y, dx)}.file());
    return open_product(folder / "p.SAFE")->info();
  };
  const auto refused = [&](int width, int epsg, double x, double y, double dx) {
    check_fails(Exit::bad_data,
                band + "|EPSG:" + std::to_string(epsg) + ", " + std::to_string(std::llround(x)) + "|" + granule +
                    "/MTD_TL.xml|EPSG:32631, 399960, 4700040",
                [&] { open(width, epsg, x, y, dx); });
  };
  refused(120, 32632, 399960, 4700040, 10);
  refused(120, 32631, 399970, 4700040, 10);
  refused(120, 32631, 399960, 4700030, 10);
  refused(60, 32631, 499980, 4700040, 20);  // decimated
  refused(50, 32632, 400160, 4699000, 10);  // a crop
  CHECK(open(60, 32631, 399960, 4700040, 20).ulx == 399960);
  CHECK(open(50, 32631, 400160, 4699000, 10).ulx == 400160);
}

TEST_CASE("product: what is no Level-1C product is refused by name") {
  const TempFolder folder;
  const auto refused = [&](Exit exit, const std::string& path, const std::string& words) {
    check_fails(exit, path + "|" + words, [&] { open_product(path); });
  };
  ProductMaker{.level = "2A"}.write_compact(folder / "l2a.SAFE");
  refused(Exit::unsupported, folder / "l2a.SAFE", "Level-2A product, expected Level-1C");
  refused(Exit::unsupported, folder / "l2a.SAFE/MTD_MSIL2A.xml", "Level-2A product");
  put_file(folder / "r10m/T31TDH_20150726T105026_B02_10m.jp2", Jp2Maker{}.file());
  refused(Exit::unsupported, folder / "r10m", "B02_10m.jp2|Level-2A");
  put_file(folder / "p.zarr/.zmetadata", "{}");
  refused(Exit::unsupported, folder / "p.zarr", "Zarr");
  for (const char* name : {"p.zip", "B02.jp2", "p.tif", "p.nc"}) {
    put_file(folder / name, "x");
    refused(Exit::unsupported, folder / name, "");
  }
  put_file(folder / "other.xml", "<gpx/>");
  refused(Exit::unsupported, folder / "other.xml", "not the metadata");
  put_file(folder / "notes.txt", "x");
  refused(Exit::unsupported, folder / "notes.txt", ".hdr");
  refused(Exit::missing_input, folder / "nothing", "no such file or folder");
  std::filesystem::create_directory(folder / "empty");
  refused(Exit::missing_input, folder / "empty", "no product in this folder");
  std::filesystem::create_directories(folder / "g.SAFE/GRANULE");
  refused(Exit::missing_input, folder / "g.SAFE", "no product metadata");
  put_file(folder / "g.SAFE/MTD_MSIL1C.xml", ProductMaker{}.product_xml({}));
  refused(Exit::missing_input, folder / "g.SAFE", "GRANULE: no tile");
  std::filesystem::create_directories(folder / "g.SAFE/GRANULE/L1C_T31TDH_A1/IMG_DATA");
  refused(Exit::missing_input, folder / "g.SAFE", "IMG_DATA: no image of a band");
  check_fails(Exit::usage, "a folder", [&] { open_product(folder / "empty", {.raw_header = "width=1"}); });
  ProductMaker{}.write_compact(folder / "two/a.SAFE");
  ProductMaker{}.write_compact(folder / "two/b.SAFE");
  refused(Exit::usage, folder / "two", "2 products");
}

TEST_CASE("product: damaged images and metadata are named") {
  const TempFolder folder;
  const ProductMaker maker{.bands = {"B02"}};
  const std::string root = folder / "p.SAFE";
  const std::string band = maker.write_compact(root) + "/IMG_DATA/T31TDH_20150726T105026_B02.jp2";
  const auto refused = [&](Exit exit, const std::string& words) {
    check_fails(exit, words, [&] { open_product(root); });
  };
  put_file(band, "");
  refused(Exit::bad_data, band + "|empty");
  put_file(band, Jp2Maker{}.file().substr(0, 50));
  refused(Exit::bad_data, band);
  put_file(band, Jp2Maker{.components = 3}.file());
  refused(Exit::unsupported, band + "|3 component(s)");
  put_file(band, Jp2Maker{.sampling = 2}.file());
  refused(Exit::unsupported, "a sample for every 2 x 2 pixels");
  put_file(band, Jp2Maker{.is_signed = true}.file());
  refused(Exit::unsupported, band + "|signed");
  maker.write_compact(root);

  const std::string mtd = root + "/MTD_MSIL1C.xml";
  const auto with_metadata = [&](const ProductMaker& m, const std::string& words) {
    put_file(mtd, m.product_xml({}));
    refused(Exit::bad_data, mtd + "|" + words);
  };
  with_metadata({.quantification = "0"}, "QUANTIFICATION_VALUE is \"0\"");
  with_metadata({.quantification = "nan"}, "QUANTIFICATION_VALUE");
  with_metadata({.quantification = "10,000"}, "QUANTIFICATION_VALUE");
  with_metadata({.quantification = ""}, "QUANTIFICATION_VALUE");
  with_metadata({.extra = "<RADIO_ADD_OFFSET band_id=\"13\">-1000</RADIO_ADD_OFFSET>"}, "band_id \"13\"");
  with_metadata({.extra = "<RADIO_ADD_OFFSET>-1000</RADIO_ADD_OFFSET>"}, "band_id");
  with_metadata({.extra = "<RADIO_ADD_OFFSET band_id=\"1\">-1e9</RADIO_ADD_OFFSET>"}, "RADIO_ADD_OFFSET");
  with_metadata({.extra = "<unclosed>"}, "line 2");
  put_file(mtd, "<!DOCTYPE x [<!ENTITY a 'b'>]><n1:Level-1C_User_Product/>");
  refused(Exit::bad_data, mtd + "|DOCTYPE");
  put_file(mtd, "<gpx/>");
  refused(Exit::bad_data, mtd + "|<gpx>");
}

TEST_CASE("product: paths in the metadata lead nowhere outside of the tile's folder") {
  const TempFolder folder;
  ProductMaker maker{.bands = {"B02"}};
  maker.write_compact(folder / "p.SAFE");
  put_file(folder / "T31TDH_x_B03.jp2", Jp2Maker{}.file());
  put_file(folder / "p.SAFE/MTD_MSIL1C.xml",
           maker.product_xml({"../T31TDH_x_B03", (folder / "T31TDH_x_B03"), "/etc/passwd"}));
  CHECK(band_list(open_product(folder / "p.SAFE")->info()) == "B02");
}

TEST_CASE("product: of two files for one band the one in the metadata's list counts") {
  const TempFolder folder;
  const std::string granule = ProductMaker{.bands = {"B02"}}.write_compact(folder / "p.SAFE");
  put_file(granule + "/IMG_DATA/Copy_of_B02.jp2", Jp2Maker{.width = 7, .height = 7}.file());
  put_file(granule + "/IMG_DATA/ZZ_B02.jp2", Jp2Maker{.width = 7, .height = 7}.file());
  const auto product = open_product(folder / "p.SAFE");
  REQUIRE(product->info().bands.size() == 1);
  CHECK(product->info().bands[0].width == 120);
}

TEST_CASE("product: identifiers") {
  CHECK(tile_in_name("S2A_OPER_MSI_L1C_TL_EPA__20150726T105026_A000463_T31TDH_N02.04") == "T31TDH");
  CHECK(tile_in_name("L1C_T56JMM_A015757_20180629T000241") == "T56JMM");
  CHECK(tile_in_name("T31TDH") == "T31TDH");
  for (const char* none : {"", "_", "T3TDH_B02", "t31tdh_B02", "xT31TDH", "T31TDHX"}) CHECK(tile_in_name(none) == "");
  ProductInfo info;
  describe_from_tile_id("S2C_OPER_MSI_L1C_TL_2CPS_20241031T102919_A000807_T33TTG_N05.11", info);
  CHECK((info.tile_id == "T33TTG" && info.spacecraft == "Sentinel-2C" && info.baseline == "05.11" &&
         info.level == "L1C"));
}

}  // namespace dtacs::test
