// SPDX-License-Identifier: Apache-2.0
// Tier 1 of several plain code-blocks at once.
//
// A plain block has no style flags and one codeword segment, all of it in one piece.
// Its samples are those of BlockDecoder (tier1.h), bit for bit, in halves of a step; or,
// with `whole`, divided by two towards zero: the coefficients of the reversible wavelet.
//
// Blocks know nothing of each other.  They may come from different bands; those of like
// size and depth share the work best.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs::jp2 {

struct PlainBlock {
  const std::uint8_t* data;  // length bytes, and a readable one before them
  std::uint32_t length;
  std::uint16_t width, height;  // 1 .. kMaxSide
  std::uint8_t orientation;     // Orientation
  std::uint8_t planes;          // 1 .. kMaxPlanes
  std::uint8_t passes;          // 1 .. 3 * planes - 2
  std::int32_t* out;            // out(y, x) = out[y * stride + x]
  std::ptrdiff_t stride;

  static constexpr int kMaxSide = 64, kMaxPlanes = 18;
};

struct BlockGroupArgs {
  const PlainBlock* blocks;
  int count;  // 1 .. kernel.blocks
  bool whole;
  const std::uint8_t* readable_end;  // of the memory that all the blocks' bytes lie in
  void* work;                        // kBlockGroupWork bytes, aligned to 64
};

struct BlockGroupKernel {
  const char* name;
  IsaSet needs;
  void (*run)(const BlockGroupArgs&) noexcept;  // null: blocks are decoded one at a time, by BlockDecoder
  int blocks;                                   // most of a group, up to kBlockGroupMost
};
constexpr int kBlockGroupMost = 16;
constexpr std::size_t kBlockGroupWork = 384 * 1024;

extern const Family<BlockGroupKernel> block_group;

void block_group_avx2(const BlockGroupArgs&) noexcept;
void block_group_avx512vbmi(const BlockGroupArgs&) noexcept;

}  // namespace dtacs::jp2
