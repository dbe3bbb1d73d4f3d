// SPDX-License-Identifier: Apache-2.0
// Work and memory follow the bytes of a file, whatever its headers claim: counted in
// steps and bytes, not in seconds.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>

#include "io/jp2/boxes.h"
#include "io/jp2/tier1.h"
#include "tests/jp2/codestream_maker.h"
#include "tests/support/suite.h"

namespace dtacs::test {
namespace {

// A file of one tile-part for each tile, taken apart as far as its packets.
struct OneTile {
  explicit OneTile(Bytes bytes, std::uint32_t index = 0, std::uint32_t which = 0,
                   const jp2::Rect& window = {0, 0, ~0u, ~0u})
      : file(std::move(bytes)) {
    REQUIRE(jp2::read_size(file, header).ok());
    coding.resize(header.components);
    header.parameters.coding = coding.data();
    REQUIRE(jp2::read_parameters(file, header).ok());
    bool at_end = false;
    std::size_t at = header.end;
    for (std::uint32_t i = 0; i <= index; ++i, at = part.end)
      REQUIRE(jp2::read_tile_part(file, header, at, true, part, at_end).ok());
    REQUIRE(!at_end);
    const jp2::Wanted wanted{which, 1, 0, window};
    measured = jp2::measure_tile(file, header, header.parameters, index, wanted, part.end - part.data, true, size);
    if (!measured.ok()) return;
    Arena dry;
    jp2::alloc_tile(size, dry, tile);
    block.reset(static_cast<std::byte*>(std::aligned_alloc(Arena::kAlign, dry.wanted() + Arena::kAlign)));
    Arena arena({block.get(), dry.wanted()});
    jp2::alloc_tile(size, arena, tile);
    jp2::layout_tile(file, header, header.parameters, index, wanted, tile);
  }
  jp2::Outcome read_packets(bool use_lengths = false) {
    const std::uint32_t next = jp2::kNone;
    return jp2::read_packets({file, &part, &next, 0, nullptr, {}, true, true, use_lengths}, tile);
  }

