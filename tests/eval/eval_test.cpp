// SPDX-License-Identifier: Apache-2.0
// `dtacs eval` from files to scores.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "io/host/geotiff.h"
#include "tests/host/jp2_maker.h"
#include "tests/host/temp_folder.h"
#include "tests/host/tiff_maker.h"
#include "tools/eval/eval.h"
#include "tools/run/run.h"

namespace dtacs::test {

using doctest::Approx;

namespace {

const std::string kDemo =
    DTACS_SOURCE_DIR "/tests/data/demo/S2A_MSIL1C_20260621T105031_N0511_R051_T31TDH_20260621T130000.SAFE";
const std::string kTruth = DTACS_SOURCE_DIR "/tests/data/demo/truth";

// Where a tiny raster lies: nowhere, or at a place with pixels of some size.
struct At {
  int epsg = 0;
  double ulx = 0, uly = 0, pixel = 0;
};

void put_codes(const std::string& path, int width, const std::vector<std::uint8_t>& codes, const At& at = {}) {
  GeoTiffWriter w(path, {.width = width,
                         .height = static_cast<int>(codes.size()) / width,
                         .epsg = at.epsg,
                         .ulx = at.ulx,
                         .uly = at.uly,
                         .pixel_size = at.pixel});
  w.write_rows(0, codes.data(), static_cast<int>(codes.size()) / width);
  w.finish();
}

void put_bands(const std::string& path, int width, const std::vector<std::string>& names,
               const std::vector<std::vector<std::uint16_t>>& bands, const At& at = {}) {
  GeoTiffOptions o{.width = width,
                   .height = static_cast<int>(bands[0].size()) / width,
                   .bands = static_cast<int>(bands.size()),
                   .bits = 16,
                   .epsg = at.epsg,
                   .ulx = at.ulx,
                   .uly = at.uly,
                   .pixel_size = at.pixel};
  o.band_names = names;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  GeoTiffWriter w(path, o);
  for (int b = 0; b < o.bands; ++b) w.write_rows(b, bands[static_cast<std::size_t>(b)].data(), o.height);
  w.finish();
}

MaskEvalOptions masks(const std::string& found, const std::string& truth, const std::string& map = "cloudsen12") {
  MaskEvalOptions o;
  o.pairs = {{.found = found, .truth = truth, .mask = {}, .toa = {}}};
  o.found_map = parse_class_map("cloudsen12");
  o.truth_map = parse_class_map(map);
  o.threads = 1;
  return o;
}

ReflectanceEvalOptions bands(const EvalPair& pair) {
  ReflectanceEvalOptions o;
  o.pairs = {pair};
  o.mask_map = parse_class_map("cloudsen12");
  o.threads = 1;
  return o;
}

// The number behind these keys, each looked for behind the one before.
double number_behind(const std::string& json, const std::vector<std::string>& keys) {
  std::size_t at = 0;
  for (const std::string& key : keys) {
    at = json.find("\"" + key + "\":", at);
    REQUIRE_MESSAGE(at != std::string::npos, key);
    at += key.size() + 3;
  }
  return std::stod(json.substr(at));
}

std::string without_blanks(std::string s) {
  std::erase_if(s, [](char c) { return c == ' ' || c == '\n'; });
  return s;
}

void command(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  Args args(static_cast<int>(argv.size()), argv.data());
  eval_command(args);
}

}  // namespace

TEST_CASE("eval: a mask of the 10 m grid against a truth of 20 m that lies elsewhere") {
  const TempFolder folder;
  put_codes(folder / "found.tif", 4,
            {0, 1, 1, 1,    //
             0, 1, 2, 255,  //
             3, 3, 0, 0,    //
             3, 3, 0, 0},
            {32631, 1000, 2000, 10});
  put_codes(folder / "truth.tif", 2, {1, 0, 3, 1}, {32631, 1020, 2000, 20});  // only its left half is covered
  const MaskResult r = eval_masks(masks(folder / "found.tif", folder / "truth.tif"));
  REQUIRE(r.images.size() == 1);
  CHECK(r.pooled.pixels() == 7);
  CHECK(r.pooled.count[1][1] == 2);
  CHECK(r.pooled.count[1][2] == 1);
  CHECK(r.pooled.count[3][0] == 4);

  // The other way round: what was found is coarser.
  const MaskResult swapped = eval_masks(masks(folder / "truth.tif", folder / "found.tif"));
  CHECK(swapped.pooled.count[1][1] == 2);
  CHECK(swapped.pooled.count[2][1] == 1);
  CHECK(swapped.pooled.count[0][3] == 4);

  // Without a place, by size; an odd size has half a coarse pixel at its end.
  put_codes(folder / "bare.tif", 2, {1, 0, 3, 1});
  put_codes(folder / "odd.tif", 3, {1, 1, 0, 1, 1, 0, 3, 3, 1});
  const MaskResult by_size = eval_masks(masks(folder / "odd.tif", folder / "bare.tif"));
  CHECK(by_size.pooled.pixels() == 9);
  CHECK(overall_scores(by_size.pooled).accuracy == 1);
}

TEST_CASE("eval: rasters that cannot be compared") {
  const TempFolder folder;
  const std::vector<std::uint8_t> four = {0, 1, 2, 3};
  put_codes(folder / "a.tif", 2, four, {32631, 1000, 2000, 10});
  put_codes(folder / "zone.tif", 2, four, {32632, 1000, 2000, 10});
  put_codes(folder / "far.tif", 2, four, {32631, 1020, 2000, 10});
  put_codes(folder / "shifted.tif", 2, four, {32631, 1005, 2000, 10});
  put_codes(folder / "scaled.tif", 2, four, {32631, 1000, 2000, 15});
  put_codes(folder / "wide.tif", 3, {0, 1, 2});
  put_bands(folder / "two.tif", 2, {}, {{1, 2}, {3, 4}});
  const auto refused = [&](Exit exit, const std::string& words, const std::string& truth) {
    check_fails(exit, words, [&] { eval_masks(masks(folder / "a.tif", folder / truth)); });
  };
  refused(Exit::unsupported, "zone.tif|EPSG:32632|EPSG:32631", "zone.tif");
  refused(Exit::bad_data, "a.tif|far.tif|no pixel in common", "far.tif");
  refused(Exit::unsupported, "nest", "shifted.tif");
  refused(Exit::unsupported, "scaled.tif|nest", "scaled.tif");
  refused(Exit::bad_data, "2 x 2|3 x 1", "wide.tif");
  refused(Exit::unsupported, "two.tif|2 bands", "two.tif");
  refused(Exit::missing_input, "none.tif", "none.tif");
  refused(Exit::missing_input, "neither mask.tif nor mask.jp2", "");
}

// A flipped or turned raster was once compared as if it did not say where it lies.
TEST_CASE("eval: a raster placed otherwise than north-up on square pixels is refused by name") {
  const TempFolder folder;
  const std::vector<std::uint8_t> four = {0, 1, 2, 3};
  put_codes(folder / "a.tif", 2, four, {32631, 1000, 2000, 10});
  put_codes(folder / "bare.tif", 2, four);
  const auto refused = [&](const std::string& truth, const std::string& why) {
    for (const char* found : {"a.tif", "bare.tif"})
      check_fails(Exit::unsupported, truth + "|" + why, [&] { eval_masks(masks(folder / found, folder / truth)); });
  };
  const auto tiff = [&](const std::vector<double>& matrix, const std::string& why) {
    TiffMaker{.samples = four, .more = [&](TiffDirectory& d) { put_matrix(d, matrix); }}.put(folder / "truth.tif");
    refused("truth.tif", why);
  };
  tiff({1000, 10, 0, 1980, 0, 10}, "flipped");
  tiff({1000, 7.07, 7.07, 2000, 7.07, -7.07}, "turned");
  tiff({1000, 0, 10, 2000, -10, 0}, "turned");
  tiff({1000, 10, 0, 2000, 0, -20}, "not square");
  const std::string gml = gml_grid(32631, 1000, 2000, 10);
  const auto jp2 = [&](const std::string& x, const std::string& y, const std::string& why) {
    std::string turned = gml;
    turned.replace(turned.find("10.000000 0<"), 12, x + "<");
    turned.replace(turned.find("0 -10.000000<"), 13, y + "<");
    put_file(folder / "truth.jp2", Jp2Maker{.width = 2, .height = 2, .bits = 8, .gml = turned}.file());
    refused("truth.jp2", why);
  };
  jp2("10 0", "0 10", "flipped");
  jp2("7 7", "7 -7", "turned");
  jp2("10 0", "0 -20", "not square");
  put_file(
      folder / "truth.jp2",
      Jp2Maker{.width = 2, .height = 2, .bits = 8, .geotiff = geo_tags(true, 32767, 1000, 2000, 10, false)}.file());
  refused("truth.jp2", "coordinate system");
  // What differs in the last digits of a decimal number is square.
  TiffMaker{.samples = four,
            .more =
                [&](TiffDirectory& d) {
                  put_matrix(d, {1000, 10, 1e-12, 2000, 0, -10.0000001});
                  put_projection(d, 32631);
                }}
      .put(folder / "nearly.tif");
  CHECK(overall_scores(eval_masks(masks(folder / "a.tif", folder / "nearly.tif")).pooled).accuracy == 1);
}

TEST_CASE("eval: pixels of nearly one size drift apart, and do not nest") {
  const TempFolder folder;
  const auto row = [](int n) { return std::vector<std::uint8_t>(static_cast<std::size_t>(n), 0); };
  put_codes(folder / "a.tif", 1000, row(1000), {32631, 1000, 2000, 10});
  for (const double pixel : {10.09, 10.002, 20.01}) {  // by 9, 0.2 and 1 pixels at the other end
    put_codes(folder / "b.tif", 991, row(991), {32631, 1000, 2000, pixel});
    check_fails(Exit::unsupported, "b.tif|nest|a.tif", [&] { eval_masks(masks(folder / "a.tif", folder / "b.tif")); });
  }
  put_codes(folder / "b.tif", 991, row(991), {32631, 1000, 2000, 10.00001});
  CHECK(eval_masks(masks(folder / "a.tif", folder / "b.tif")).pooled.pixels() == 991);
}

TEST_CASE("eval: a coordinate system without a code is not any other") {
  const TempFolder folder;
  const auto put = [&](const std::string& name, int code) {
    TiffMaker{.samples = {0, 1, 2, 3},
              .more =
                  [&](TiffDirectory& d) {
                    put_matrix(d, {1000, 10, 0, 2000, 0, -10});
                    if (code != 0) put_projection(d, code);
                  }}
        .put(folder / name);
  };
  put("31.tif", 32631);
  put("32.tif", 32632);
  put("own.tif", 32767);
  put("other.tif", 32767);
  put("none.tif", 0);
  const auto refused = [&](const std::string& found, const std::string& truth) {
    check_fails(Exit::unsupported, "EPSG|" + found + "|" + truth,
                [&] { eval_masks(masks(folder / found, folder / truth)); });
  };
  refused("31.tif", "own.tif");
  refused("own.tif", "31.tif");
  refused("own.tif", "other.tif");
  for (const char* name : {"31.tif", "own.tif"})
    for (const char* truth : {name, "none.tif"})
      CHECK(eval_masks(masks(folder / name, folder / truth)).pooled.pixels() == 4);
  // The finest does not say, the others differ.
  put_bands(folder / "found.tif", 2, {"B02"}, {{1, 2, 3, 4}});
  TiffMaker{.bits = 16,
            .samples = {1, 0, 2, 0, 3, 0, 4, 0},
            .more =
                [](TiffDirectory& d) {
                  put_matrix(d, {1000, 10, 0, 2000, 0, -10});
                  put_items(d, {{0, "DESCRIPTION", "B02"}});
                }}
      .put(folder / "found.tif");
  put_bands(folder / "truth.tif", 2, {"B02"}, {{1, 2, 3, 4}}, {32631, 1000, 2000, 10});
  put_codes(folder / "mask.tif", 2, {0, 0, 0, 0}, {32632, 1000, 2000, 10});
  check_fails(Exit::unsupported, "truth.tif|EPSG:32631|EPSG:32632|mask.tif", [&] {
    eval_reflectance(bands({folder / "found.tif", folder / "truth.tif", folder / "mask.tif", ""}));
  });
}

TEST_CASE("eval: the no-data value of a mask is no class") {
  const TempFolder folder;
  const auto put = [&](const std::string& name, const char* none) {
    TiffMaker{.samples = {0, 1, 0, 3}, .more = [&](TiffDirectory& d) { d.text(42113, none); }}.put(folder / name);
  };
  put("0.tif", "0");
  put("3.tif", "3");
  put("out.tif", "-9999");
  const auto pixels = [&](const std::string& found, const std::string& truth) {
    return eval_masks(masks(folder / found, folder / truth)).pooled.pixels();
  };
  CHECK(pixels("out.tif", "0.tif") == 2);
  CHECK(pixels("0.tif", "out.tif") == 2);
  CHECK(pixels("3.tif", "out.tif") == 3);
  put_bands(folder / "b.tif", 2, {"B02"}, {{1, 2, 3, 4}});
  const auto clear = [&](const std::string& mask) {
    return eval_reflectance(bands({folder / "b.tif", folder / "b.tif", folder / mask, ""}))[0].images[0][1].pixels;
  };
  CHECK(clear("out.tif") == 2);
  CHECK(clear("0.tif") == 0);
  // Raw data have a no-data value of 0 that nobody wrote down.
  put_file(folder / "m.img", std::string("\0\0\1\0\0\0\3\0", 8));
  put_file(folder / "m.hdr", "ENVI\nsamples = 2\nlines = 2\nbands = 1\ndata type = 12\ninterleave = bsq\n");
  CHECK(pixels("m.img", "out.tif") == 4);
  put_file(folder / "m.hdr", get_file(folder / "m.hdr") + "data ignore value = 3\n");
  CHECK(pixels("m.img", "out.tif") == 3);
  // Tiles that are not stored are no data, though no sample can have that value.
  TiffMaker{.more = [](TiffDirectory& d) { d.text(42113, "-65536"); }}.put(folder / "sparse.tif");
  check_fails(Exit::bad_data, "sparse.tif|out.tif|no pixel counts", [&] { pixels("sparse.tif", "out.tif"); });
}

TEST_CASE("eval: JPEG 2000 images that are no mask are refused by name") {
  const TempFolder folder;
  put_codes(folder / "found.tif", 4, std::vector<std::uint8_t>(16, 0));
  const auto refused = [&](const Jp2Maker& maker, const char* words) {
    put_file(folder / "truth.jp2", maker.file());
    check_fails(Exit::unsupported, std::string("truth.jp2|") + words,
                [&] { eval_masks(masks(folder / "found.tif", folder / "truth.jp2")); });
  };
  refused({.components = 3, .bits = 8}, "3 component(s) of 8 unsigned bits");
  refused({.bits = 8, .is_signed = true}, "1 component(s) of 8 signed bits");
  refused({.bits = 8, .sampling = 2}, "a sample for every 2 x 2 pixels");
}

TEST_CASE("eval: a border between true classes can be left out") {
  const TempFolder folder;
  std::vector<std::uint8_t> truth(9 * 9, 0);
  truth[4 * 9 + 4] = 1;
  put_codes(folder / "truth.tif", 9, truth);
  put_codes(folder / "found.tif", 9, std::vector<std::uint8_t>(9 * 9, 0));
  MaskEvalOptions o = masks(folder / "found.tif", folder / "truth.tif");
  for (const int n : {0, 1, 2, 3}) {
    o.tolerance = n;
    const int side = 2 * n + 1;
    const Confusion c = eval_masks(o).pooled;
    CHECK(c.pixels() == (n == 0 ? 81 : 81 - side * side));
    CHECK(c.count[1][0] == (n == 0 ? 1 : 0));
  }
  o.tolerance = 20;
  check_fails(Exit::bad_data, "no pixel counts", [&] { eval_masks(o); });
  // What is not counted is no class to have a border with.
  truth[4 * 9 + 4] = 255;
  put_codes(folder / "truth.tif", 9, truth);
  o.tolerance = 2;
  CHECK(eval_masks(o).pooled.pixels() == 80);
}

TEST_CASE("eval: patches without positives count as perfect, or as nothing found right") {
  const TempFolder folder;
  put_codes(folder / "truth.tif", 8,
            {0, 0, 0, 0, 1, 1, 255, 255,  //
             0, 0, 0, 0, 1, 0, 255, 255});
  put_codes(folder / "found.tif", 8,
            {0, 0, 1, 0, 1, 0, 1, 1,  //
             0, 0, 0, 0, 1, 0, 1, 1});
  MaskEvalOptions o = masks(folder / "found.tif", folder / "truth.tif");
  o.patch = 2;
  const MaskResult r = eval_masks(o);
  CHECK(r.patches.size() == 3);  // the fourth has no pixel that counts
  const std::string json = mask_json(o, r);
  const double f2 = 5.0 * 2 / (5 * 2 + 4 * 1);
  CHECK(number_behind(json, {"patches", "cloud", "f2", "count"}) == 3);
  CHECK(number_behind(json, {"patches", "cloud", "f2", "mean"}) == Approx((1 + 0 + f2) / 3));
  CHECK(number_behind(json, {"patches", "cloud", "f2", "median"}) == Approx(f2));
  CHECK(number_behind(json, {"patches", "cloud", "with_positives", "f2", "count"}) == 1);
  CHECK(number_behind(json, {"patches", "cloud", "with_positives", "f2", "median"}) == Approx(f2));
  CHECK(number_behind(json, {"patches", "cloud", "producers_accuracy", "count"}) == 1);
  CHECK(number_behind(json, {"patches", "cloud shadow", "f2", "min"}) == 1);
}

TEST_CASE("eval: reflectance by band, class and image") {
  const TempFolder folder;
  for (const char* name : {"found", "truth"}) std::filesystem::create_directory(folder / name);
  // B02 at 10 m, B05 at 20 m; one pixel of each without data.
  put_bands(folder / "found/reflectance_10m.tif", 2, {"B02"}, {{1000, 2000, 3000, 0}}, {32631, 0, 100, 10});
  put_bands(folder / "found/reflectance_20m.tif", 1, {"B05"}, {{4000}}, {32631, 0, 100, 20});
  put_bands(folder / "truth/x_B02.tif", 2, {"sky"}, {{1100, 2000, 2800, 500}}, {32631, 0, 100, 10});
  put_bands(folder / "truth/x_B05_20m.tif", 1, {"sky"}, {{4100}}, {32631, 0, 100, 20});
  put_codes(folder / "mask.tif", 2, {0, 0, 1, 0}, {32631, 0, 100, 10});
  const EvalPair pair{folder / "found", folder / "truth", "", ""};
  ReflectanceEvalOptions o = bands(pair);
  const MethodResult all = eval_reflectance(o)[0];
  CHECK(all.images[0][1].pixels == 3);
  CHECK(all.images[0][1].bias == Approx(0.01 / 3));
  CHECK(all.images[0][4].pixels == 4);  // 20 m pixels weigh four times
  CHECK(all.images[0][4].rmse == Approx(0.01));
  CHECK(all.images[0][0].pixels == 0);

  o.pairs[0].mask = folder / "mask.tif";
  const ReflectanceResult masked = eval_reflectance(o);
  CHECK(masked[0].images[0][1].pixels == 2);
  CHECK(masked[0].images[0][1].bias == Approx(-0.005));
  CHECK(error_scores(masked[0].by_class[1][1]).bias == Approx(0.02));
  o.classes = {1};
  const ReflectanceResult clouds = eval_reflectance(o);
  CHECK(clouds[0].images[0][1].bias == Approx(0.02));
  const std::string json = reflectance_json(o, clouds);
  CHECK(number_behind(json, {"found", "pooled", "B02", "bias"}) == Approx(0.02));
  CHECK(number_behind(json, {"by_class", "clear", "B02", "bias"}) == Approx(-0.005));

  o = bands(pair);
  o.truth_offset = -100;
  CHECK(eval_reflectance(o)[0].images[0][4].rmse == Approx(0));

  // Two images: pooled over pixels, and the distribution over images.
  put_file(folder / "pairs.txt",
           "# found truth mask\nfound truth\n\n  found truth mask.tif # clear only\nfound\ttruth\t-\r\n");
  o = bands({});
  o.pairs = read_pairs(folder / "pairs.txt");
  REQUIRE(o.pairs.size() == 3);
  CHECK(o.pairs[1].mask == folder / "mask.tif");
  CHECK(o.pairs[2].mask == "");
  const MethodResult several = eval_reflectance(o)[0];
  CHECK(several.images.size() == 3);
  CHECK(several.pooled[1].sums().count == 3 + 2 + 3);
}

TEST_CASE("eval: what names no bands is told to") {
  const TempFolder folder;
  put_bands(folder / "a.tif", 2, {}, {{1, 2}, {3, 4}});
  put_bands(folder / "b.tif", 2, {"B02", "B03"}, {{1, 2}, {3, 4}});
  put_bands(folder / "c.tif", 2, {"B11"}, {{1, 2}});
  ReflectanceEvalOptions o = bands({folder / "a.tif", folder / "b.tif", "", ""});
  check_fails(Exit::usage, "a.tif|2 bands|--bands", [&] { eval_reflectance(o); });
  o.bands = {1, 2};
  CHECK(eval_reflectance(o)[0].images[0][2].rmse == 0);
  // Raw bands, of which the header knows only the size.
  put_file(folder / "raw.img", std::string("\1\0\2\0\3\0\4\0", 8));
  put_file(folder / "raw.hdr", "ENVI\nsamples = 2\nlines = 1\nbands = 2\ndata type = 12\ninterleave = bsq\n");
  o.pairs[0].truth = folder / "raw.img";
  CHECK(eval_reflectance(o)[0].images[0][1].pixels == 2);
  CHECK(eval_reflectance(o)[0].images[0][2].rmse == 0);
  o.pairs[0].toa = folder / "raw.img";  // once asked for names in vain
  CHECK(eval_reflectance(o)[1].images[0][2].rmse == 0);
  check_fails(Exit::bad_data, "no band in common", [&] {
    eval_reflectance(bands({folder / "b.tif", folder / "c.tif", "", ""}));
  });
}

// --bands once renamed the bands of raw files, and a band without a name those of all others.
TEST_CASE("eval: names that files give their bands go before any other") {
  const TempFolder folder;
  put_bands(folder / "t.tif", 2, {"B04", "B02"}, {{4, 4}, {2, 2}});
  put_file(folder / "raw.img", std::string("\4\0\4\0\2\0\2\0", 8));
  const std::string header = "ENVI\nsamples = 2\nlines = 1\nbands = 2\ndata type = 12\ninterleave = bsq\n";
  put_file(folder / "raw.hdr", header + "band names = {B04, B02}\n");
  ReflectanceEvalOptions o = bands({folder / "raw.img", folder / "t.tif", "", folder / "raw.img"});
  const auto rmse = [&](std::size_t method, std::size_t band) {
    return eval_reflectance(o)[method].images[0][band].rmse;
  };
  for (const auto& wanted : std::vector<std::vector<int>>{{1, 3}, {1}}) {
    o.bands = wanted;
    for (const std::size_t method : {0, 1}) CHECK(rmse(method, 1) == 0);
  }
  put_file(folder / "raw.hdr", header);
  o.bands = {3, 1};
  CHECK(rmse(0, 1) == 0);
  CHECK(rmse(0, 3) == 0);
  // 13 bands without names are B01..B12 unless said otherwise.
  std::string samples;
  for (char b = 1; b <= 13; ++b) samples += std::string(2, b);
  put_file(folder / "raw.img", samples);
  put_file(folder / "raw.hdr", "ENVI\nsamples = 1\nlines = 1\nbands = 13\ndata type = 12\ninterleave = bsq\n");
  put_bands(folder / "t.tif", 1, {"B02"}, {{0xc0c}});
  o.bands = {12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  CHECK(rmse(0, 1) == 0);
  put_bands(folder / "t.tif", 1, {"B02"}, {{0x202}});
  std::sort(o.bands.begin(), o.bands.end());
  CHECK(rmse(0, 1) == 0);
  o.bands.clear();
  CHECK(rmse(0, 1) == 0);

  // What is no product is read like the others, with --bands or without.
  o = bands({folder / "t.tif", folder / "t.tif", "", folder / "t.tif"});
  o.bands = {1};
  CHECK(rmse(1, 1) == 0);

  // A word of a longer name; what says how opaque the others are is no band.
  o = bands({folder / "alpha.tif", folder / "t.tif", "", ""});
  const auto put = [&](const std::vector<BandItem>& items, int extra) {
    TiffMaker{.width = 1,
              .height = 1,
              .bands = 3,
              .bits = 16,
              .samples = {4, 0, 2, 0, 9, 0},
              .more =
                  [&](TiffDirectory& d) {
                    d.shorts(338, {0, static_cast<std::uint16_t>(extra)});
                    put_items(d, items);
                  }}
        .put(folder / "alpha.tif");
  };
  put_bands(folder / "t.tif", 1, {"B04", "B02"}, {{4}, {2}});
  const BandItem red{0, "DESCRIPTION", "B4, central wavelength 665 nm"},
      blue{1, "DESCRIPTION", "Reflectance B02 (blue)"};
  for (const int extra : {1, 2}) {
    put({red, blue}, extra);
    CHECK(rmse(0, 1) == 0);
    CHECK(rmse(0, 3) == 0);
  }
  put({}, 2);
  o.bands = {3, 1};
  CHECK(rmse(0, 1) == 0);
  const auto refused = [&](const char* words) {
    check_fails(Exit::usage, std::string("alpha.tif|") + words, [&] { eval_reflectance(o); });
  };
  o.bands = {};
  put({red, blue}, 0);
  refused("band 3|\"\"");
  put({red, blue, {2, "DESCRIPTION", "B08 over B04"}}, 0);
  refused("band 3|\"B08 over B04\"");
  put({red, blue, {2, "DESCRIPTION", "B02"}}, 0);
  refused("B02|twice");
  // GDAL takes the fourth band of 8 bits to be opacity; a name says more.
  put({red, blue, {2, "DESCRIPTION", "B03"}}, 2);
  put_bands(folder / "t.tif", 1, {"B03"}, {{9}});
  CHECK(rmse(0, 2) == 0);

  // The count of bands means something only where none has a name.
  const std::vector<std::vector<std::uint16_t>> twelve(12, {7});
  std::vector<std::string> names(12);
  put_bands(folder / "t.tif", 1, {"B12"}, {{7}});
  put_bands(folder / "alpha.tif", 1, names, twelve);
  CHECK(rmse(0, 12) == 0);
  names[0] = "AOT";
  put_bands(folder / "alpha.tif", 1, names, twelve);
  refused("12 bands|--bands");
}

TEST_CASE("eval: two files of one band are not one too many silently") {
  const TempFolder folder;
  put_bands(folder / "in/a_B02.tif", 2, {}, {{1, 2, 3, 4}});
  put_bands(folder / "t.tif", 2, {"B02"}, {{1, 2, 3, 4}});
  const ReflectanceEvalOptions o = bands({folder / "in", folder / "t.tif", "", ""});
  const auto rmse = [&] { return eval_reflectance(o)[0].images[0][1].rmse; };
  put_bands(folder / "in/MSK_QUALIT_B02.tif", 2, {}, {{0, 0, 0, 0}});
  put_bands(folder / "in/R20m/a_B02_20m.tif", 1, {}, {{9}});
  CHECK(rmse() == 0);
  put_bands(folder / "in/b_B02.tif", 2, {}, {{5, 5, 5, 5}});
  check_fails(Exit::usage, "in/a_B02.tif|in/b_B02.tif|B02", [&] { rmse(); });
}

TEST_CASE("eval: each band has its own scale, infinities are no data, and nothing compared is null") {
  const TempFolder folder;
  TiffMaker{.width = 1,
            .height = 1,
            .bands = 2,
            .bits = 16,
            .samples = {100, 0, 100, 0},
            .more =
                [](TiffDirectory& d) {
                  put_items(d, {{0, "DESCRIPTION", "B02"},
                                {0, "SCALE", "0.001"},
                                {1, "DESCRIPTION", "B03"},
                                {1, "SCALE", "0.002"},
                                {1, "OFFSET", "-0.05"}});
                }}
      .put(folder / "a.tif");
  put_bands(folder / "t.tif", 1, {"B02", "B03"}, {{1000}, {2000}});
  ReflectanceEvalOptions o = bands({folder / "a.tif", folder / "t.tif", "", ""});
  const BandScores s = eval_reflectance(o)[0].images[0];
  CHECK(s[1].bias == Approx(0));
  CHECK(s[2].bias == Approx(-0.05));

  const auto float_tiff = [&](const std::string& name, float a, float b) {
    TiffBytes bytes;
    for (const float v : {a, b}) put_le(bytes, std::bit_cast<std::uint32_t>(v), 4);
    TiffMaker{.width = 2, .height = 1, .bits = 32, .format = 3, .samples = bytes}.put(folder / name);
  };
  float_tiff("B02.tif", 0.1f, 0.2f);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float_tiff("n_B02.tif", kInfinity, kInfinity);
  o.pairs = {{folder / "B02.tif", folder / "n_B02.tif", "", ""}};
  check_fails(Exit::bad_data, "B02.tif|n_B02.tif|no pixel counts", [&] { eval_reflectance(o); });
  float_tiff("i_B02.tif", kInfinity, 0.2f);
  o.pairs = {{folder / "B02.tif", folder / "i_B02.tif", "", ""}};
  CHECK(eval_reflectance(o)[0].images[0][1].pixels == 1);
  CHECK(eval_reflectance(o)[0].images[0][1].rmse == 0);

  o.pairs = {{folder / "a.tif", folder / "t.tif", "", ""}, {folder / "B02.tif", folder / "i_B02.tif", "", ""}};
  const std::string json = without_blanks(reflectance_json(o, eval_reflectance(o)));
  CHECK(json.find("\"B03\":{\"pixels\":0,\"rmse\":null,\"bias\":null") != std::string::npos);
}

TEST_CASE("eval: the demo scene gives what run --truth reports, and its truth is perfect") {
  const TempFolder folder;
  RunOptions run_options;
  run_options.product = kDemo;
  run_options.folder = folder / "out";
  run_options.stack = true;
  run_options.threads = 1;
  run_options.isa = detect_isa();
  run_options.quiet = true;
  run_options.truth = kTruth;
  run(run_options);
  const std::string report = get_file(folder / "out/report.json");

  const MaskResult mask = eval_masks(masks(folder / "out", kTruth));
  JsonWriter j;
  j.begin_object();
  write_mask_scores(j, mask.pooled);
  j.end();
  const std::string scores = without_blanks(j.text());
  CHECK(without_blanks(report).find(scores.substr(1, scores.size() - 2)) != std::string::npos);

  ReflectanceEvalOptions o = bands({folder / "out/reflectance.tif", kTruth, kTruth, kDemo});
  const std::string again = folder / "again/correction.dtw";
  put_file(again, get_file(DTACS_SOURCE_DIR "/weights/correction.dtw"));
  o.weights = {DTACS_SOURCE_DIR "/weights/correction.dtw", again};  // once more what was found
  const ReflectanceResult r = eval_reflectance(o);
  REQUIRE(r.size() == 4);
  CHECK(r[1].name == "no correction");
  CHECK(r[2].name == "correction");
  CHECK(r[3].name == again);  // names are keys of the JSON
  int compared = 0;
  for (std::size_t b = 0; b < kBandCount; ++b) {
    const ErrorScores s = r[0].images[0][b];
    if (s.pixels == 0) continue;
    ++compared;
    const auto reported = [&](const char* what) {
      return number_behind(report, {"reflectance_of_clear_pixels", kBandNames[b], what});
    };
    CHECK(static_cast<double>(s.pixels) == reported("pixels"));
    CHECK(s.rmse == Approx(reported("rmse")));
    CHECK(s.bias == Approx(reported("bias")));
    CHECK(s.median_absolute == Approx(reported("median_absolute_error")));
    CHECK(r[1].images[0][b].rmse == Approx(reported("rmse_uncorrected")));
    CHECK(r[2].images[0][b].rmse == Approx(s.rmse));
  }
  CHECK(compared == 12);

  const MaskResult self = eval_masks(masks(kTruth, kTruth));
  CHECK(self.pooled.pixels() == mask.pooled.pixels());
  CHECK(overall_scores(self.pooled).kappa == 1);
  for (const ClassGroup& g : kGroups) CHECK(class_scores(self.pooled, g.classes).f2 == 1);
  ReflectanceEvalOptions only = bands({kTruth, kTruth, "", ""});
  only.bands = {1};
  const MethodResult one = eval_reflectance(only)[0];
  for (std::size_t b = 0; b < kBandCount; ++b) CHECK((one.images[0][b].pixels > 0) == (b == 1));
  const MethodResult same = eval_reflectance(bands({kTruth, kTruth, "", ""}))[0];
  for (std::size_t b = 0; b < kBandCount; ++b)
    if (b != 10) {
      CHECK(same.images[0][b].rmse == 0);
      CHECK(same.images[0][b].r2 == 1);
      CHECK(same.images[0][b].within == 1);
    }
}

TEST_CASE("eval: wrong words on the command line are a usage error") {
  const TempFolder folder;
  put_codes(folder / "m.tif", 2, {0, 1, 2, 3});
  const std::string m = folder / "m.tif";
  for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                 {"masks", m, m},
                                                                 {"mask", m},
                                                                 {"mask", m, m, m},
                                                                 {"mask", m, m, "--map", "nothing"},
                                                                 {"mask", m, m, "--patch", "0"},
                                                                 {"mask", m, m, "--tolerance", "-1"},
                                                                 {"mask", m, m, "--weights", m},
                                                                 {"mask", m, m, "--list", m},
                                                                 {"reflectance", "--list", m, "--mask", m},
                                                                 {"reflectance", m, m, "--classes", "4"},
                                                                 {"reflectance", m, m, "--classes", ""},
                                                                 {"reflectance", kTruth, kTruth, "--classes", "0"},
                                                                 {"reflectance", kTruth, kTruth, "--map", "scl"},
                                                                 {"reflectance", kTruth, kTruth, "--toa-offset", "0"},
                                                                 {"reflectance", m, m, "--bands", "B02,B77"},
                                                                 {"reflectance", m, m, "--truth-offset", "x"},
                                                                 {"reflectance", kTruth, kTruth, "--weights", m}})
    check_fails(Exit::usage, "", [&] { command(words); });
  check_fails(Exit::missing_input, "none.txt", [&] { command({"mask", "--list", folder / "none.txt"}); });
  put_file(folder / "list.txt", "# nothing\n");
  check_fails(Exit::bad_data, "list.txt|no image", [&] { command({"mask", "--list", folder / "list.txt"}); });
  put_file(folder / "list.txt", "a b\none\n");
  check_fails(Exit::bad_data, "list.txt|line 2|1 paths", [&] { command({"mask", "--list", folder / "list.txt"}); });
  put_file(folder / "list.txt", "m.tif m.tif m.tif\n");
  check_fails(Exit::usage, "m.tif", [&] { command({"mask", "--list", folder / "list.txt"}); });
  check_fails(Exit::cannot_create, "nowhere", [&] { command({"mask", m, m, "--json", folder / "nowhere/x.json"}); });
}

}  // namespace dtacs::test
