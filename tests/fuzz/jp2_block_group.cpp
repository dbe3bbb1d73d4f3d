// SPDX-License-Identifier: Apache-2.0
// Groups of plain code-blocks: every kernel of this machine gives what BlockDecoder gives,
// block by block, and touches nothing beside.
#include "io/jp2/block_group.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "io/jp2/tier1.h"
#include "kernels/isa.h"
#include "tests/fuzz/target.h"

namespace dtacs::fuzz {
namespace {

using namespace jp2;

struct Freed {
  void operator()(void* p) const { std::free(p); }
};

constexpr std::int32_t kUntouched = 0x5a5a5a5a;

}  // namespace

DTACS_FUZZ_TARGET(jp2_block_group) {
  Choices c(in);
  const int count = 1 + c.up_to(kBlockGroupMost - 1);
  const bool whole = (c.byte() & 1) != 0, small = (c.byte() & 1) != 0;
  PlainBlock blocks[kBlockGroupMost];
  const int side = small ? 8 : PlainBlock::kMaxSide;
  std::size_t lengths[kBlockGroupMost];
  for (int i = 0; i < count; ++i) {
    PlainBlock& b = blocks[i];
    b.width = static_cast<std::uint16_t>(1 + c.up_to(side - 1));
    b.height = static_cast<std::uint16_t>(1 + c.up_to(side - 1));
    b.orientation = static_cast<std::uint8_t>(c.byte() & 3);
    b.planes = static_cast<std::uint8_t>(1 + c.byte() % PlainBlock::kMaxPlanes);
    b.passes = static_cast<std::uint8_t>(1 + c.byte() % static_cast<unsigned>(3 * b.planes - 2));
    b.stride = b.width + 1;
    lengths[i] = c.byte();
  }
  // The blocks' bytes one after the other behind one that is only readable, up to the end
  // of the memory.
  const Input rest = c.rest();
  const auto bytes = std::make_unique<std::uint8_t[]>(rest.size() + 1);
  std::copy(rest.begin(), rest.end(), bytes.get() + 1);
  std::size_t at = 0;
  for (int i = 0; i < count; ++i) {
    const std::size_t length = i + 1 < count ? std::min(lengths[i], rest.size() - at) : rest.size() - at;
    blocks[i].data = bytes.get() + 1 + at;
    blocks[i].length = static_cast<std::uint32_t>(length);
    at += length;
  }
  static const auto one_by_one = std::make_unique<BlockDecoder>();
  static const std::unique_ptr<void, Freed> work(std::aligned_alloc(64, kBlockGroupWork));
  const IsaSet has = detect_isa();
  for (const BlockGroupKernel& kernel : block_group) {
    if (kernel.run == nullptr || !runs_on(kernel.needs, has)) continue;
    for (int first = 0; first < count; first += kernel.blocks) {
      const int here = std::min(count - first, kernel.blocks);
      std::vector<std::unique_ptr<std::int32_t[]>> out;
      for (int i = 0; i < here; ++i) {
        PlainBlock& b = blocks[first + i];
        const std::size_t samples = static_cast<std::size_t>(b.stride) * b.height - 1;  // no gap behind the last row
        out.emplace_back(new std::int32_t[samples]);
        std::fill_n(out.back().get(), samples, kUntouched);
        b.out = out.back().get();
      }
      kernel.run({blocks + first, here, whole, bytes.get() + 1 + rest.size(), work.get()});
      for (int i = 0; i < here; ++i) {
        const PlainBlock& b = blocks[first + i];
        const CodedSegment segment{b.data, b.length, b.passes};
        const std::int32_t* want = one_by_one->decode(
            {b.width, b.height, static_cast<Orientation>(b.orientation), b.planes, 0, {&segment, 1}});
        for (int y = 0; y < b.height; ++y) {
          for (int x = 0; x < b.width; ++x) {
            const std::int32_t v = want[y * b.width + x];
            require(b.out[y * b.stride + x] == (whole ? v / 2 : v), "the samples of BlockDecoder");
          }
          if (y + 1 < b.height) require(b.out[y * b.stride + b.width] == kUntouched, "nothing beside the block");
        }
      }
    }
  }
}

}  // namespace dtacs::fuzz