  Bytes file;
  jp2::MainHeader header;
  std::vector<jp2::Coding> coding;
  jp2::TilePart part;
  jp2::TileSize size;
  jp2::Tile tile;
  jp2::Outcome measured;
  std::unique_ptr<std::byte, Memory::Free> block;
};

}  // namespace

TEST_CASE("jp2: a packet that rules out a precinct in one bit takes one step") {
  // 65,536 blocks, of which every packet says in two bits that none is included.
  constexpr unsigned kLayers = 9000;
  OneTile t(
      CodestreamMaker{.width = 1024, .height = 1024, .tile_width = 1024, .tile_height = 1024, .layers = kLayers}.file(
          std::string(kLayers, '\x80')));
  REQUIRE(t.measured.ok());
  REQUIRE(t.size.blocks == 65536);
  CHECK(t.read_packets().ok());
  CHECK(t.tile.steps == kLayers);
}

TEST_CASE("jp2: a packet that rules out a precinct by quarters takes a step to each and the root") {
  // The root is known to be 0 in the first layer; its four children are put off in each.
  constexpr unsigned kLayers = 3000;
  OneTile t(CodestreamMaker{.width = 512, .height = 512, .tile_width = 512, .tile_height = 512, .layers = kLayers}.file(
      "\xc0" + std::string(kLayers - 1, '\x80')));
  REQUIRE(t.measured.ok());
  CHECK(t.read_packets().ok());
  CHECK(t.tile.steps == 8 * kLayers);
}

namespace {

// The codestream of a golden file.
Bytes codestream_of(const std::string& name) {
  const Bytes file = read_file(DTACS_SOURCE_DIR "/tests/data/jp2/" + name);
  std::span<const std::byte> stream;
  REQUIRE(jp2::find_codestream(file, true, stream).ok());
  return Bytes(stream.begin(), stream.end());
}

}  // namespace

TEST_CASE("jp2: a window lays out memory for its own part of the wavelet") {
  // 1024 x 1024 in blocks of 64: a window of 64 lies in two blocks in each direction and
  // level at most, of three bands.
  const CodestreamMaker m{.width = 1024,
                          .height = 1024,
                          .tile_width = 1024,
                          .tile_height = 1024,
                          .levels = 4,
                          .block_width_log2 = 6,
                          .block_height_log2 = 6};
  const OneTile whole(m.file(std::string(5, '\0'))), part(m.file(std::string(5, '\0')), 0, 0, {500, 300, 564, 364});
  REQUIRE(whole.measured.ok());
  REQUIRE(part.measured.ok());
  CHECK(whole.size.coefficients == 1024 * 1024);
  CHECK(part.size.coefficients <= (4 * 3 + 1) * 4 * 64 * 64);
  CHECK(part.size.width == 64 + 8);
  std::uint64_t wanted = 0;
  for (std::uint64_t i = 0; i < part.size.blocks; ++i) wanted += part.tile.blocks[i].wanted ? 1 : 0;
  CHECK(wanted <= (4 * 3 + 1) * 4);
}

TEST_CASE("jp2: packet lengths spare a window the headers of other packets") {
  const Bytes stream = codestream_of("s2_20m.jp2");
  const jp2::Rect corner{36, 36, 40, 40};  // in the last precinct of four
  OneTile with(stream, 0, 0, corner), without(stream, 0, 0, corner);
  CHECK(with.read_packets(true).ok());
  CHECK(without.read_packets(false).ok());
  CHECK(!with.tile.lengths_failed);
  CHECK(with.tile.steps < without.tile.steps);
  CHECK(with.tile.wanted_packets < with.tile.packets);
  // The lengths 16 23 62 8230 844b 4b 8118 45: the last and one that is passed over change
  // places, so that the sum stays and the last packet is not where they say.
  Bytes swapped = stream;
  std::size_t plt = 0;
  while (!(swapped[plt] == std::byte{0xff} && swapped[plt + 1] == std::byte{0x58})) ++plt;
  std::swap(swapped[plt + 12], swapped[plt + 15]);
  OneTile misled(swapped, 0, 0, corner);
  CHECK(misled.read_packets(true).ok());
  CHECK(misled.tile.lengths_failed);

  for (std::uint64_t i = 0; i < with.size.blocks; ++i) {
    if (!with.tile.blocks[i].wanted) continue;
    const jp2::Block &a = with.tile.blocks[i], &b = without.tile.blocks[i];
    CHECK((a.passes == b.passes && (a.first == jp2::kNone) == (b.first == jp2::kNone)));
    if (a.first != jp2::kNone)
      CHECK(with.tile.chunks[a.first].data - with.file.data() ==
            without.tile.chunks[b.first].data - without.file.data());
  }
}

TEST_CASE("jp2: packet lengths that are wrong change no pixel") {
  for (const char* name : {"s2_10m.jp2", "s2_20m.jp2", "s2_60m.jp2"}) {
    const Bytes stream = codestream_of(name);
    Image whole;
    REQUIRE(decode(stream, {}, whole).ok());
    int changes = 0;
    for (std::size_t i = 0; i + 6 < stream.size(); ++i) {
      if (stream[i] != std::byte{0xff} || stream[i + 1] != std::byte{0x58}) continue;  // PLT
      const std::size_t end =
          i + 2 + (static_cast<std::size_t>(stream[i + 2]) << 8 | static_cast<std::size_t>(stream[i + 3]));
      for (std::size_t k = i + 4; k < end; ++k)  // the index, then lengths
        for (int how = 0; how < 4; ++how) {
          Bytes bad = stream;
          if (how == 0)
            bad[k] = std::byte{0};
          else if (how == 1)
            bad[k] = static_cast<std::byte>(static_cast<unsigned>(bad[k]) + 1);
          else if (how == 2)
            bad[k] |= std::byte{0x80};
          else if (k + 1 < end)
            std::swap(bad[k], bad[k + 1]);  // the sum stays
          const jp2::Options options{.x = whole.width / 3, .y = whole.height / 3, .width = 5, .height = 3};
          Image part;
          REQUIRE(decode(bad, options, part).ok());
          CHECK(part == crop(whole, options.x, options.y, options.width, options.height));
          ++changes;
        }
      i = end;
    }
    CHECK(changes > 100);
  }
}

TEST_CASE("jp2: components without samples in a tile are passed over") {
  // 16,384 components with 33 resolutions, of which one has samples in each tile.
  CodestreamMaker m{.width = 16, .height = 16, .x0 = 1, .y0 = 1, .levels = 32};
  m.components.assign(16384, {8, 255, 255});
  m.components[0] = {};
  // A tile's only sample reaches as many coarser resolutions as both its coordinates can be halved.
  std::string packets = m.header();
  for (unsigned tile = 0; tile < 256; ++tile)
    packets += CodestreamMaker::tile_part(
        tile, std::string(1 + std::min(std::countr_zero(1 + tile % 16), std::countr_zero(1 + tile / 16)), '\0'));
  const Bytes file = CodestreamMaker::bytes(packets + be(0xffd9, 2));
  OneTile t(file, 7);
  REQUIRE(t.measured.ok());
  CHECK(t.size.resolutions == 33);
  CHECK(t.tile.component[1].levels == -1);
  CHECK(t.read_packets().ok());
  Image image;
  CHECK(decode(file, {}, image).ok());
  CHECK(image.pixels == std::vector<std::uint16_t>(256, 128));
  // Such a component cannot be asked for; one that has samples in some tiles can.
  CHECK(decode(file, {.component = 5}, image).status == Status::wrong_shape);
  m.components = {{}, {8, 5, 3}};
  CHECK(decode(m.file(std::string(66, '\0')), {.component = 1}, image, 2).ok());
  CHECK(image.pixels == std::vector<std::uint16_t>(3 * 5, 128));
}

TEST_CASE("jp2: components times tiles are bounded, more so where tiles have their own parameters") {
  const auto detail = [](unsigned side, unsigned components, bool own) {
    CodestreamMaker m{.width = side, .height = side, .x0 = 1, .y0 = 1};
    m.components.assign(components, {8, 255, 255});
    m.components[0] = {};
    Image image;
    const jp2::Outcome o = decode(m.file(std::string(1, '\0'), own ? m.cod() : ""), {}, image);
    return std::string(o.detail);
  };
  CHECK(detail(20, 16384, false).empty());
  CHECK(detail(33, 16384, false) == "more than 16 million components of tiles");
  CHECK(detail(7, 16384, true).empty());
  CHECK(detail(9, 16384, true) == "more than 16 million components of tiles");
}

TEST_CASE("jp2: a few bytes cannot ask for many code-blocks") {
  // 16,777,216 blocks of 4 x 4 in 82 bytes: 2.7 GB if they were believed.
  const CodestreamMaker m{.width = 16384, .height = 16384, .tile_width = 16384, .tile_height = 16384};
  const Bytes file = m.file(std::string(1, '\0'));
  jp2::Decoder d;
  Memory memory;
  const jp2::Outcome o = memory.open(d, file, {});
  CHECK(o.status == Status::truncated);
  CHECK(std::string(o.detail) == "a tile has too few bytes for its code-blocks");
  CHECK(memory.size < 1 << 20);
  // What real files do: tiles without data of 1024 x 1024, of 80 x 80 blocks, of 48 x 48.
  for (const auto& [side, block] : {std::pair{1024u, 6u}, {640u, 3u}, {192u, 2u}, {1024u, 2u}}) {
    CodestreamMaker empty{.width = side, .height = side, .tile_width = side, .tile_height = side};
    empty.block_width_log2 = empty.block_height_log2 = block;
    Image image;
    CHECK(decode(empty.file(std::string(1, '\0')), {}, image).ok());
  }
}

TEST_CASE("jp2: memory follows the tile and the workers that can be busy, not the image") {
  const auto memory_of = [](unsigned columns, unsigned rows, int workers) {
    const CodestreamMaker m{.width = 64 * columns, .height = 64 * rows, .tile_width = 64, .tile_height = 64};
    const Bytes file = m.file(std::string(1, '\0'));
    jp2::Decoder d;
    Memory memory;
    REQUIRE(memory.open(d, file, {.workers = workers}).ok());
    return memory.size;
  };
  // What a tile costs when it is only known of: a few words, each list rounded up to 64 bytes.
  constexpr std::size_t kKnown = 160, kRounding = 1024;
  for (const int workers : {1, 3}) {
    const std::size_t one = memory_of(4, 1, workers);
    CHECK(one < memory_of(4, 32, workers));
    CHECK(memory_of(4, 32, workers) - one < 31 * 4 * kKnown + kRounding);
    CHECK(memory_of(32, 1, workers) - one < 28 * (kKnown + 64 * 64 * 2) + kRounding);
  }
  // A workspace for each tile of a row at most; from there on what a thread needs for blocks.
  constexpr std::size_t kBlocks = sizeof(jp2::BlockScratch) + 64;
  CHECK(memory_of(4, 2, 2) > memory_of(4, 2, 1) + kBlocks);
  CHECK(memory_of(4, 2, 3) > memory_of(4, 2, 2));
  CHECK(memory_of(4, 2, 64) - memory_of(4, 2, 4) <= 60 * kBlocks);
}

TEST_CASE("jp2: more workers than tiles in a row share no workspace and need none of their own") {
  const Bytes file = read_file(DTACS_SOURCE_DIR "/tests/data/jp2/s2_10m.jp2");
  Image want;
  REQUIRE(decode(file, {}, want).ok());
  // Jobs by the last of 64 workers only.
  const Parallel last{[](void*, int jobs, void* context, Parallel::Job* job) noexcept {
                        for (int i = 0; i < jobs; ++i) job(context, i, 63);
                      },
                      nullptr, 64};
  jp2::Decoder d;
  Memory memory;
  REQUIRE(memory.open(d, file, {.workers = 64}).ok());
  Image got = want;
  std::fill(got.pixels.begin(), got.pixels.end(), std::uint16_t{0});
  REQUIRE(d.read_rows(got.height, got.pixels.data(), got.width, last).ok());
  CHECK(got == want);
}

TEST_CASE("jp2: PPM segments in any order, each index once") {
  const Bytes file = read_file(DTACS_SOURCE_DIR "/tests/data/jp2/ppm.j2k");
  Image want, got;
  REQUIRE(decode(file, {}, want).ok());
  // Its segments, which follow each other, put together.
  std::string all(reinterpret_cast<const char*>(file.data()), file.size());
  std::map<unsigned char, std::string> parts;
  const std::size_t at = all.find("\xff\x60");
  while (all.compare(at, 2, "\xff\x60") == 0) {
    const std::size_t length =
        std::size_t{static_cast<unsigned char>(all[at + 2])} << 8 | static_cast<unsigned char>(all[at + 3]);
    parts[static_cast<unsigned char>(all[at + 4])] = all.substr(at + 5, length - 3);
    all.erase(at, length + 2);
  }
  REQUIRE(parts.size() == 3);
  std::string payload;
  for (const auto& [index, bytes] : parts) payload += bytes;
  const auto with = [&](int first, int second) {  // the two halves, the later one first
    const std::size_t half = payload.size() / 2;
    return CodestreamMaker::bytes(
        all.substr(0, at) +
        CodestreamMaker::segment(0xff60, be(static_cast<unsigned>(second), 1) + payload.substr(half)) +
        CodestreamMaker::segment(0xff60, be(static_cast<unsigned>(first), 1) + payload.substr(0, half)) +
        all.substr(at));
  };
  REQUIRE(decode(with(0, 1), {}, got).ok());
  CHECK(got == want);
  REQUIRE(decode(with(17, 255), {}, got).ok());
  CHECK(got == want);
  CHECK(decode(with(3, 3), {}, got).status == Status::corrupt);
}

TEST_CASE("jp2: PPT segments in any order, each index once") {
  const Bytes file = read_file(DTACS_SOURCE_DIR "/tests/data/jp2/ppt.j2k");
  Image want, got;
  REQUIRE(decode(file, {}, want).ok());
  // The first two, which follow each other.
  const std::string all(reinterpret_cast<const char*>(file.data()), file.size());
  const auto end_of = [&](std::size_t at) {
    const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(all[at + i])}; };
    return at + 2 + (byte(2) << 8 | byte(3));
  };
  const std::size_t first = all.find("\xff\x61"), second = end_of(first), end = end_of(second);
  REQUIRE(all.compare(second, 2, "\xff\x61") == 0);
  const auto with = [&](char one, char two) {
    std::string s =
        all.substr(0, first) + all.substr(second, end - second) + all.substr(first, second - first) + all.substr(end);
    s[first + 4] = two;
    s[first + (end - second) + 4] = one;
    return CodestreamMaker::bytes(s);
  };
  REQUIRE(decode(with(0, 1), {}, got).ok());
  CHECK(got == want);
  REQUIRE(decode(with(17, '\xff'), {}, got).ok());
  CHECK(got == want);
  CHECK(decode(with(3, 3), {}, got).status == Status::corrupt);
}

