// SPDX-License-Identifier: Apache-2.0
// Bytes nobody should trust: whatever is in a file, the decoder answers with pixels
// or a reason, within bounds of time and memory.
#include <doctest/doctest.h>

#include <cstring>

#include "tests/jp2/jp2_support.h"
#include "tests/support/shared_data.h"
#include "tests/support/suite.h"

namespace dtacs::test {
namespace {

const std::string kFolder = DTACS_SOURCE_DIR "/tests/data/jp2/";

const char* const kSeeds[] = {
    "s2_10m.jp2", "s2_60m.jp2", "pcrl_subsampled.j2k", "poc.j2k",     "all_styles.j2k", "bypass_layers.j2k", "ict.j2k",
    "ppt.j2k",    "ppm.j2k",    "tile_headers.j2k",    "offsets.j2k", "roi.j2k",        "terminate_all.j2k"};

// Decodes with both kinds of strictness; the test is that it comes back, and that all
// instruction sets say and decode the same.
void survive(std::span<const std::byte> file) {
  // A copy of the exact size, so that a sanitizer sees the first byte too far.
  const Bytes copy(file.begin(), file.end());
  for (const bool strict : {true, false}) {
    Image image, other;
    const jp2::Outcome o = decode(copy, {.strict = strict, .max_pixels = 1 << 20}, image);
    CHECK((o.ok() || o.detail[0] != '\0'));
    for (const IsaSet isa : isa_sets()) {
      if (isa == isa::none) continue;
      const jp2::Outcome o2 = decode(copy, {.strict = strict, .isa = isa, .max_pixels = 1 << 20}, other);
      CHECK(o2.status == o.status);
      if (o.ok()) CHECK(other == image);
    }
  }
}

void put(Bytes& file, std::size_t at, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) file[at + static_cast<std::size_t>(i)] = static_cast<std::byte>(v >> (24 - 8 * i));
}

// Of the first marker 0xff, `code`.
std::size_t find_marker(const Bytes& file, std::uint8_t code) {
  std::size_t at = 0;
  while (!(file[at] == std::byte{0xff} && file[at + 1] == std::byte{code})) ++at;
  return at;
}

}  // namespace

TEST_CASE("jp2: a file cut anywhere is truncated, or decodes as far as it goes") {
  for (const char* name : kSeeds) {
    const Bytes file = read_file(kFolder + name);
    INFO(name);
    int complete = 0;
    for (std::size_t n = 0; n < file.size(); n += n < 300 ? 1 : 7) {
      const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n));
      Image image;
      const jp2::Outcome o = decode(cut, {}, image);
      if (o.ok()) ++complete;  // only EOC may be missing
      CHECK((o.ok() || o.status == Status::truncated || o.status == Status::bad_magic || o.status == Status::corrupt));
      survive(cut);
    }
    CHECK(complete <= 1);
  }
}

TEST_CASE("jp2: flipped bytes never crash") {
  Rng rng(20240611);
  for (const char* name : kSeeds) {
    const Bytes file = read_file(kFolder + name);
    INFO(name);
    for (int i = 0; i < 150; ++i) {
      Bytes bad = file;
      // Half of the flips go to the headers, where they do most.
      const int reach =
          i % 2 == 0 ? static_cast<int>(std::min<std::size_t>(bad.size(), 200)) : static_cast<int>(bad.size());
      for (int k = rng.between(1, 3); k > 0; --k)
        bad[static_cast<std::size_t>(rng.between(0, reach - 1))] = static_cast<std::byte>(rng.between(0, 255));
      survive(bad);
    }
  }
}

TEST_CASE("jp2: headers that lie about sizes are refused before memory is taken") {
  const Bytes good = read_file(kFolder + "plain.j2k");
  const auto refused = [&](auto change, const char* what) {
    Bytes bad = good;
    change(bad);
    jp2::Decoder d;
    Memory memory;
    const jp2::Outcome o = memory.open(d, bad, {});
    CHECK_MESSAGE(!o.ok(), what);
    CHECK_MESSAGE(memory.size < 1 << 20, what);
  };
  // SIZ: marker at 2, Xsiz at 8, Ysiz at 12, offsets at 16, tile size at 24, tile offsets at 32.
  refused([](Bytes& b) { put(b, 8, 0xffffffffu); }, "width 2^32 - 1");
  refused([](Bytes& b) { put(b, 8, 0x7fffffffu), put(b, 12, 0x7fffffffu); }, "2^62 pixels");
  refused([](Bytes& b) { put(b, 24, 1), put(b, 28, 1); }, "more tiles than bytes");
  refused([](Bytes& b) { put(b, 8, 60000), put(b, 24, 1), put(b, 28, 1); }, "2^21 tiles");
  refused([](Bytes& b) { put(b, 24, 0); }, "tiles without width");
  refused([](Bytes& b) { put(b, 16, 70); }, "an image that is all offset");
  refused([](Bytes& b) { put(b, 32, 1); }, "a tile that begins inside the image");
  refused([](Bytes& b) { b[40] = b[41] = std::byte{0xff}; }, "65535 components");
  refused([](Bytes& b) { b[43] = std::byte{0}; }, "a component without samples");
}

