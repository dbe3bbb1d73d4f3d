// SPDX-License-Identifier: Apache-2.0
// Tier 1: the coding passes of one code-block (T.800 Annex D).
//
// In: the codeword segments.  Out: width x height quantised samples, dense rows, in
// halves of a step:
//   2 * sign * magnitude, moved away from zero by half of the lowest bit-plane that
//   was decoded for that sample (mid-point reconstruction); 0 where nothing was.
// A block whose passes all are there thus gives sign * (2 * magnitude + 1).
//
// Blocks know nothing of each other: any number may be decoded at once, each with
// its own BlockDecoder.
#pragma once

#include <cstdint>
#include <span>

#include "io/jp2/geometry.h"
#include "io/jp2/mq.h"

namespace dtacs::jp2 {

struct CodedSegment {
  const std::uint8_t* data;
  std::uint32_t length;
  int passes;
};

struct CodedBlock {
  int width, height;  // 1 .. 1024, at most 4096 samples
  Orientation orientation;
  int planes;                              // 1 .. 30
  int style;                               // BlockStyle bits
  std::span<const CodedSegment> segments;  // as segment_passes() cuts them
};

class BlockDecoder {
 public:
  // Valid until the next call.
  const std::int32_t* decode(const CodedBlock& block) noexcept;

 private:
  void reset_contexts() noexcept;
  template <class Bits>
  void significance_pass(Bits& bits, std::uint32_t one_and_half) noexcept;
  template <class Bits>
  void refinement_pass(Bits& bits, std::uint32_t half) noexcept;
  void cleanup_pass(MqDecoder& bits, std::uint32_t one_and_half, bool segmentation_symbol) noexcept;
  void write_samples() noexcept;
  void become_significant(std::uint32_t* flags, int bit, unsigned negative) noexcept;

  static constexpr int kContexts = 19;
  static constexpr int kFlags = 1026 * 3 + 64;  // the widest block has most: (1024 + 2) columns, 1 + 2 stripes

  int width_, height_, stripes_, stride_;
  bool causal_;
  const std::uint8_t* zero_contexts_;  // by neighbourhood, of this orientation
  MqContext contexts_[kContexts];
  std::uint32_t flags_[kFlags];     // one word per column of a stripe; see tier1.cpp
  std::uint32_t magnitudes_[4096];  // 4 * (stripe * width + x) + row, in halves
  std::int32_t samples_[4096];
};

}  // namespace dtacs::jp2