TEST_CASE("jp2: of COD and QCD repeated in a header the last counts") {
  const CodestreamMaker one{.width = 40, .height = 40, .tile_width = 40, .tile_height = 40};
  CodestreamMaker twice = one;
  twice.levels = 2;
  const auto without_two_levels = [&] {
    Image image;
    return decode(twice.file(std::string(3, '\0')), {.reduce = 2}, image).status;
  };
  CHECK(without_two_levels() == Status::ok);
  twice.more = one.cod() + one.qcd();
  CHECK(without_two_levels() == Status::wrong_shape);
  twice.more = one.qcd();
  CHECK(without_two_levels() == Status::corrupt);
}

TEST_CASE("jp2: a segment that ends early does not shift the passes of the next") {
  // With bypass, the second segment begins with pass 10, four planes below the top: what
  // becomes significant there is at most three halves of 2^(planes - 5).
  Rng rng(17);
  const auto decoder = std::make_unique<jp2::BlockDecoder>();
  int early = 0;
  for (int i = 0; i < 50; ++i) {
    std::vector<std::uint8_t> noise(600);
    for (auto& v : noise) v = static_cast<std::uint8_t>(rng.between(0, 254));
    const std::uint32_t short_one = static_cast<std::uint32_t>(rng.between(0, 12));
    const jp2::CodedSegment segments[] = {{noise.data(), short_one, 10}, {noise.data() + 20, 500, 2}};
    constexpr int kPlanes = 12;
    const auto samples = [&](std::size_t count) {
      const std::int32_t* s =
          decoder->decode({64, 64, jp2::kLL, kPlanes, jp2::kBypass, std::span(segments).first(count)});
      return std::vector<std::int32_t>(s, s + 64 * 64);
    };
    const auto before = samples(1), after = samples(2);
    bool changed = false;
    for (std::size_t k = 0; k < before.size(); ++k) {
      if (before[k] == after[k]) continue;
      changed = true;
      CHECK(std::abs(std::abs(after[k]) - std::abs(before[k])) <= 3 << (kPlanes - 5));
    }
    early += changed ? 1 : 0;
  }
  CHECK(early > 10);
}

}  // namespace dtacs::test