TEST_CASE("jp2: a few bytes that declare many layers hold the first of them") {
  // Others may have been left out, and those that are read are the same ones.
  const Bytes good = read_file(kFolder + "plain.j2k");
  Bytes many = good;
  many[find_marker(good, 0x52) + 6] = std::byte{0x40};  // COD: 2^14 more
  Image want, got;
  REQUIRE(decode(good, {}, want).ok());
  REQUIRE(decode(many, {}, got).ok());
  CHECK(want == got);
}

TEST_CASE("jp2: a few bytes that declare many precincts are truncated") {
  // Of 2 x 2 samples each: refused by counting, not by trying.
  Bytes bad = read_file(kFolder + "plain.j2k");
  bad[11] = bad[27] = std::byte{255};  // SIZ: columns of the image and of a tile
  const auto cod = static_cast<std::ptrdiff_t>(find_marker(bad, 0x52));
  const int resolutions = static_cast<int>(bad[static_cast<std::size_t>(cod) + 9]) + 1;
  bad[static_cast<std::size_t>(cod) + 3] = static_cast<std::byte>(12 + resolutions);  // Lcod
  bad[static_cast<std::size_t>(cod) + 4] |= std::byte{1};                             // Scod
  bad.insert(bad.begin() + cod + 14, static_cast<std::size_t>(resolutions), std::byte{0x11});
  Image image;
  const jp2::Outcome o = decode(bad, {}, image);
  CHECK(o.status == Status::truncated);
  CHECK(std::string(o.detail) == "a tile has fewer bytes than precincts");
}

TEST_CASE("jp2: a codestream without EOC is cut, not one whose layers were left out") {
  // The only tile-part ends between layers; whether others followed nobody knows.
  Bytes file = read_file(kFolder + "layers.j2k");
  file[find_marker(file, 0x52) + 6] = std::byte{1};  // COD: 256 layers more
  Image image;
  REQUIRE(decode(file, {}, image).ok());
  file.resize(file.size() - 2);
  const jp2::Outcome o = decode(file, {}, image);
  CHECK(o.status == Status::truncated);
  CHECK(std::string(o.detail) == "a tile ends before its last packet");
  CHECK(decode(file, {.strict = false}, image).ok());
}

TEST_CASE("jp2: a damaged tile-part header ends a lenient reading, not the picture") {
  const Bytes file = read_file(kFolder + "tile_parts.j2k");
  Image image;
  REQUIRE(decode(file, {}, image).ok());
  std::size_t last = 0;
  for (std::size_t i = 0; i + 12 < file.size(); ++i)
    if (file[i] == std::byte{0xff} && file[i + 1] == std::byte{0x90}) last = i;
  const auto damaged = [&](std::size_t at, std::uint8_t value) {
    Bytes bad = file;
    bad[last + at] = std::byte{value};
    const jp2::Outcome o = decode(bad, {}, image);
    CHECK(decode(bad, {.strict = false}, image).ok());
    return std::string(o.detail);
  };
  CHECK(damaged(3, 11) == "SOT of a wrong length");
  CHECK(damaged(4, 0x40) == "a tile-part of a tile that does not exist");
}

TEST_CASE("jp2: zeros in place of packets are no empty packets") {
  // As a download of which a part never came.
  Bytes file = read_file(kFolder + "plain.j2k");
  const std::size_t sod = find_marker(file, 0x93);
  std::fill(file.begin() + static_cast<std::ptrdiff_t>(sod) + 2, file.end() - 2, std::byte{0});
  Image image;
  const jp2::Outcome o = decode(file, {}, image);
  CHECK(o.status == Status::corrupt);
  CHECK(std::string(o.detail) == "a tile has bytes after its last packet");
  CHECK(decode(file, {.strict = false}, image).ok());
}

