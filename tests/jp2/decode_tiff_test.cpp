// SPDX-License-Identifier: Apache-2.0
// `dtacs decode -o OUT.tif`: samples, their format and their place.
#include <doctest/doctest.h>

#include "tests/host/tiff_probe.h"
#include "tests/jp2/codestream_maker.h"
#include "tests/support/shared_data.h"
#include "tests/support/tools.h"
#include "tools/run/decode.h"

namespace dtacs::test {
namespace {

constexpr int kCompression = 259, kSampleFormat = 339, kPixelScale = 33550, kTiePoint = 33922;
const std::string kFolder = DTACS_SOURCE_DIR "/tests/data/jp2/";

void decode_with(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& w : words) pointers.push_back(w.data());
  Args args(static_cast<int>(pointers.size()), pointers.data());
  decode_command(args);
}

void check_samples(const TiffProbe& tiff, const Image& want) {
  REQUIRE(tiff.value(256) == want.width);
  REQUIRE(tiff.value(257) == want.height);
  const int mask = (1 << tiff.value(258)) - 1;
  const std::vector<int> got = tiff.band(0);
  REQUIRE(got.size() == want.pixels.size());
  int wrong = 0;
  for (std::size_t i = 0; i < got.size(); ++i) wrong += got[i] != (want.pixels[i] & mask);
  CHECK(wrong == 0);
}

// The upper-left corner and the size of a pixel, by the tags and, where it is installed, by GDAL.
void check_place(const std::string& path, double ulx, double uly, double pixel) {
  const TiffProbe tiff(path);
  const auto& scale = tiff.numbers.at(kPixelScale);
  const auto& tie = tiff.numbers.at(kTiePoint);
  CHECK((scale[0] == pixel && scale[1] == pixel));
  CHECK((tie[0] == 0 && tie[1] == 0 && tie[3] == ulx && tie[4] == uly));
  if (!has_command("gdalinfo")) return note_skipped("the place against GDAL: gdalinfo is not installed");
  char line[160];
  std::snprintf(line, sizeof line, "Origin = (%.15f,%.15f)\nPixel Size = (%.15f,%.15f)\n", ulx, uly, pixel, -pixel);
  const std::string info = output_of("gdalinfo '" + path + "'");
  CHECK_MESSAGE(info.find(line) != std::string::npos, info);
}

// A JP2 file around a codestream, placed by GML.
std::string placed(const CodestreamMaker& m, const std::string& packets, double ulx, double uly, double pixel) {
  const Bytes stream = m.file(packets);
  return Jp2Maker{.gml = gml_grid(32631, ulx, uly, pixel),
                  .stream = std::string(reinterpret_cast<const char*>(stream.data()), stream.size())}
      .file();
}

}  // namespace

TEST_CASE("decode: GeoTIFF samples of 8 and 16 bits, signed and not") {
  const TempFolder scratch;
  const std::string out = scratch / "out.tif";
  int eight = 0, signed_ones = 0;
  for (const char* name : {"signed.j2k", "plain.j2k", "s2_20m.jp2", "rct.j2k", "ict.j2k"}) {
    CAPTURE(name);
    Image want;
    REQUIRE(decode(read_file(kFolder + name), {}, want).ok());
    for (const bool deflate : {false, true}) {
      std::vector<std::string> words = {kFolder + name, "-o", out};
      if (deflate) words.push_back("--deflate");
      decode_with(words);
      const TiffProbe tiff(out);
      CHECK(tiff.value(kCompression) == (deflate ? 8 : 1));
      CHECK(tiff.value(258) == (want.bits <= 8 ? 8 : 16));
      CHECK(tiff.value(kSampleFormat) == (want.is_signed ? 2 : 1));
      check_samples(tiff, want);
    }
    eight += want.bits <= 8 ? 1 : 0;
    signed_ones += want.is_signed ? 1 : 0;
  }
  CHECK(eight > 0);
  CHECK(signed_ones > 0);

  // A signed component of 8 bits, whose bytes must not become words on the way.
  const CodestreamMaker m{.width = 9, .height = 5, .tile_width = 9, .tile_height = 5, .components = {{8, 1, 1, true}}};
  const Bytes file = m.file(std::string(1, '\0'));
  put_file(scratch / "s8.j2k", std::string(reinterpret_cast<const char*>(file.data()), file.size()));
  decode_with({scratch / "s8.j2k", "-o", out});
  const TiffProbe tiff(out);
  CHECK((tiff.value(258) == 8 && tiff.value(kSampleFormat) == 2));
  CHECK(tiff.band(0) == std::vector<int>(45, 0));
  CHECK(tiff.numbers.count(kTiePoint) == 0);
}

