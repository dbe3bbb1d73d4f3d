// SPDX-License-Identifier: Apache-2.0
// One code-block: size, band, bit-planes and style from the first bytes, the rest cut into
// codeword segments.  Large blocks have few bit-planes, but in one input of 16: time follows
// the product, and there is as much to find in small ones.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "io/jp2/packets.h"
#include "io/jp2/tier1.h"
#include "tests/fuzz/target.h"

namespace dtacs::fuzz {

DTACS_FUZZ_TARGET(jp2_tier1) {
  using namespace jp2;
  Choices c(in);
  CodedBlock block{};
  const int width_log2 = c.up_to(10), height_log2 = c.up_to(std::min(10, 12 - width_log2));
  block.width = 1 + c.up_to((1 << width_log2) - 1);
  block.height = 1 + c.up_to((1 << height_log2) - 1);
  const unsigned about = c.byte();
  block.orientation = static_cast<Orientation>(about & 3u);
  const int most_planes = about >> 4 == 15 ? kMaxPlanes : 1 + 1024 / (block.width * block.height);
  block.planes = 1 + c.up_to(std::min(most_planes, kMaxPlanes) - 1);
  block.style = static_cast<int>(c.byte() & 63u);
  const int most = 3 * block.planes - 2;
  CodedSegment segments[kMaxPasses];
  std::size_t count = 0;
  int passes = 1 + c.up_to(most - 1);
  std::vector<std::unique_ptr<std::uint8_t[]>> pieces;  // each ends where it ends
  for (int pass = 0; passes > 0;) {
    const int here = std::min(passes, segment_passes(block.style, pass));
    const bool last = passes == here;
    const auto length =
        static_cast<std::uint32_t>(last ? c.rest().size() : std::min<std::size_t>(c.byte(), c.rest().size()));
    pieces.push_back(std::make_unique<std::uint8_t[]>(length));
    for (std::uint32_t i = 0; i < length; ++i) pieces.back()[i] = static_cast<std::uint8_t>(c.byte());
    segments[count++] = {pieces.back().get(), length, here};
    pass += here;
    passes -= here;
  }
  block.segments = {segments, count};
  static const auto decoder = std::make_unique<BlockDecoder>();
  const std::int32_t* samples = decoder->decode(block);
  // Twice the magnitude and the half that is added: below 2^(planes + 1).
  for (int i = 0; i < block.width * block.height; ++i)
    require((static_cast<std::uint64_t>(std::abs(static_cast<std::int64_t>(samples[i]))) >> (block.planes + 1)) == 0,
            "no more bit-planes than the block has");
}

}  // namespace dtacs::fuzz
