// SPDX-License-Identifier: Apache-2.0
// Tier 2: the packets of a tile (T.800 Annex B.9, B.10), which say for every
// code-block how many coding passes there are and where their bytes lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/jp2/outcome.h"
#include "io/jp2/tile.h"

namespace dtacs::jp2 {

// Where a tile's packets lie: the data of its tile-parts in order, and where their
// headers are when they are packed elsewhere (PPM by tile-part, PPT in one piece).
struct PacketSource {
  std::span<const std::byte> codestream;
  const TilePart* parts;           // all of the codestream
  const std::uint32_t* next_part;  // chains a tile's parts; kNone ends
  std::uint32_t first_part;
  const std::byte* packed_main;            // null without PPM
  std::span<const std::byte> packed_tile;  // PPT payload, empty without
  bool strict;
  bool closed;       // EOC comes after the last tile-part: none was cut off
  bool use_lengths;  // of PLT, where they add up: pass over packets that are not wanted
};

// Coding passes a codeword segment that begins with pass `first` can hold.
constexpr int segment_passes(int style, int first) noexcept {
  if ((style & kTerminateAll) != 0) return 1;
  if ((style & kBypass) == 0) return 255;
  if (first < 10) return 10 - first;     // the four most significant bit-planes
  return (first - 10) % 3 == 0 ? 2 : 1;  // raw significance and refinement, then a cleanup
}

// Reads packets until all blocks that are wanted have theirs.  strict: anything
// missing or contradictory is an error; otherwise what is there is used.
// When packets were passed over and then something did not fit, it says ok and sets
// tile.lengths_failed: the tile is to be laid out anew and read without the lengths.
Outcome read_packets(const PacketSource& source, Tile& tile) noexcept;

}  // namespace dtacs::jp2
