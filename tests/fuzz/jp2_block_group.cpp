// SPDX-License-Identifier: Apache-2.0
// Groups of plain code-blocks: every kernel of this machine gives what BlockDecoder gives,
// block by block, and touches nothing beside.  Most blocks are small, and large ones have few
// bit-planes, or some in one input of 64: there is as much to find in a tenth of the time.
#include "io/jp2/block_group.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

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
constexpr unsigned char kLog2Side[16] = {0, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 5, 6};
constexpr unsigned kMostWork = 512;  // samples times bit-planes of a block

}  // namespace

DTACS_FUZZ_TARGET(jp2_block_group) {
  Choices c(in);
  const int count = 1 + c.up_to(kBlockGroupMost - 1);
  const unsigned how = c.byte(), side_mask = (1u << kLog2Side[c.byte() & 15]) - 1;
  const bool whole = (how & 1) != 0, any_work = how >> 2 == 0x3f;
  PlainBlock blocks[kBlockGroupMost];
  std::size_t lengths[kBlockGroupMost];
  for (int i = 0; i < count; ++i) {
    PlainBlock& b = blocks[i];
    b.width = static_cast<std::uint16_t>(1 + (c.byte() & side_mask));
    b.height = static_cast<std::uint16_t>(1 + (c.byte() & side_mask));
    b.orientation = static_cast<std::uint8_t>(c.byte() & 3);
    const unsigned most = 1 + (any_work ? 32 : 1) * kMostWork / (1u * b.width * b.height);
    b.planes = static_cast<std::uint8_t>(1 + c.byte() % std::min<unsigned>(most, PlainBlock::kMaxPlanes));
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
  // What each is to become, a column that stays as it is behind every row but the last.
  std::vector<std::int32_t> want[kBlockGroupMost];
  for (int i = 0; i < count; ++i) {
    const PlainBlock& b = blocks[i];
    const CodedSegment segment{b.data, b.length, b.passes};
    const std::int32_t* v =
        one_by_one->decode({b.width, b.height, static_cast<Orientation>(b.orientation), b.planes, 0, {&segment, 1}});
    want[i].assign(static_cast<std::size_t>(b.stride) * b.height - 1, kUntouched);
    for (int y = 0; y < b.height; ++y)
      for (int x = 0; x < b.width; ++x, ++v) want[i][static_cast<std::size_t>(y * b.stride + x)] = whole ? *v / 2 : *v;
  }
  std::vector<std::int32_t> out[kBlockGroupMost];
  static const IsaSet has = detect_isa();
  for (const BlockGroupKernel& kernel : block_group) {
    if (kernel.run == nullptr || !runs_on(kernel.needs, has)) continue;
    for (int i = 0; i < count; ++i) {
      out[i].assign(want[i].size(), kUntouched);
      blocks[i].out = out[i].data();
    }
    for (int first = 0; first < count; first += kernel.blocks)
      kernel.run(
          {blocks + first, std::min(count - first, kernel.blocks), whole, bytes.get() + 1 + rest.size(), work.get()});
    for (int i = 0; i < count; ++i) require(out[i] == want[i], "the samples of BlockDecoder and nothing beside them");
  }
}

}  // namespace dtacs::fuzz
