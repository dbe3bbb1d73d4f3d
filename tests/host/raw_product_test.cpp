// SPDX-License-Identifier: Apache-2.0
#include "io/host/raw_product.h"

#include <doctest/doctest.h>

#include "tests/host/temp_folder.h"

namespace dtacs::test {
namespace {

constexpr int kWidth = 13, kHeight = 7;

int sample(int band, int y, int x) {
  return 10000 * band + 100 * y + x;
}

std::string raw_bytes(int bands, bool big_endian, int header) {
  std::string s(static_cast<std::size_t>(header), 'h');
  for (int b = 0; b < bands; ++b)
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        const int v = sample(b, y, x);
        const char low = static_cast<char>(v & 255), high = static_cast<char>(v >> 8);
        s += big_endian ? high : low;
        s += big_endian ? low : high;
      }
  return s;
}

// Reads a window in uneven steps; `place` is the band's place in the file.
void check_read(const Product& product, int index, int place, const PixelWindow& window) {
  const auto reader = product.open_band(index, {.window = window});
  const PixelWindow w = window.width != 0 ? window : PixelWindow{0, 0, kWidth, kHeight};
  REQUIRE((reader->width() == w.width && reader->height() == w.height));
  const int stride = w.width + 2;
  std::vector<std::uint16_t> rows(static_cast<std::size_t>(stride * w.height), 1);
  const int first = w.height / 3;
  reader->read_rows(first, rows.data(), stride);
  reader->read_rows(w.height - first, rows.data() + first * stride, stride);
  int wrong = 0;
  for (int y = 0; y < w.height; ++y)
    for (int x = 0; x < stride; ++x)
      wrong += rows[static_cast<std::size_t>(y * stride + x)] != (x < w.width ? sample(place, w.y + y, w.x + x) : 1);
  CHECK(wrong == 0);
}

const std::string kEnvi =
    "ENVI\ndescription = {\n  two lines, with = and\n  samples = 99 }\nsamples = 13\nLines   = 7\nbands   = 3\n"
    "header offset = 0\nfile type = ENVI Standard\ndata type = 12\ninterleave = BSQ\nbyte order = 0\n"
    "map info = {UTM, 1.000, 1.000, 399960.000, 4693200.000, 1.0e+1, 10, 31, North, WGS-84, units=Meters}\n"
    "band names = {\n B8A (865 nm),\n Reflectance B02,\n b12}\ndata ignore value = 0\n";

std::string with(const std::string& from, const std::string& to) {
  std::string s = kEnvi;
  const std::size_t at = s.find(from);
  REQUIRE(at != std::string::npos);
  return s.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("raw: a flag line alone, both byte orders, windows") {
  const TempFolder folder;
  for (const bool big : {false, true}) {
    put_file(folder / "p.u16", raw_bytes(3, big, 5));
    const std::string flags = std::string(
                                  "width=13, height=7,bands=B8A+2+b12,res=20,epsg=32631,ulx=399960,uly=4693200.5,"
                                  "offset=-1000,quantification=20000,header=5,nodata=7,order=") +
                              (big ? "big" : "little");
    const auto product = open_product(folder / "p.u16", {.raw_header = flags});
    const ProductInfo& info = product->info();
    CHECK(info.layout == "raw");
    CHECK(info.name == "p.u16");
    CHECK((info.epsg == 32631 && info.ulx == 399960 && info.uly == 4693200.5 && info.ground_scale == 1));
    CHECK((info.quantification == 20000 && info.no_data == 7));
    CHECK((info.quantification_known && info.offset_known));
    REQUIRE(info.bands.size() == 3);
    CHECK((info.bands[0].band == 1 && info.bands[1].band == 8 && info.bands[2].band == 12));  // ascending
    for (const BandInfo& b : info.bands) {
      CHECK((b.width == 13 && b.height == 7 && b.pixel_size == 20 && b.add_offset == -1000));
      CHECK(b.path == folder / "p.u16");
    }
    for (const PixelWindow& w :
         {PixelWindow{}, PixelWindow{0, 0, 13, 7}, PixelWindow{3, 2, 5, 4}, PixelWindow{12, 6, 1, 1}}) {
      check_read(*product, 0, 1, w);
      check_read(*product, 1, 0, w);
      check_read(*product, 2, 2, w);
    }
    for (const PixelWindow& w : {PixelWindow{-1, 0, 3, 3}, PixelWindow{0, 0, 14, 7}, PixelWindow{10, 0, 4, 1},
                                 PixelWindow{0, 7, 1, 1}, PixelWindow{0, 0, 1, -1}, PixelWindow{2147483647, 0, 1, 1}})
      check_fails(Exit::usage, "p.u16|window", [&] { product->open_band(0, {.window = w}); });
  }
}

TEST_CASE("raw: an ENVI header, found from either file") {
  const TempFolder folder;
  put_file(folder / "p.hdr", kEnvi);
  put_file(folder / "p.img", raw_bytes(3, false, 0));
  put_file(folder / "q.raw.hdr", kEnvi);
  put_file(folder / "q.raw", raw_bytes(3, false, 0));
  put_file(folder / "bare.hdr", kEnvi);
  put_file(folder / "bare", raw_bytes(3, false, 0));
  put_file(folder / "u.HDR", kEnvi);
  put_file(folder / "u.bsq", raw_bytes(3, false, 0));
  for (const char* path : {"p.hdr", "p.img", "q.raw", "q.raw.hdr", "bare", "bare.hdr", "u.HDR", "u.bsq"}) {
    CAPTURE(path);
    const auto product = open_product(folder / path);
    const ProductInfo& info = product->info();
    CHECK((info.epsg == 32631 && info.ulx == 399960 && info.uly == 4693200));
    CHECK_FALSE((info.quantification_known || info.offset_known));
    REQUIRE(info.bands.size() == 3);
    CHECK((info.bands[0].band == 1 && info.bands[1].band == 8 && info.bands[2].band == 12 &&
           info.bands[0].pixel_size == 10));
    check_read(*product, 0, 1, {});
    check_read(*product, 1, 0, {});
  }
  // The flag line wins.
  const auto product = open_product(folder / "p.img", {.raw_header = "bands=B02+B03+B04,offset=-5,res=60"});
  CHECK((product->info().bands[0].band == 1 && product->info().bands[2].band == 3));
  CHECK((product->info().bands[0].add_offset == -5 && product->info().bands[0].pixel_size == 60));
  check_read(*product, 0, 0, {});
}

TEST_CASE("raw: what an ENVI header can say") {
  const auto parsed = [](const std::string& text) {
    RawHeader h;
    parse_envi_header(text, "p.hdr", h);
    return h;
  };
  CHECK(parsed(with("North", "South")).epsg == 32731);
  const RawHeader middle = parsed(with("1.000, 1.000", "1.5, 1.5"));  // tied by the middle of the first pixel
  CHECK((middle.ulx == 399955 && middle.uly == 4693205));
  CHECK_FALSE(parsed(with("UTM", "Geographic Lat/Lon")).epsg.has_value());
  const RawHeader degrees = parsed(with("UTM, 1.000, 1.000, 399960.000, 4693200.000, 1.0e+1, 10, 31, North, WGS-84",
                                        "Geographic Lat/Lon, 1, 1, 2.1, 42.3, 0.0001, 0.00009, WGS-84"));
  CHECK((!degrees.epsg && degrees.width == 13 && degrees.pixel == RawHeader{}.pixel));
  CHECK_FALSE(parsed(with("units=Meters", "units=Meters, rotation=30")).epsg.has_value());
  CHECK_FALSE(parsed(with("units=Meters", "units=Meters, rotation=-0.50")).epsg.has_value());
  CHECK_FALSE(parsed(with("units=Meters", "rotation = 1e1, units=Meters")).epsg.has_value());
  for (const char* none : {"rotation=0", "rotation=0.0", "rotation=0.00000000", "Rotation = -0"})
    CHECK(parsed(with("units=Meters", none)).epsg == 32631);
  CHECK(parsed(with("byte order = 0", "byte order = 1")).big_endian);
  CHECK(parsed(with("header offset = 0", "header offset = 128")).header_bytes == 128);
  CHECK(parsed(with("1.0e+1, 10", "3, 3")).pixel == 3);
  CHECK(parsed("ENVI\r\nsamples = 2\r\nlines = 3\r\nbands = 13\r\n").bands.size() == kBandCount);
  CHECK(parsed("ENVI\nbands = 13\nband names = {Band 1, Band 2}\n").bands.size() == kBandCount);  // as GDAL writes
  CHECK(parsed("ENVI\nbands = 2\nband names = {Band 1, Band 2}\n").bands.empty());
  CHECK(parsed("ENVI\nreflectance scale factor = 5000\n").quantification == 5000);
  const auto gain = [](const std::string& of, const std::string& more = "") {
    return "ENVI\nbands = 2\ndata gain values = {" + of + "}\n" + more;
  };
  const RawHeader gains = parsed(gain("0.0001, 1e-4", "data offset values = {-0.1, -0.1}\n"));
  CHECK(gains.quantification == doctest::Approx(10000));
  CHECK((gains.add_offset == -1000 && gains.offset_known && gains.quantification_known));
  CHECK(parsed(gain("2.75e-5, 2.75e-5", "data offset values = {-0.2, -0.2}\n")).add_offset == -7273);  // Landsat
  CHECK_FALSE(parsed(gain("1, 1", "data offset values = {0, 0}\n")).offset_known);
  CHECK(parsed(gain("1e-4, 1e-4", "reflectance scale factor = 10000\n")).quantification == doctest::Approx(10000));
  CHECK(parsed(with("value = 0", "value = 9")).no_data == 9);
  for (const char* other : {"value = -9999", "value = nan", "value = 1e20"})  // of other data types
    CHECK(parsed(with("value = 0", other)).no_data == 0);

  const auto refused = [&](Exit exit, const std::string& text, const std::string& words) {
    check_fails(exit, "p.hdr|" + words, [&] { parsed(text); });
  };
  refused(Exit::bad_data, "", "not an ENVI header");
  refused(Exit::bad_data, "BSQ\nsamples = 1", "not an ENVI header");
  refused(Exit::unsupported, with("data type = 12", "data type = 4"), "data type 4, expected 12");
  refused(Exit::unsupported, with("BSQ", "bil"), "interleave bil, expected bsq");
  refused(Exit::bad_data, with("samples = 13", "samples = -13"), "samples is \"-13\"");
  refused(Exit::bad_data, with("samples = 13", "samples = 1e30"), "samples");
  refused(Exit::bad_data, with("samples = 13", "samples = 13.5"), "whole number");
  refused(Exit::bad_data, with("byte order = 0", "byte order = 2"), "byte order");
  refused(Exit::bad_data, with("b12}", "b12"), "band names is never closed");
  refused(Exit::bad_data, with("b12", "NDVI"), "band names");
  refused(Exit::bad_data, with("b12", "B02"), "every band once");
  refused(Exit::bad_data, with(",\n b12", ""), "2 band names for 3 bands");
  refused(Exit::bad_data, with("value = 0", "value = 1.5"), "whole number");
  refused(Exit::bad_data, with("value = 0", "value = none"), "sensible number");
  refused(Exit::bad_data, with("1.0e+1, 10", "10, 20"), "square pixels");
  refused(Exit::unsupported, gain("1e-4, 2e-4"), "data gain values differ from band to band");
  refused(Exit::bad_data, gain("1e-4"), "a number for each band");
  refused(Exit::bad_data, gain("12, 12"), "gains of reflectance");
  refused(Exit::bad_data, gain("1e-4, 1e-4", "reflectance scale factor = 5000\n"),
          "what reflectance scale factor says");
  refused(Exit::bad_data, gain("1e-4, 1e-4", "data offset values = {-7, -7}\n"), "at most 65535 samples");
  refused(Exit::bad_data, "ENVI\ndata offset values = {-1000}\n", "gains of reflectance");
  refused(Exit::bad_data, with("units=Meters", "rotation=north"), "sensible number");
}

TEST_CASE("raw: wrong flag lines and files that do not fit them") {
  const TempFolder folder;
  put_file(folder / "p.u16", raw_bytes(1, false, 0));
  const auto refused = [&](Exit exit, const std::string& flags, const std::string& words) {
    check_fails(exit, words, [&] { open_product(folder / "p.u16", {.raw_header = flags}); });
  };
  CHECK(open_product(folder / "p.u16", {.raw_header = "width=13,height=7,bands=B02"})->info().bands.size() == 1);
  refused(Exit::bad_data, "width=13,height=8,bands=B02", "p.u16: 182 bytes, expected 208 for 1 bands of 13 x 8");
  refused(Exit::bad_data, "width=13,height=6,bands=B02", "p.u16: 182 bytes, expected 156");
  refused(Exit::bad_data, "width=1000000,height=1000000,bands=B02+B03", "expected 4000000000000");
  refused(Exit::bad_data, "width=13,height=7,bands=B02,header=1", "182 bytes, expected 183");
  refused(Exit::usage, "width=13,height=7", "names no bands");
  refused(Exit::usage, "bands=B02", "no width and height");
  refused(Exit::usage, "width=13,height=7,bands=B02+B14", "bands is \"B02+B14\"");
  refused(Exit::usage, "width=13,height=7,bands=B02+B2", "every band once");
  refused(Exit::usage, "width=0,height=7,bands=B02", "width is \"0\"");
  refused(Exit::usage, "width,height=7", "width is \"\"");
  refused(Exit::usage, "width=13;height=7", "width is \"13;height=7\"");
  refused(Exit::usage, "colour=blue", "unknown field \"colour\"");
  refused(Exit::usage, "order=middle", "little or big");
  refused(Exit::usage, "epsg=4326", "a projected system");
  const auto scaled = open_product(folder / "p.u16", {.raw_header = "width=13,height=7,bands=B02,res=3"});
  CHECK((scaled->info().bands[0].pixel_size == 10 && scaled->info().ground_scale == doctest::Approx(0.3)));

  put_file(folder / "alone.hdr", kEnvi);
  check_fails(Exit::missing_input, "alone.hdr|no data file", [&] { open_product(folder / "alone.hdr"); });
}

TEST_CASE("raw: a projection without a corner once placed the image at 0, 0") {
  const TempFolder folder;
  put_file(folder / "p.u16", raw_bytes(1, false, 0));
  const auto info = [&](const std::string& place) {
    return open_product(folder / "p.u16", {.raw_header = "width=13,height=7,bands=B02" + place})->info();
  };
  for (const char* part :
       {",epsg=32631", ",epsg=32631,ulx=399960", ",epsg=32631,uly=4693200", ",ulx=399960", ",ulx=399960,uly=4693200"})
    check_fails(Exit::usage, "p.u16|epsg, ulx and uly", [&] { info(part); });
  CHECK(info("").epsg == 0);
  CHECK(info(",epsg=0").epsg == 0);
  CHECK(info(",epsg=32631,ulx=0,uly=0").epsg == 32631);
  // The rest of a place may stand in an ENVI header.
  put_file(folder / "p.hdr", "ENVI\nmap info = {UTM, 1, 1, 399960, 4693200, 10, 10, 31, North, WGS-84}\n");
  const ProductInfo moved = info(",epsg=32632,uly=5");
  CHECK((moved.epsg == 32632 && moved.ulx == 399960 && moved.uly == 5));
}

TEST_CASE("raw: a file that shrinks while it is read is bad data") {
  const TempFolder folder;
  put_file(folder / "p.u16", raw_bytes(1, false, 0));
  const auto product = open_product(folder / "p.u16", {.raw_header = "width=13,height=7,bands=B02"});
  const auto reader = product->open_band(0, {});
  std::filesystem::resize_file(folder / "p.u16", 100);
  std::vector<std::uint16_t> rows(13 * 7);
  check_fails(Exit::bad_data, "p.u16|shorter", [&] { reader->read_rows(7, rows.data(), 13); });
}

}  // namespace dtacs::test