TEST_CASE("jp2: what is not Part 1 is refused by name") {
  const Bytes good = read_file(kFolder + "plain.j2k");
  const auto detail = [&](auto change) {
    Bytes bad = good;
    change(bad);
    Image image;
    const jp2::Outcome o = decode(bad, {}, image);
    CHECK(o.status == Status::unsupported);
    return std::string(o.detail);
  };
  std::size_t cod = 0;
  while (!(good[cod] == std::byte{0xff} && good[cod + 1] == std::byte{0x52})) ++cod;
  CHECK(detail([](Bytes& b) { b[6] = std::byte{0x40}; }) == "HTJ2K (JPEG 2000 Part 15)");
  CHECK(detail([](Bytes& b) { b[6] = std::byte{0x80}; }) == "JPEG 2000 Part 2 extensions");
  CHECK(detail([&](Bytes& b) { b[cod + 12] = std::byte{0x40}; }) == "HTJ2K (JPEG 2000 Part 15) code-blocks");
  CHECK(detail([&](Bytes& b) { b[cod + 13] = std::byte{2}; }) == "a wavelet of JPEG 2000 Part 2");
  CHECK(detail([](Bytes& b) { b[42] = std::byte{23}; }) == "more than 16 bits per sample");
}

TEST_CASE("jp2: the finest layers may be left out, other packets not") {
  // The only tile-part of a file, cut to every length with a Psot that says so.
  const auto accepted = [](const char* name, bool sized) {
    const Bytes file = read_file(kFolder + name);
    const std::size_t sot = find_marker(file, 0x90);
    std::vector<std::size_t> lengths;
    for (std::size_t n = 14; sot + n + 2 < file.size(); ++n) {
      Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(sot + n));
      put(cut, sot + 6, sized ? static_cast<std::uint32_t>(n) : 0);
      cut.push_back(std::byte{0xff});
      cut.push_back(std::byte{0xd9});
      Image strict, lenient;
      if (!decode(cut, {}, strict).ok()) continue;
      lengths.push_back(n);
      CHECK(decode(cut, {.strict = false}, lenient).ok());
      CHECK(strict == lenient);
    }
    return lengths;
  };
  const auto layers = accepted("layers.j2k", true);
  CHECK(layers.size() >= 4);  // at least a packet of each resolution
  REQUIRE(!layers.empty());
  CHECK(layers[0] >= 14 + 4);
  CHECK(accepted("layers.j2k", false).empty());   // nobody says that this is the end
  CHECK(accepted("constant.j2k", true).empty());  // one layer
}

TEST_CASE("jp2: what other decoders take and this one does not, and why") {
  DTACS_NEEDS_DATA("jp2/malformed");
  const auto detail = [](const char* name) {
    Image image;
    const jp2::Outcome o = decode(read_file(shared_data("jp2/malformed/" + std::string(name))), {}, image);
    return std::string(o.detail);
  };
  // Only the second of two layers is missing.
  CHECK(detail("Marrin.jp2") == "");
  // 172 blocks have up to 70 passes more than their bit-planes: their encoder's mistake.
  CHECK(detail("kodak_2layers_lrcp.j2c") == "a code-block has more coding passes than bit-planes");
  CHECK(detail("issue135.j2k") == "a code-block has more coding passes than bit-planes");
  // A flipped bit makes these 13,798 and 97 tiles high, of which one is there.
  CHECK(detail("broken.jpc") == "a tile is missing");
  CHECK(detail("issue726.j2k") == "a tile is missing");
  // One makes five levels 32, for which there are no step sizes.
  CHECK(detail("dwt_interleave_h.gsr105.jp2") == "fewer quantisation steps than sub-bands");
}

TEST_CASE("jp2: the malformed folder never crashes") {
  DTACS_NEEDS_DATA("jp2/malformed");
  int decoded = 0, refused = 0;
  // Most of these files are damaged where it does not matter, or only cut.
  for (const auto& entry : std::filesystem::directory_iterator(shared_data("jp2/malformed"))) {
    INFO(entry.path().string());
    const Bytes file = read_file(entry.path().string());
    for (const bool strict : {true, false}) {
      Image image;
      const jp2::Outcome o = decode(file, {.strict = strict, .isa = detect_isa(), .max_pixels = 1 << 24}, image);
      CHECK((o.ok() || o.detail[0] != '\0'));
      ++(o.ok() ? decoded : refused);
    }
  }
  CHECK(decoded >= 72);
  CHECK(refused >= 20);
}

}  // namespace dtacs::test
