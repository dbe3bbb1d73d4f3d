// SPDX-License-Identifier: Apache-2.0
// One tile laid out for decoding: its resolutions, bands, precincts, tag trees and
// code-blocks, with what the packets will fill in.
//
// Everything is sized from the headers before any packet is read: measure_tile()
// counts, layout_tile() fills arrays of those sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/arena.h"
#include "io/jp2/codestream.h"
#include "io/jp2/geometry.h"
#include "io/jp2/outcome.h"

namespace dtacs::jp2 {

// Bytes of one code-block out of one packet (or a part of them, where a terminated
// codeword segment ends), in the order of their passes.
struct Chunk {
  const std::byte* data;
  std::uint32_t length;
  std::uint32_t next;    // in Tile::chunks; kNone ends the list
  std::uint32_t before;  // bytes of blocks that are not wanted between the chunk before and this one in its packet
  std::uint8_t passes;
};
constexpr std::uint32_t kNone = 0xffffffffu;

struct Block {
  std::uint32_t first, last;  // chunks
  std::uint32_t x, y;         // of its first sample in Band::kept, when it is wanted
  std::uint16_t width, height;
  std::uint8_t passes;       // so far
  std::uint8_t planes;       // magnitude bit-planes: band's planes less the empty ones
  std::uint8_t length_bits;  // Lblock
  bool wanted;               // its samples reach the window
};

struct TagNode {
  std::uint16_t low;  // the value is at least this
  std::uint16_t known;
};

// The part of a precinct that lies in one band.
struct Precinct {
  std::uint32_t first_block, first_node;  // inclusion tree, then the tree of empty bit-planes
  std::uint16_t across;                   // code-blocks: 2^15 samples and four to a block are the extremes
  std::uint16_t down : 15;
  bool wanted : 1;  // one of them is
};

struct Band {
  Orientation orientation;
  std::uint8_t planes;  // Mb, with the region of interest's shift
  float step;           // 9/7: the value of one quantisation step
  Rect kept;            // that wanted code-blocks cover, in the band's coordinates
  std::size_t offset;   // of its first sample in the component's coefficients, where its rows are dense
  std::uint32_t first_block, block_count;
};

struct Resolution {
  Rect rect;
  Rect part;                   // that the window needs: see needed_parts()
  std::uint32_t across, down;  // precincts
  std::uint8_t width_log2, height_log2;
  std::uint8_t bands;  // 1 or 3
  Band band[3];
  Precinct* precinct;          // [index * bands + band]
  std::uint16_t* layers_read;  // by precinct

  // Whether precinct k has wanted code-blocks.
  bool wants(std::uint32_t k) const noexcept {
    const Precinct* p = precinct + static_cast<std::size_t>(k) * bands;
    for (int b = 0; b < bands; ++b)
      if (p[b].wanted) return true;
    return false;
  }
};

struct TileComponent {
  Rect rect;  // at full resolution
  std::uint8_t dx, dy;
  int levels;                // -1: no samples in the tile, no resolutions
  int kept;                  // resolutions 0 .. kept are decoded; -1: none
  std::size_t coefficients;  // that its bands keep
  const Coding* coding;
  Resolution* resolution;  // [levels + 1]
};

struct TileSize {
  std::uint64_t components, resolutions, precincts, precinct_bands, blocks, wanted_blocks, nodes;
  std::uint64_t packets;  // over all layers
  std::uint64_t chunks;   // upper bound for wanted blocks
  // Of the component that takes most: samples of its bands, of what its lower levels give
  // by turns, and of the widest row that is synthesised.
  std::uint64_t coefficients, low[2], width;
};

struct Tile {
  Rect rect;  // on the reference grid
  const Parameters* parameters;
  const std::uint8_t* readable_end;  // of the memory that its bytes lie in
  std::uint32_t components;
  TileComponent* component;
  Resolution* resolutions;
  Precinct* precincts;
  std::uint16_t* layers_read;
  Block* blocks;
  TagNode* nodes;
  Chunk* chunks;
  std::uint32_t chunk_capacity, chunk_count;
  std::uint64_t packets;
  std::uint64_t wanted_packets;  // of precincts with wanted blocks
  bool lengths_failed;           // see read_packets()
  std::uint64_t steps;           // looks at nodes of tag trees that its packets took
};

// What of a tile is to be decoded: components [first, first + count) at `reduce`
// levels less, and of those the samples that `window` (in samples of the reduced
// component) needs.
struct Wanted {
  std::uint32_t first_component, component_count;
  int reduce;
  Rect window;
};

// `bytes`: packet headers and bodies of the tile in the file, which bound chunks;
// strict: a tile of more precincts than bytes, or of very many more code-blocks, is truncated.
Outcome measure_tile(std::span<const std::byte> codestream, const MainHeader& header, const Parameters& parameters,
                     std::uint32_t index, const Wanted& wanted, std::uint64_t bytes, bool strict,
                     TileSize& size) noexcept;

// Room for tiles of up to `size` in each respect.
void alloc_tile(const TileSize& size, Arena& arena, Tile& tile) noexcept;

// Fills a tile that alloc_tile() gave room and that measure_tile() accepted.
void layout_tile(std::span<const std::byte> codestream, const MainHeader& header, const Parameters& parameters,
                 std::uint32_t index, const Wanted& wanted, Tile& tile) noexcept;

}  // namespace dtacs::jp2
