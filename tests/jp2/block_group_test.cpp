// SPDX-License-Identifier: Apache-2.0
// Tier 1 of groups of blocks against one block at a time.
#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "io/jp2/block_group.h"
#include "io/jp2/tier1.h"
#include "tests/support/shared_data.h"
#include "tests/support/suite.h"

namespace dtacs::test {
namespace {

struct Free {
  void operator()(void* p) const { std::free(p); }
};

// Bytes that an encoder might have written are of no interest here: any bytes at all are
// a sequence of decisions.  Many 0xff make stuffing and markers, and short ones run dry.
struct Case {
  std::vector<std::uint8_t> bytes;
  std::vector<std::size_t> begin;
  std::vector<jp2::PlainBlock> blocks;
  std::vector<std::vector<std::int32_t>> out;

  Case(Rng& rng, int count, int most_side) {
    constexpr int kGap = 7;  // columns behind a block that nobody may touch
    for (int i = 0; i < count; ++i) {
      const bool full = rng.between(0, 2) == 0;
      const int width = full ? most_side : rng.between(1, most_side),
                height = full ? most_side : rng.between(1, most_side);
      const int planes = rng.between(1, jp2::PlainBlock::kMaxPlanes);
      const int passes = rng.between(0, 1) == 0 ? 3 * planes - 2 : rng.between(1, 3 * planes - 2);
      const int length = rng.between(0, 3) == 0 ? rng.between(0, 12) : rng.between(0, width * height);
      const int ff = rng.between(0, 2) == 0 ? 8 : 200;
      bytes.push_back(static_cast<std::uint8_t>(rng.next()));
      begin.push_back(bytes.size());
      for (int k = 0; k < length; ++k)
        bytes.push_back(rng.between(0, ff) == 0 ? 0xff : static_cast<std::uint8_t>(rng.next()));
      out.emplace_back(static_cast<std::size_t>((width + kGap) * height), kUntouched);
      blocks.push_back({nullptr, static_cast<std::uint32_t>(length), static_cast<std::uint16_t>(width),
                        static_cast<std::uint16_t>(height), static_cast<std::uint8_t>(rng.between(0, 3)),
                        static_cast<std::uint8_t>(planes), static_cast<std::uint8_t>(passes), nullptr, width + kGap});
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      blocks[i].data = bytes.data() + begin[i];
      blocks[i].out = out[i].data();
    }
  }
  static constexpr std::int32_t kUntouched = 0x5a5a5a5a;
};

void check(const jp2::BlockGroupKernel& kernel, Case& c, bool whole, void* work) {
  static auto one_by_one = std::make_unique<jp2::BlockDecoder>();
  kernel.run({c.blocks.data(), static_cast<int>(c.blocks.size()), whole, c.bytes.data() + c.bytes.size(), work});
  for (std::size_t i = 0; i < c.blocks.size(); ++i) {
    const jp2::PlainBlock& b = c.blocks[i];
    INFO(std::string(kernel.name) << " block " << i << " of " << c.blocks.size() << ": " << b.width << " x " << b.height
                                  << " orientation " << int(b.orientation) << " planes " << int(b.planes) << " passes "
                                  << int(b.passes) << " bytes " << b.length);
    const jp2::CodedSegment segment{b.data, b.length, b.passes};
    const std::int32_t* want = one_by_one->decode(
        {b.width, b.height, static_cast<jp2::Orientation>(b.orientation), b.planes, 0, {&segment, 1}});
    int wrong = 0;
    for (int y = 0; y < b.height; ++y)
      for (int x = 0; x < b.stride; ++x) {
        const std::int32_t got = b.out[y * b.stride + x];
        if (x >= b.width)
          wrong += got != Case::kUntouched;
        else
          wrong += got != (whole ? want[y * b.width + x] / 2 : want[y * b.width + x]);
      }
    CHECK(wrong == 0);
  }
}

}  // namespace

TEST_CASE("block_group: any bytes decode as they do block by block") {
  const std::unique_ptr<void, Free> work(std::aligned_alloc(64, jp2::kBlockGroupWork));
  const IsaSet has = detect_isa();
  int kernels = 0;
  for (const jp2::BlockGroupKernel& kernel : jp2::block_group) {
    if (kernel.run == nullptr || !runs_on(kernel.needs, has)) continue;
    ++kernels;
    Rng rng(11);
    for (const int side : {1, 4, 8, 13, 64})
      for (int round = 0; round < (side == 64 ? 40 : 300); ++round) {
        Case c(rng, rng.between(1, kernel.blocks), side);
        check(kernel, c, round % 2 == 0, work.get());
      }
  }
  if (kernels == 0) note_skipped("an instruction set that decodes blocks in groups");
}

}  // namespace dtacs::test
