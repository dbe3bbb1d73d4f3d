// SPDX-License-Identifier: Apache-2.0
// Which rasters `dtacs eval` takes for comparable: places, grids, coordinate systems, names of bands, what is no data.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/eval/tiny_rasters.h"
#include "tests/host/jp2_maker.h"
#include "tests/host/tiff_maker.h"

namespace dtacs::test {

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

}  // namespace dtacs::test
