// SPDX-License-Identifier: Apache-2.0
// The marker segments of a codestream (T.800 Annex A): what the main header and the
// tile-part headers say, checked against the standard's ranges.
//
// Pointer segments (TLM, PLM), CRG and COM are skipped, and PLT is read by who wants it:
// they are hints that a damaged or hostile file may get wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/jp2/geometry.h"
#include "io/jp2/outcome.h"

namespace dtacs::jp2 {

constexpr int kMaxLevels = 32;
constexpr int kMaxBands = 3 * kMaxLevels + 1;
constexpr int kMaxComponents = 16384;
constexpr int kMaxPlanes = 30;                  // coded bit-planes of a block: with a half they fill 32 bits
constexpr int kMaxPasses = 3 * kMaxPlanes - 2;  // the top plane has a cleanup only
constexpr int kMaxProgressions = 64;            // progression changes per tile; real files have a handful

// Markers in the data of a tile-part.
constexpr std::uint16_t kSOP = 0xff91, kEPH = 0xff92;

// Code-block style bits (table A.19).
enum BlockStyle : std::uint8_t {
  kBypass = 1,
  kReset = 2,
  kTerminateAll = 4,
  kCausal = 8,
  kPredictable = 16,
  kSegmentationSymbols = 32,
};

enum class Order : std::uint8_t { lrcp = 0, rlcp = 1, rpcl = 2, pcrl = 3, cprl = 4 };

struct Component {
  std::uint8_t bits;  // 1..38 by the standard; 1..16 accepted
  bool is_signed;
  std::uint8_t dx, dy;
};

// COD/COC, QCD/QCC and RGN as they apply to one component.
struct Coding {
  std::uint8_t levels;
  std::uint8_t block_width_log2, block_height_log2;
  std::uint8_t block_style;
  bool reversible;                                                                         // 5/3; else 9/7
  std::uint8_t precinct_width_log2[kMaxLevels + 1], precinct_height_log2[kMaxLevels + 1];  // by resolution
  std::uint8_t guard_bits;
  std::uint8_t quantisation;  // 0 none, 1 derived from LL, 2 expounded
  std::uint8_t step_count;
  std::uint16_t step[kMaxBands];  // exponent << 11 | mantissa; LL, then HL, LH, HH by resolution
  std::uint8_t roi_shift;
  // Set by COC and QCC: a later COD or QCD of the same header leaves the fields alone.
  bool own_style, own_quantisation;
};

// One progression: packets of these resolutions, components and layers in this order.
struct Progression {
  Order order;
  std::uint32_t resolution_begin, resolution_end;
  std::uint32_t component_begin, component_end;
  std::uint32_t layer_end;
};

// Everything a tile is decoded by.  A tile starts from the main header's values.
struct Parameters {
  Order order;
  std::uint16_t layers;
  bool multi_component_transform;
  bool sop_markers, eph_markers;
  std::uint32_t progressions;  // in `progression`; 0: one, in `order`
  Progression progression[kMaxProgressions];
  Coding* coding;  // one per component, in memory of the owner
};

struct MainHeader {
  Grid grid;
  std::uint32_t components;
  std::size_t siz_components;  // offset of Ssiz of component 0 in the codestream
  Parameters parameters;
  std::size_t end;               // offset of the first SOT
  std::uint64_t packed_headers;  // bytes of PPM payload, without the Zppm fields
  bool has_packed_headers;
};

// SIZ and where the other main segments end.  Needs no memory: `coding` stays null.
Outcome read_size(std::span<const std::byte> codestream, MainHeader& header) noexcept;
// The i-th component of a header that read_size() accepted.
Component component(std::span<const std::byte> codestream, const MainHeader& header, std::uint32_t i) noexcept;

// COD, COC, QCD, QCC, RGN, POC of the main header, after read_size();
// header.parameters.coding has room for header.components entries.
Outcome read_parameters(std::span<const std::byte> codestream, MainHeader& header) noexcept;

// PPM payloads in the order of their indices into `out` (header.packed_headers bytes).
Outcome gather_packed_headers(std::span<const std::byte> codestream, std::byte* out) noexcept;

// One tile-part, from its SOT marker to its last byte.
struct TilePart {
  std::uint32_t tile;
  std::size_t header;  // offset of the first marker after SOT
  std::size_t data;    // offset after SOD
  std::size_t end;
  std::size_t packed_begin, packed_end;  // its packet headers in the gathered PPM bytes
  bool sized;                            // Psot says where it ends; else it is the last one
  bool overrides;                        // COD, COC, QCD, QCC, RGN or POC in its header
  std::uint32_t packed_bytes;            // PPT payload in its header
};

// The tile-part whose SOT is at `at`.  A tile-part that reaches past the codestream
// is truncated (strict) or ends there.  at_end: EOC or the end, no tile-part.
Outcome read_tile_part(std::span<const std::byte> codestream, const MainHeader& header, std::size_t at, bool strict,
                       TilePart& part, bool& at_end) noexcept;
// Whether EOC is at `at`.
bool is_closed(std::span<const std::byte> codestream, std::size_t at) noexcept;

// The lengths of a tile-part's packets as its PLT segments list them, to check and not to
// believe.
class PacketLengths {
 public:
  PacketLengths() noexcept = default;
  PacketLengths(std::span<const std::byte> codestream, const TilePart& part) noexcept
      : codestream_(codestream.first(part.data)), at_(part.header) {}

  // False at the end, which is also where segments are out of order or a length is cut.
  bool next(std::uint32_t& length) noexcept;

 private:
  std::span<const std::byte> codestream_, rest_;
  std::size_t at_ = 0;
  std::uint32_t segments_ = 0;
};

// Whether they add up to the bytes that the tile-part has.
bool packet_lengths_add_up(std::span<const std::byte> codestream, const TilePart& part) noexcept;

// The overriding segments in a tile-part's header, onto `parameters`, which began as
// a copy of the main header's with the own_ flags cleared.  first: the tile's first
// tile-part, the only one that may hold more than POC.
Outcome read_overrides(std::span<const std::byte> codestream, const MainHeader& header, const TilePart& part,
                       bool first, Parameters& parameters) noexcept;

// PPT payloads of a tile-part's header in the order of their indices into `out` (part.packed_bytes).
Outcome gather_tile_packed_headers(std::span<const std::byte> codestream, const TilePart& part,
                                   std::byte* out) noexcept;

}  // namespace dtacs::jp2
