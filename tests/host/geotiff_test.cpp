// SPDX-License-Identifier: Apache-2.0
#include "io/host/geotiff.h"
#include "io/host/openmp.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/host/temp_folder.h"
#include "tests/host/tiff_probe.h"
#include "tests/support/shared_data.h"
#include "tests/support/suite.h"

namespace dtacs::test {
namespace {

const std::vector<RasterClass> kClasses = {
    {.value = 0, .name = "clear", .alpha = 0},
    {.value = 1, .name = "thick <cloud> & more", .r = 255, .g = 255},
    {.value = 3, .name = "shadow", .r = 255},
};

// A plausible sample: runs for masks, gradients with noise for reflectance.
int sample(int bits, int band, int y, int x) {
  const int noise = static_cast<int>((static_cast<unsigned>(x * 31 + y * 17) * 2654435761u) >> 29);
  return bits == 8 ? (x / 29 + y / 13 + band) % 4 : (band * 9000 + y * 40 + x * 3 + noise) & 0xffff;
}

// Writes every band a few rows at a time, the bands in turn.
template <class T>
void write(const std::string& path, const GeoTiffOptions& o, int rows_at_once) {
  GeoTiffWriter w(path, o);
  const int stride = o.width + 3;
  std::vector<T> rows(static_cast<std::size_t>(stride * rows_at_once));
  for (int y = 0; y < o.height; y += rows_at_once) {
    const int count = std::min(rows_at_once, o.height - y);
    for (int b = 0; b < o.bands; ++b) {
      for (int i = 0; i < count; ++i)
        for (int x = 0; x < o.width; ++x)
          rows[static_cast<std::size_t>(i * stride + x)] = static_cast<T>(sample(o.bits, b, y + i, x));
      w.write_rows(b, rows.data(), count, stride);
    }
  }
  w.finish();
}

void write(const std::string& path, const GeoTiffOptions& o, int rows_at_once) {
  o.bits == 8 ? write<std::uint8_t>(path, o, rows_at_once) : write<std::uint16_t>(path, o, rows_at_once);
}

int wrong_samples(const TiffProbe& tiff, const GeoTiffOptions& o) {
  int wrong = 0;
  for (int b = 0; b < o.bands; ++b) {
    const std::vector<int> got = tiff.band(b);
    REQUIRE(got.size() == static_cast<std::size_t>(o.width) * static_cast<std::size_t>(o.height));
    for (int y = 0; y < o.height; ++y)
      for (int x = 0; x < o.width; ++x)
        wrong += got[static_cast<std::size_t>(y * o.width + x)] != sample(o.bits, b, y, x);
  }
  return wrong;
}

}  // namespace

TEST_CASE("geotiff: samples come back for every form of the file") {
  const TempFolder folder;
  const std::string path = folder / "x.tif";
  int cases = 0;
  with_threads(2, [&](const Parallel& parallel) {
    for (const int bits : {8, 16})
      for (const int bands : {1, 3})
        for (const Compress compress : {Compress::none, Compress::deflate})
          for (const bool predictor : {false, true})
            for (const bool big : {false, true})
              for (const auto& size : {std::pair(1, 1), std::pair(1000, 277), std::pair(200000, 3)}) {
                const int width = size.first, height = size.second;
                const GeoTiffOptions o{.width = width,
                                       .height = height,
                                       .bands = bands,
                                       .bits = bits,
                                       .compress = compress,
                                       .predictor = predictor,
                                       .parallel = parallel,
                                       .always_big = big};
                CAPTURE(bits);
                CAPTURE(bands);
                CAPTURE(width);
                write(path, o, 1 + cases % 50);
                const TiffProbe tiff(path);
                CHECK(tiff.big == big);
                CHECK(tiff.value(256) == width);
                CHECK(tiff.value(257) == height);
                CHECK(tiff.numbers.at(258) == std::vector<double>(static_cast<std::size_t>(bands), bits));
                CHECK(tiff.value(277) == bands);
                CHECK(tiff.value(284) == (bands > 1 ? 2 : 1));
                CHECK(wrong_samples(tiff, o) == 0);
                ++cases;
              }
  });
  CHECK(cases == 96);
  CHECK(folder.names() == std::vector<std::string>{"x.tif"});
}

TEST_CASE("geotiff: the bytes do not depend on threads or on how rows come") {
  const TempFolder folder;
  GeoTiffOptions o{.width = 3000, .height = 400, .bands = 1, .bits = 16, .predictor = true};
  write(folder / "a.tif", o, 1);
  with_threads(4, [&](const Parallel& parallel) {
    o.parallel = parallel;
    write(folder / "b.tif", o, 37);
  });
  CHECK(get_file(folder / "a.tif") == get_file(folder / "b.tif"));
}

TEST_CASE("geotiff: masks shrink, noise does not grow") {
  const TempFolder folder;
  write(folder / "mask.tif", {.width = 2000, .height = 1000}, 100);
  CHECK(std::filesystem::file_size(folder / "mask.tif") < 2000 * 1000 / 20);
  GeoTiffWriter w(folder / "noise.tif", {.width = 2000, .height = 500, .bits = 16});
  Rng rng(3);
  std::vector<std::uint16_t> noise(2000 * 500);
  for (auto& v : noise) v = static_cast<std::uint16_t>(rng.next());
  w.write_rows(0, noise.data(), 500);
  w.finish();
  CHECK(std::filesystem::file_size(folder / "noise.tif") < 2 * noise.size() + 3000);
}

TEST_CASE("geotiff: place, names, no-data and scale are in the tags") {
  const TempFolder folder;
  const std::string path = folder / "r.tif";
  GeoTiffOptions o{.width = 40, .height = 30, .bands = 2, .bits = 16, .epsg = 32756, .ulx = 399960, .uly = 6700000.5};
  o.pixel_size = 20;
  o.no_data = 0;
  o.scale = 1e-4;
  o.offset = -0.1;
  o.band_names = {"B02", "B8A"};
  o.metadata = {{"PRODUCT", "a <b> & \"c\""}};
  write(path, o, 30);
  const TiffProbe tiff(path);
  CHECK(tiff.numbers.at(33550) == std::vector<double>{20, 20, 0});
  CHECK(tiff.numbers.at(33922) == std::vector<double>{0, 0, 0, 399960, 6700000.5, 0});
  CHECK(tiff.numbers.at(34735) ==
        std::vector<double>{1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32756, 3076, 0, 1, 9001});
  CHECK(tiff.texts.at(42113) == "0");
  const std::string& xml = tiff.texts.at(42112);
  CHECK(xml.find("<Item name=\"DESCRIPTION\" sample=\"1\" role=\"description\">B8A</Item>") != std::string::npos);
  CHECK(xml.find("<Item name=\"SCALE\" sample=\"0\" role=\"scale\">1e-04</Item>") != std::string::npos);
  CHECK(xml.find("<Item name=\"OFFSET\" sample=\"1\" role=\"offset\">-0.1</Item>") != std::string::npos);
  CHECK(tiff.value(338) == 0);

  write(path, {.width = 4, .height = 3}, 3);
  const TiffProbe bare(path);
  for (const int tag : {33550, 33922, 34735, 42112, 42113, 320, 338})
    CHECK(bare.numbers.count(tag) + bare.texts.count(tag) == 0);
}

TEST_CASE("geotiff: classes have a palette and two files with their names") {
  const TempFolder folder;
  GeoTiffOptions o{.width = 50, .height = 20, .no_data = 255, .classes = kClasses};
  write(folder / "mask.tif", o, 20);
  const TiffProbe tiff(folder / "mask.tif");
  CHECK(tiff.value(262) == 3);
  const auto& map = tiff.numbers.at(320);
  REQUIRE(map.size() == 768);
  CHECK(std::vector<double>{map[1], map[257], map[513], map[3], map[259]} ==
        std::vector<double>{65535, 65535, 0, 65535, 0});
  CHECK(tiff.texts.at(42113) == "255");
  CHECK(get_file(folder / "mask.tif.aux.xml")
            .find("<Category>thick &lt;cloud&gt; &amp; more</Category>\n"
                  "      <Category></Category>\n"
                  "      <Category>shadow</Category>") != std::string::npos);
  const std::string style = get_file(folder / "mask.qml");
  CHECK(style.find("value=\"0\" color=\"#000000\" alpha=\"0\" label=\"clear\"") != std::string::npos);
  CHECK(style.find("value=\"1\" color=\"#ffff00\" alpha=\"255\" label=\"thick &lt;cloud&gt; &amp; more\"") !=
        std::string::npos);
  CHECK(folder.names().size() == 3);
}

TEST_CASE("geotiff: a file that could pass 4 GB is BigTIFF") {
  const auto big = [](int width, int height, int bands, int bits) {
    return needs_big_tiff({.width = width, .height = height, .bands = bands, .bits = bits});
  };
  CHECK_FALSE(big(1, 1, 1, 8));
  CHECK_FALSE(big(10980, 10980, 13, 16));  // 3.1 GB
  CHECK(big(10980, 10980, 18, 16));        // 4.3 GB
  CHECK_FALSE(big(65535, 65000, 1, 8));
  CHECK(big(65535, 65535, 1, 8));  // below 2^32 by less than the directory needs
  CHECK(big(1 << 20, 1 << 20, 13, 16));
}

TEST_CASE("geotiff: options that make no sense are refused before anything is written") {
  const TempFolder folder;
  const auto refused = [&](const GeoTiffOptions& o, const std::string& words) {
    check_fails(Exit::usage, "x.tif|" + words, [&] { GeoTiffWriter w(folder / "x.tif", o); });
  };
  refused({}, "0 x 0");
  refused({.width = 5, .height = -1}, "5 x -1");
  refused({.width = 5, .height = 5, .bands = 0}, "0 bands");
  refused({.width = 5, .height = 5, .bits = 32}, "32 bits");
  refused({.width = 5, .height = 5, .bands = 3, .band_names = {"B02"}}, "1 names for 3 bands");
  refused({.width = 5, .height = 5, .epsg = 32631}, "EPSG:32631");
  refused({.width = 5, .height = 5, .epsg = 100000, .pixel_size = 10}, "EPSG:100000");
  refused({.width = 5, .height = 5, .bits = 16, .classes = kClasses}, "8 bits");
  refused({.width = 5, .height = 5, .classes = {{.value = 256, .name = "x"}}}, "256");
  CHECK(folder.names().empty());
}

TEST_CASE("geotiff: an unfinished, unwritable or too large file leaves nothing behind") {
  const TempFolder folder;
  const std::vector<std::uint16_t> rows(5000 * 100, 7);
  {
    GeoTiffWriter w(folder / "x.tif", {.width = 50, .height = 20, .bits = 8, .classes = kClasses});
    check_fails(Exit::self_check, "x.tif|0 of 20 rows", [&] { w.finish(); });
  }
  CHECK(folder.names().empty());
  check_fails(Exit::cannot_create, "none/x.tif",
              [&] { GeoTiffWriter w(folder / "none/x.tif", {.width = 1, .height = 1}); });

  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 2000000;
  std::string said;
  Exit exit = Exit::ok;
  setrlimit(RLIMIT_FSIZE, &small);
  try {
    GeoTiffWriter w(folder / "x.tif", {.width = 5000, .height = 1000, .bits = 16, .compress = Compress::none});
    for (int y = 0; y < 1000; y += 100) w.write_rows(0, rows.data(), 100);
    w.finish();
  } catch (const Failure& e) {
    said = e.what();
    exit = e.exit();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(exit == Exit::io_error);
  CHECK(said.find("x.tif: writing failed") != std::string::npos);
  CHECK(folder.names().empty());
}

TEST_CASE("geotiff: gdalinfo reads what was written") {
  if (!has_command("gdalinfo")) return note_skipped("needs gdalinfo, which is not installed");
  const TempFolder folder;
  GeoTiffOptions o{.width = 1000, .height = 333, .bands = 2, .bits = 16, .epsg = 32631, .ulx = 399960, .uly = 4693200};
  o.pixel_size = 10;
  o.no_data = 0;
  o.scale = 1e-4;
  o.band_names = {"B02", "B8A"};
  o.metadata = {{"PRODUCT", "a <b> & c"}};
  std::string checksums;
  for (const Compress compress : {Compress::none, Compress::deflate})
    for (const bool predictor : {false, true})
      for (const bool big : {false, true}) {
        o.compress = compress;
        o.predictor = predictor;
        o.always_big = big;
        write(folder / "r.tif", o, 100);
        const std::string said = output_of("gdalinfo -checksum " + folder / "r.tif");
        CAPTURE(said);
        for (const char* words :
             {"Size is 1000, 333", "ID[\"EPSG\",32631]]\n", "Origin = (399960.000000000000000,4693200.000000000000000)",
              "Pixel Size = (10.000000000000000,-10.000000000000000)", "Description = B8A", "NoData Value=0",
              "Scale:0.0001", "PRODUCT=a <b> & c", "Band 2 Block=1000x131 Type=UInt16"})
          CHECK_MESSAGE(said.find(words) != std::string::npos, words);
        CHECK(said.find("Warning") == std::string::npos);
        std::string sums;
        for (std::size_t at = said.find("Checksum="); at != std::string::npos; at = said.find("Checksum=", at + 1))
          sums += said.substr(at, said.find('\n', at) - at) + " ";
        CHECK(sums.size() > 20);
        if (checksums.empty()) checksums = sums;
        CHECK(sums == checksums);
      }
  write(folder / "mask.tif", {.width = 50, .height = 20, .no_data = 255, .classes = kClasses}, 20);
  const std::string said = output_of("gdalinfo " + folder / "mask.tif");
  for (const char* words : {"0: clear", "1: thick <cloud> & more", "3: shadow", "1: 255,255,0,255", "NoData Value=255",
                            "ColorInterp=Palette"})
    CHECK_MESSAGE(said.find(words) != std::string::npos, said);
}

}  // namespace dtacs::test
