// SPDX-License-Identifier: Apache-2.0
// The decoder on tests/data/jp2: every feature of JPEG 2000 Part 1 in a few hundred
// bytes each (tools/golden/make_jp2_golden.py), and properties that hold for all.
#include <doctest/doctest.h>

#include <sstream>

#include "tests/jp2/codestream_maker.h"
#include "tests/jp2/jp2_support.h"
#include "tests/support/suite.h"

namespace dtacs::test {
namespace {

struct Expected {
  std::string file;
  int component, reduce, width, height, bits, is_signed;
  std::uint32_t crc;
};

const std::string kFolder = DTACS_SOURCE_DIR "/tests/data/jp2/";

std::vector<Expected> expected() {
  std::ifstream in(kFolder + "expected.txt");
  std::vector<Expected> all;
  for (std::string line; std::getline(in, line);) {
    std::istringstream s(line);
    Expected e;
    s >> e.file >> e.component >> e.reduce >> e.width >> e.height >> e.bits >> e.is_signed >> std::hex >> e.crc;
    if (s) all.push_back(e);
  }
  return all;
}

}  // namespace

TEST_CASE("jp2: every golden file decodes to its pixels at every resolution") {
  const auto all = expected();
  CHECK(all.size() > 150);
  for (const Expected& e : all) {
    INFO(e.file << " component " << e.component << " reduce " << e.reduce);
    for (const IsaSet isa : isa_sets()) {
      INFO("isa " << isa);
      Image image;
      const jp2::Outcome o =
          decode(read_file(kFolder + e.file), {.component = e.component, .reduce = e.reduce, .isa = isa}, image);
      CHECK_MESSAGE(o.ok(), o.detail);
      CHECK(image.width == e.width);
      CHECK(image.height == e.height);
      CHECK(image.bits == e.bits);
      CHECK(image.is_signed == (e.is_signed != 0));
      CHECK(crc32(image) == e.crc);
    }
  }
}

TEST_CASE("jp2: threads and the number of rows asked for do not change a pixel") {
  for (const Expected& e : expected()) {
    if (e.reduce > 1 || e.component > 0) continue;
    INFO(e.file << " component " << e.component << " reduce " << e.reduce);
    const Bytes file = read_file(kFolder + e.file);
    const jp2::Options options{.component = e.component, .reduce = e.reduce, .isa = detect_isa()};
    Image one, other;
    REQUIRE(decode(file, options, one, 1, 1).ok());
    for (const auto& [threads, rows] : {std::pair{1, 7}, {1, 100000}, {2, 16}, {3, 5}, {4, 9}, {8, 32}}) {
      REQUIRE(decode(file, options, other, threads, rows).ok());
      CHECK(one == other);
    }
  }
}

TEST_CASE("jp2: a window is a crop of the whole") {
  Rng rng(7);
  for (const Expected& e : expected()) {
    const Bytes file = read_file(kFolder + e.file);
    jp2::Options options{.component = e.component, .reduce = e.reduce, .isa = detect_isa()};
    Image whole, part;
    REQUIRE(decode(file, options, whole).ok());
    for (int i = 0; i < 8; ++i) {
      options.x = rng.between(0, whole.width - 1);
      options.y = rng.between(0, whole.height - 1);
      // Every other one is small: then most of what is synthesised is margin.
      const int most = i % 2 == 0 ? 1 << 20 : 4;
      options.width = rng.between(1, std::min(whole.width - options.x, most));
      options.height = rng.between(1, std::min(whole.height - options.y, most));
      INFO(e.file << " component " << e.component << " reduce " << e.reduce << " window " << options.x << ","
                  << options.y << "," << options.width << "," << options.height);
      REQUIRE(decode(file, options, part).ok());
      CHECK(part == crop(whole, options.x, options.y, options.width, options.height));
    }
  }
}

TEST_CASE("jp2: wrong requests are refused") {
  const Bytes file = read_file(kFolder + "plain.j2k");
  Image image;
  const auto status = [&](const jp2::Options& o) { return decode(file, o, image).status; };
  CHECK(status({.component = 1}) == Status::wrong_shape);
  CHECK(status({.reduce = 4}) == Status::wrong_shape);  // it has three levels
  CHECK(status({.x = 60, .y = 0, .width = 11, .height = 1}) == Status::wrong_shape);
  CHECK(status({.x = 0, .y = 60, .width = 1, .height = 2}) == Status::wrong_shape);
  CHECK(status({.x = -1, .y = 0, .width = 1, .height = 1}) == Status::wrong_shape);
  CHECK(status({.max_pixels = 70 * 61 - 1}) == Status::unsupported);
  CHECK(status({.max_pixels = 70 * 61}) == Status::ok);

  jp2::Decoder d;
  Memory memory;
  REQUIRE(memory.open(d, file, {}).ok());
  // The only sample of a component on an odd column is lost by halving.
  const Bytes odd = CodestreamMaker{.width = 1, .height = 1, .x0 = 1, .y0 = 0, .levels = 1}.file(std::string(1, '\0'));
  CHECK(decode(odd, {.reduce = 1}, image).status == Status::wrong_shape);
  CHECK(decode(odd, {}, image).ok());
  std::vector<std::uint16_t> rows(70 * 62);
  CHECK(d.read_rows(62, rows.data(), 70, Parallel::serial()).status == Status::wrong_shape);
}

TEST_CASE("jp2: probe tells size and depth without memory") {
  jp2::ImageInfo info;
  REQUIRE(jp2::probe(read_file(kFolder + "signed.j2k"), 0, info).ok());
  CHECK(info.image.width() == 50);
  CHECK(info.image.height() == 40);
  CHECK(info.component.bits == 12);
  CHECK(info.component.is_signed);
  CHECK(info.components == 1);
  CHECK(jp2::probe(read_file(kFolder + "signed.j2k"), 1, info).status == Status::wrong_shape);
}

}  // namespace dtacs::test