TEST_CASE("decode: GDAL reads signed samples as signed") {
  if (!has_command("gdalinfo")) return note_skipped("gdalinfo is not installed");
  const TempFolder scratch;
  Image want;
  REQUIRE(decode(read_file(kFolder + "signed.j2k"), {}, want).ok());
  decode_with({kFolder + "signed.j2k", "-o", scratch / "out.tif"});
  int low = want.value(0), high = low;
  for (std::size_t i = 0; i < want.pixels.size(); ++i) {
    low = std::min(low, want.value(i));
    high = std::max(high, want.value(i));
  }
  REQUIRE(low < 0);
  char line[80];
  std::snprintf(line, sizeof line, "Minimum=%d.000, Maximum=%d.000", low, high);
  const std::string info = output_of("gdalinfo -stats '" + (scratch / "out.tif") + "'");
  CHECK_MESSAGE(info.find("Type=Int16") != std::string::npos, info);
  CHECK_MESSAGE(info.find(line) != std::string::npos, info);
}

TEST_CASE("decode: a window of a reduced band lies where it should") {
  const TempFolder scratch;
  const std::string in = scratch / "in.jp2", out = scratch / "out.tif";
  CodestreamMaker m{.width = 64, .height = 48, .tile_width = 64, .tile_height = 48, .levels = 2};
  put_file(in, placed(m, std::string(3, '\0'), 399960, 4693200, 10));
  decode_with({in, "-o", out});
  check_place(out, 399960, 4693200, 10);
  decode_with({in, "-o", out, "--window", "7,5,20,10"});
  check_place(out, 399960 + 70, 4693200 - 50, 10);
  decode_with({in, "-o", out, "--window", "3,2,9,8", "--reduce", "2"});
  check_place(out, 399960 + 3 * 40, 4693200 - 2 * 40, 40);
}

TEST_CASE("decode: a subsampled component lies where the image does") {
  const TempFolder scratch;
  const std::string in = scratch / "in.jp2", out = scratch / "out.tif";
  CodestreamMaker m{.width = 64, .height = 48, .tile_width = 64, .tile_height = 48, .levels = 1};
  m.components = {{}, {8, 2, 2}, {8, 2, 1}};
  put_file(in, placed(m, std::string(6, '\0'), 500000, 4000000, 10));
  decode_with({in, "-o", out, "--component", "1"});
  check_place(out, 500000, 4000000, 20);
  CHECK(TiffProbe(out).value(256) == 32);
  decode_with({in, "-o", out, "--component", "1", "--window", "4,3,5,6", "--reduce", "1"});
  check_place(out, 500000 + 4 * 40, 4000000 - 3 * 40, 40);
  // Pixels that are not square have no place in these files.
  decode_with({in, "-o", out, "--component", "2"});
  CHECK(TiffProbe(out).numbers.count(kTiePoint) == 0);

  // On an odd corner the first sample is one pixel into the image.
  m.x0 = m.y0 = 3;
  put_file(in, placed(m, std::string(6, '\0'), 500000, 4000000, 10));
  decode_with({in, "-o", out, "--component", "1"});
  check_place(out, 500010, 3999990, 20);
}

TEST_CASE("decode: rounding in a place costs it nothing; a place that cannot be written is told") {
  const TempFolder scratch;
  const std::string in = scratch / "in.jp2", out = scratch / "out.tif";
  const CodestreamMaker m{.width = 64, .height = 48, .tile_width = 64, .tile_height = 48};
  const std::string file = placed(m, std::string(1, '\0'), 399960, 4693200, 10), across = "10.000000 0<";
  REQUIRE(file.find(across) != std::string::npos);
  const auto decode_as = [&](const std::string& step) {
    std::string other = file;
    put_file(in, other.replace(other.find(across), across.size(), step));
    return output_of("'" DTACS_BINARY "' decode '" + in + "' -o '" + out + "' 2>&1");
  };
  CHECK(decode_as("10.000001 0<") == "");
  CHECK(TiffProbe(out).numbers.count(kTiePoint) == 1);
  const std::string line = "dtacs: " + in + ": warning: written without a place: ";
  CHECK(decode_as("12.000000 0<") == line + "its pixels are not square\n");
  CHECK(TiffProbe(out).numbers.count(kTiePoint) == 0);
  CHECK(decode_as("10.000000 3<") == line + "it is turned\n");
}

TEST_CASE("decode: what is lost of a damaged file is told") {
  const TempFolder scratch;
  const std::string in = scratch / "in.j2k", out = scratch / "out.tif";
  const Bytes whole = read_file(kFolder + "plain.j2k");
  put_file(in, std::string(reinterpret_cast<const char*>(whole.data()), whole.size() - 30));
  const std::string decode = "'" DTACS_BINARY "' decode '" + in + "' -o '" + out + "'";
  CHECK_FALSE(succeeds(decode + " 2>/dev/null"));
  CHECK_FALSE(std::filesystem::exists(out));
  CHECK(output_of(decode + " --lenient 2>&1") ==
        "dtacs: warning: " + in +
            ": truncated JPEG 2000 file: Psot points outside the file; what is lost is mid-grey\n");
  CHECK(TiffProbe(out).value(256) > 0);
  CHECK(output_of("'" DTACS_BINARY "' decode '" + kFolder + "plain.j2k' -o '" + out + "' --lenient 2>&1") == "");
}

}  // namespace dtacs::test
