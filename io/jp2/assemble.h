// SPDX-License-Identifier: Apache-2.0
// From the code-blocks of a tile to its pixels: tier 1, dequantisation, inverse
// wavelet, component transform, level shift and clipping to 16-bit words.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/arena.h"
#include "io/jp2/block_group.h"
#include "io/jp2/tier1.h"
#include "io/jp2/tile.h"
#include "io/jp2/wavelet_rows.h"

namespace dtacs::jp2 {

// What one thread needs to decode blocks.
struct BlockScratch {
  static constexpr std::uint32_t kJoined = 1u << 16;  // bytes; a block of 4096 samples never comes near

  BlockDecoder decoder;
  // Plain blocks wait for others of as many bit-planes, and are decoded together by `kernel`,
  // whose memory is `work`.
  struct Group {
    PlainBlock block[kBlockGroupMost];
    const Band* band[kBlockGroupMost];
    int count;
  };
  const BlockGroupKernel* kernel;
  void* work;
  Group group[PlainBlock::kMaxPlanes + 1];
  CodedSegment segments[kMaxPasses];
  std::uint8_t joined[kJoined];  // codeword segments that lie in several packets, in one piece
  bool too_long;                 // a block was, and has been left out: false to begin with
};

// One component's coefficients and what its synthesis needs.
struct ComponentPlane {
  void* coefficients;  // std::int32_t or float, band after band
  void* low[2];        // results of all levels but the last, by turns
  void* work;          // LevelSynthesis
  void* line;          // a row between synthesis and pixels

  void alloc(const TileSize& size, Arena& arena) noexcept;
};

struct TileOutput {
  std::uint16_t* pixels;  // of window's upper-left sample
  std::ptrdiff_t stride;  // in pixels
  Rect window;            // in samples of the reduced component; the tile writes its part of it
  int bits;               // of the component
  bool is_signed;
  const WaveletKernel* wavelet;
};

// A tile whose packets are read becomes pixels in two steps.  which: index into the tile's
// components.  With a component transform `planes` are three, else one.

// Into how many parts its code-blocks are best divided: enough blocks in each to fill vectors.
int block_parts(const Tile& tile, std::uint32_t which) noexcept;

// Tier 1 of part `part` of `parts` equal ones of the code-blocks.  Parts are independent of each
// other: with a scratch each, several may be decoded at once.
void decode_blocks(const Tile& tile, std::uint32_t which, bool transformed, const ComponentPlane* planes,
                   BlockScratch& scratch, int part, int parts) noexcept;

// The pixels, once all parts are decoded.
void synthesise_tile(const Tile& tile, std::uint32_t which, bool transformed, const ComponentPlane* planes,
                     const TileOutput& out) noexcept;

// Whether the component transform reaches component `which`: it is declared, there
// are three components to begin with, and they match in size and wavelet.
bool component_transform_applies(const MainHeader& header, std::span<const std::byte> codestream,
                                 const Parameters& parameters, std::uint32_t which) noexcept;

}  // namespace dtacs::jp2
