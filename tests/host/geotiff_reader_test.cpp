// SPDX-License-Identifier: Apache-2.0
#include "io/host/geotiff_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "io/host/geotiff.h"
#include "io/host/geotiff_place.h"
#include "tests/host/temp_folder.h"
#include "tests/host/tiff_maker.h"
#include "tests/support/shared_data.h"
#include "tests/support/suite.h"

namespace dtacs::test {
namespace {

constexpr int kWidth = 333, kHeight = 217;

int value(int bits, int band, int y, int x) {
  const int noise = static_cast<int>((static_cast<unsigned>(x * 31 + y * 17) * 2654435761u) >> 29);
  return bits == 8 ? (x / 29 + y / 13 + band) % 4 : (band * 9000 + y * 40 + x * 3 + noise) & 0xffff;
}

GeoTiffOptions options(int bits, int bands) {
  GeoTiffOptions o{.width = kWidth, .height = kHeight, .bands = bands, .bits = bits, .epsg = 32631};
  o.ulx = 399960;
  o.uly = 4693200;
  o.pixel_size = 20;
  o.no_data = bits == 8 ? 255 : 0;
  return o;
}

void write(const std::string& path, const GeoTiffOptions& o) {
  GeoTiffWriter w(path, o);
  std::vector<std::uint8_t> narrow(static_cast<std::size_t>(o.width));
  std::vector<std::uint16_t> wide(narrow.size());
  for (int b = 0; b < o.bands; ++b)
    for (int y = 0; y < o.height; ++y) {
      for (int x = 0; x < o.width; ++x) {
        wide[static_cast<std::size_t>(x)] = static_cast<std::uint16_t>(value(o.bits, b, y, x));
        narrow[static_cast<std::size_t>(x)] = static_cast<std::uint8_t>(value(o.bits, b, y, x));
      }
      o.bits == 8 ? w.write_rows(b, narrow.data(), 1) : w.write_rows(b, wide.data(), 1);
    }
  w.finish();
}

std::vector<float> read(const std::string& path, int band, int rows_at_once = 7) {
  const GeoTiff tiff(path);
  const int width = tiff.info().width, height = tiff.info().height;
  GeoTiffBand reader(tiff, band);
  std::vector<float> out(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (int y = 0; y < height; y += rows_at_once)
    reader.read_rows(std::min(rows_at_once, height - y), out.data() + static_cast<std::ptrdiff_t>(y) * width, width);
  return out;
}

int wrong(const std::string& path, int bits, int bands) {
  int n = 0;
  for (int b = 0; b < bands; ++b) {
    const std::vector<float> got = read(path, b);
    REQUIRE(got.size() == static_cast<std::size_t>(kWidth * kHeight));
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        n += got[static_cast<std::size_t>(y * kWidth + x)] != static_cast<float>(value(bits, b, y, x));
  }
  return n;
}

}  // namespace

TEST_CASE("geotiff reader: what the writer wrote") {
  const TempFolder folder;
  const std::string path = folder / "x.tif";
  for (const int bits : {8, 16})
    for (const int bands : {1, 3})
      for (const Compress compress : {Compress::none, Compress::deflate})
        for (const bool predictor : {false, true})
          for (const bool big : {false, true}) {
            GeoTiffOptions o = options(bits, bands);
            o.compress = compress;
            o.predictor = predictor;
            o.always_big = big;
            o.scale = 1e-4;
            o.offset = -0.1;
            o.band_names.assign(static_cast<std::size_t>(bands), "B8A");
            write(path, o);
            CHECK(wrong(path, bits, bands) == 0);
            const GeoTiffInfo i = GeoTiff(path).info();
            CHECK(i.bands == bands);
            CHECK(i.epsg == 32631);
            CHECK(i.ulx == 399960);
            CHECK(i.uly == 4693200);
            CHECK(i.pixel_size == 20);
            CHECK(i.no_data == (bits == 8 ? 255 : 0));
            CHECK(i.scale == std::vector<double>(static_cast<std::size_t>(bands), 1e-4));
            CHECK(i.offset == std::vector<double>(static_cast<std::size_t>(bands), -0.1));
            CHECK(i.band_names.back() == "B8A");
          }
}

TEST_CASE("geotiff reader: what GDAL makes of it") {
  if (!has_command("gdal_translate")) return note_skipped("needs gdal_translate, which is not installed");
  const TempFolder folder;
  int cases = 0;
  for (const int bits : {8, 16}) {
    write(folder / "in.tif", options(bits, 3));
    const std::vector<std::string> packings =
        bits == 8
            ? std::vector<std::string>{"LZW", "PACKBITS"}
            : std::vector<std::string>{"NONE", "DEFLATE", "DEFLATE -co PREDICTOR=2", "LZW -co PREDICTOR=2", "PACKBITS"};
    for (const std::string tiling : {"", "-co TILED=YES -co BLOCKXSIZE=64 -co BLOCKYSIZE=32", "-co BLOCKYSIZE=50"})
      for (const std::string interleave : {"PIXEL", "BAND"})
        for (const std::string& compress : packings) {
          const std::string more = cases % 2 == 0 ? " -co BIGTIFF=YES" : cases % 3 == 0 ? " -co ENDIANNESS=BIG" : "";
          const std::string how = tiling + " -co INTERLEAVE=" + interleave + " -co COMPRESS=" + compress + more + " ";
          INFO(how);
          output_of("gdal_translate -q " + how + folder / "in.tif" + " " + folder / "out.tif");
          CHECK(wrong(folder / "out.tif", bits, 3) == 0);
          const GeoTiffInfo i = GeoTiff(folder / "out.tif").info();
          CHECK(i.epsg == 32631);
          CHECK(i.ulx == 399960);
          CHECK(i.pixel_size == 20);
          CHECK(i.no_data.has_value());
          ++cases;
        }
  }
  CHECK(cases == 42);
  // Sixteen bits of either byte order with differences; floats; signed values.
  for (const std::string how : {"-ot Float32 -co COMPRESS=DEFLATE -co PREDICTOR=3 -co TILED=YES",
                                "-ot Float32 -co COMPRESS=LZW -co PREDICTOR=3 -co INTERLEAVE=BAND",
                                "-ot Float32 -co COMPRESS=DEFLATE -co PREDICTOR=2", "-ot Float32 -co ENDIANNESS=BIG",
                                "-ot UInt16 -co COMPRESS=LZW -co PREDICTOR=2 -co ENDIANNESS=BIG"}) {
    INFO(how);
    output_of("gdal_translate -q " + how + " " + folder / "in.tif" + " " + folder / "out.tif");
    CHECK(wrong(folder / "out.tif", 16, 3) == 0);
  }
  output_of("gdal_translate -q -ot Int16 -a_nodata none -scale 0 1000 -1000 0 " + folder / "in.tif" + " " +
            folder / "out.tif");
  CHECK(GeoTiff(folder / "out.tif").info().kind == SampleKind::i16);
  const std::vector<float> low = read(folder / "out.tif", 0);
  CHECK(*std::min_element(low.begin(), low.end()) < 0);
  // A sparse file: what was never written is no data.
  output_of("gdal_create -q -of GTiff -ot UInt16 -outsize 300 200 -a_nodata 7 -co SPARSE_OK=TRUE -co TILED=YES " +
            folder / "sparse.tif");
  for (const float v : read(folder / "sparse.tif", 0)) CHECK_MESSAGE(v == 7, v);
  output_of("gdal_create -q -of GTiff -ot Float32 -outsize 30 20 -a_nodata nan -co SPARSE_OK=TRUE " +
            folder / "nan.tif");
  for (const float v : read(folder / "nan.tif", 0)) CHECK_MESSAGE(v != v, v);
}

TEST_CASE("geotiff reader: each band has a name, a scale and an offset of its own, and the last may be alpha") {
  const TempFolder folder;
  const auto made = [&](const std::vector<std::uint16_t>& extra) {
    TiffMaker{
        .bands = 3,
        .samples = TiffBytes(12, 7),
        .more =
            [&](TiffDirectory& d) {
              d.shorts(338, extra);
              put_items(d, {{0, "SCALE", "0.5"}, {2, "SCALE", "2"}, {2, "OFFSET", "-3"}, {1, "DESCRIPTION", "B03"}});
            }}
        .put(folder / "x.tif");
    return GeoTiff(folder / "x.tif").info();
  };
  const GeoTiffInfo i = made({0, 2});
  CHECK(i.scale == std::vector<double>{0.5, 1, 2});
  CHECK(i.offset == std::vector<double>{0, 0, -3});
  CHECK(i.band_names == std::vector<std::string>{"", "B03", ""});
  CHECK(i.last_is_alpha);
  CHECK(made({0, 1}).last_is_alpha);
  CHECK_FALSE(made({2, 0}).last_is_alpha);  // GDAL's ALPHA=YES marks the second of any number of bands
}

TEST_CASE("geotiff reader: a place that is of no use is not none") {
  const TempFolder folder;
  const auto made = [&](const std::function<void(TiffDirectory&)>& more) {
    TiffMaker{.samples = {1, 2, 3, 4}, .more = more}.put(folder / "x.tif");
    return GeoTiff(folder / "x.tif").info();
  };
  const auto problem = [&](const std::vector<double>& matrix) {
    const GeoTiffInfo i = made([&](TiffDirectory& d) { put_matrix(d, matrix); });
    CHECK((i.pixel_size > 0) == i.place_problem.empty());
    return i.place_problem;
  };
  CHECK(problem({500, 10, 0, 900, 0, -10}).empty());
  CHECK(problem({500, 10, 1e-9, 900, -1e-9, -10.000001}).empty());
  CHECK(problem({500, 10, 0, 900, 0, 10}) == "it is flipped");
  CHECK(problem({500, -10, 0, 900, 0, -10}) == "it is flipped");
  CHECK(problem({500, 10, 1e-3, 900, 0, -10}) == "it is turned");
  CHECK(problem({500, 0, 10, 900, -10, 0}) == "it is turned");
  CHECK(problem({500, 10, 0, 900, 0, -10.01}) == "its pixels are not square");
  const GeoTiffInfo points = made([](TiffDirectory& d) {
    d.doubles(33922, {0, 0, 0, 500, 900, 0, 2, 2, 0, 520, 880, 0});
  });
  CHECK(points.place_problem == "it is turned");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const GeoTiffInfo damaged = made([&](TiffDirectory& d) { put_matrix(d, {500, nan, 0, 900, 0, -10}); });
  CHECK((damaged.pixel_size == 0 && damaged.place_problem.empty()));

  const auto epsg = [&](const std::vector<std::uint16_t>& keys) {
    return made([&](TiffDirectory& d) {
             put_matrix(d, {500, 10, 0, 900, 0, -10});
             std::vector<std::uint16_t> all = {1, 1, 0, static_cast<std::uint16_t>(keys.size() / 2)};
             for (std::size_t k = 0; k < keys.size(); k += 2) all.insert(all.end(), {keys[k], 0, 1, keys[k + 1]});
             if (!keys.empty()) d.shorts(34735, all);
           })
        .epsg;
  };
  CHECK(epsg({}) == 0);
  CHECK(epsg({1025, 1}) == 0);
  CHECK(epsg({1024, 1, 3072, 32631}) == 32631);
  CHECK(epsg({1024, 2, 2048, 4326}) == 4326);
  CHECK(epsg({1024, 1, 2048, 4326, 3072, 32767}) == kUncodedCrs);
  CHECK(epsg({1024, 1, 2048, 4326}) == kUncodedCrs);
  CHECK(epsg({1024, 2, 2048, 32767}) == kUncodedCrs);
  CHECK(epsg({1024, 1, 3072, 40000}) == kUncodedCrs);
}

// -9999 once wrapped round to 55537, which counted as data.
TEST_CASE("geotiff reader: what a sparse file does not store is its no-data value, whatever the samples") {
  const TempFolder folder;
  for (const auto& [bits, format] : std::vector<std::pair<int, int>>{{8, 1}, {16, 1}, {16, 2}, {32, 3}})
    for (const char* none : {"-9999", "-1", "0", "7", "65535", "1e30", ""}) {
      TiffMaker{.bits = bits,
                .format = format,
                .more =
                    [&](TiffDirectory& d) {
                      if (*none != 0) d.text(42113, none);
                    }}
          .put(folder / "x.tif");
      const float expected = *none != 0 ? std::stof(none) : 0;
      CHECK(read(folder / "x.tif", 0) == std::vector<float>(4, expected));
    }
}

TEST_CASE("geotiff reader: files of other kinds are refused by name") {
  const TempFolder folder;
  const auto refused = [&](Exit exit, const std::string& words, const std::string& file) {
    check_fails(exit, words, [&] { read(file, 0); });
  };
  put_file(folder / "text.tif", "this is not a picture");
  put_file(folder / "empty.tif", "");
  refused(Exit::unsupported, "text.tif|not a TIFF", folder / "text.tif");
  refused(Exit::unsupported, "empty.tif|not a TIFF", folder / "empty.tif");
  refused(Exit::missing_input, "none.tif", folder / "none.tif");
  if (!has_command("gdal_translate")) return note_skipped("needs gdal_translate, which is not installed");
  write(folder / "in.tif", options(8, 1));
  const auto made = [&](const std::string& how) {
    output_of("gdal_translate -q " + how + " " + folder / "in.tif" + " " + folder / "out.tif");
    return folder / "out.tif";
  };
  refused(Exit::unsupported, "out.tif|compression 7 (JPEG)", made("-co COMPRESS=JPEG"));
  refused(Exit::unsupported, "out.tif|64-bit samples of format 3", made("-ot Float64"));
  refused(Exit::unsupported, "out.tif|32-bit samples of format 1", made("-ot UInt32"));
  refused(Exit::unsupported, "out.tif|1-bit samples", made("-co NBITS=1 -scale 0 3 0 1"));
}

TEST_CASE("geotiff reader: damaged files fail or are read, and nothing else") {
  const TempFolder folder;
  Rng rng(11);
  int failed = 0, read_well = 0;
  for (const bool big : {false, true})
    for (const Compress compress : {Compress::none, Compress::deflate}) {
      GeoTiffOptions o = options(16, 2);
      o.width = 40;
      o.height = 30;
      o.compress = compress;
      o.predictor = true;
      o.always_big = big;
      write(folder / "good.tif", o);
      const std::string good = get_file(folder / "good.tif");
      for (int i = 0; i < 200; ++i) {
        std::string bad = good;
        // The directory is at the end: most of the damage goes there.
        const int lo = rng.between(0, 3) == 0 ? 0 : std::max(0, static_cast<int>(bad.size()) - 700);
        const auto at = static_cast<std::size_t>(rng.between(lo, static_cast<int>(bad.size()) - 1));
        if (rng.between(0, 5) == 0)
          bad.resize(at);
        else
          for (int k = rng.between(1, 4); k > 0; --k)
            bad[std::min(bad.size() - 1, at + static_cast<std::size_t>(rng.between(0, 8)))] =
                static_cast<char>(rng.between(0, 1) == 0 ? 0xff : rng.between(0, 255));
        put_file(folder / "bad.tif", bad);
        try {
          const GeoTiff tiff(folder / "bad.tif");
          const GeoTiffInfo& info = tiff.info();
          GeoTiffBand band(tiff, 0);
          std::vector<float> row(static_cast<std::size_t>(info.width));
          for (int y = 0; y < std::min(info.height, 100); ++y) band.read_rows(1, row.data(), info.width);
          ++read_well;
        } catch (const Failure& f) {
          CHECK(std::string(f.what()).find("bad.tif") != std::string::npos);
          ++failed;
        }
      }
    }
  CHECK(failed > 150);
  CHECK(read_well > 30);
}

TEST_CASE("geotiff reader: real files") {
  DTACS_NEEDS_DATA("s2/icor");
  for (const auto& e : std::filesystem::directory_iterator(shared_data("s2/icor"))) {
    if (e.path().extension() != ".tif") continue;
    const std::string path = e.path().string();
    INFO(path);
    const GeoTiffInfo i = GeoTiff(path).info();
    CHECK(i.width == 512);
    CHECK(i.height == 1024);
    CHECK(i.epsg == 32631);
    CHECK(i.no_data == 65535);
    const std::vector<float> v = read(path, 0);
    double sum = 0;
    for (const float x : v) sum += static_cast<double>(x);
    CHECK(sum / static_cast<double>(v.size()) > 10);
  }
}

}  // namespace dtacs::test
