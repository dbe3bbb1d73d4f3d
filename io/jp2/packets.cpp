// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/packets.h"

#include <bit>

#include "io/jp2/packet_bits.h"
#include "io/jp2/progression.h"

namespace dtacs::jp2 {
namespace {

using Bytes = std::span<const std::byte>;

class PacketReader {
 public:
  PacketReader(const PacketSource& source, Tile& tile) noexcept
      : source_(source), tile_(tile), kept_left_(tile.kept_packets) {
    packed_ = source.packed_tile;
    enter(source.first_part);
  }

  Outcome run() noexcept {
    const Parameters& p = *tile_.parameters;
    const Progression all{p.order, 0, kMaxLevels + 1, 0, tile_.components, p.layers};
    const std::uint32_t count = p.progressions == 0 ? 1 : p.progressions;
    std::uint64_t bytes = 0;
    for (std::uint32_t i = source_.first_part; i != kNone; i = source_.next_part[i])
      bytes += source_.parts[i].end - source_.parts[i].header;
    std::uint64_t budget = (std::uint64_t{1} << 20) + 256 * bytes;
    for (std::uint32_t i = 0; i < count && kept_left_ > 0; ++i) {
      const Progression& one = p.progressions == 0 ? all : p.progression[i];
      const Visit v = visit_packets(
          tile_, one, budget,
          [this](std::uint32_t c, int r, std::uint32_t k, std::uint32_t l) { return packet(c, r, k, l); });
      if (!outcome_.ok()) return outcome_;
      if (v == Visit::stop) break;
    }
    if (kept_left_ > 0 && source_.strict) return truncated("a tile ends before its last packet");
    return {};
  }

 private:
  Visit fail(Outcome o) noexcept {
    if (source_.strict) outcome_ = o;
    return Visit::stop;
  }

  void enter(std::uint32_t part) noexcept {
    part_ = part;
    body_ = {};
    if (part == kNone) return;
    const TilePart& p = source_.parts[part];
    body_ = source_.codestream.subspan(p.data, p.end - p.data);
    if (source_.packed_main != nullptr) packed_ = {source_.packed_main + p.packed_begin, p.packed_end - p.packed_begin};
  }

  // The next packet of (component, resolution, precinct): skipped when an earlier
  // progression had it already.
  Visit packet(std::uint32_t c, int r, std::uint32_t k, std::uint32_t layer) noexcept {
    const TileComponent& tc = tile_.component[c];
    Resolution& res = tc.resolution[r];
    if (layer < res.layers_read[k]) return Visit::go_on;
    const bool packed_main = source_.packed_main != nullptr;
    const bool packed = packed_main || !source_.packed_tile.empty();
    while (part_ != kNone && (packed_main ? packed_.empty() : body_.empty())) {
      const std::uint32_t next = source_.next_part[part_];
      if (next == kNone && packed && !packed_.empty()) break;  // empty packets may follow the last body byte
      enter(next);
    }
    if (part_ == kNone || (packed && packed_.empty())) return Visit::stop;
    res.layers_read[k] = static_cast<std::uint16_t>(layer + 1);

    if (tile_.parameters->sop_markers && marker(body_, 0x91)) {
      if (body_.size() < 6) return fail(truncated("a tile-part ends inside an SOP marker segment"));
      body_ = body_.subspan(6);
    }
    Bytes& header = packed ? packed_ : body_;
    PacketBits bits(header);
    Precinct* precinct = res.precinct + static_cast<std::size_t>(k) * res.bands;
    const bool filled = bits.bit() != 0;
    Outcome o;
    if (filled)
      for (int b = 0; b < res.bands && o.ok() && !bits.overrun(); ++b)
        o = read_header(bits, precinct[b], res.band[b], tc.coding->block_style, layer);
    const std::byte* end = bits.finish();
    if (o.ok() && bits.overrun()) o = truncated("a tile-part ends inside a packet header");
    if (!o.ok()) {
      drop(precinct, res.bands);
      return fail(o);
    }
    header = header.subspan(static_cast<std::size_t>(end - header.data()));
    if (tile_.parameters->eph_markers && marker(header, 0x92)) header = header.subspan(2);

    if (filled)
      for (int b = 0; b < res.bands; ++b)
        if (!read_body(precinct[b])) {
          drop(precinct, res.bands);
          return fail(truncated("a packet reaches past the end of its tile-part"));
        }
    if (r <= tc.kept && --kept_left_ == 0) return Visit::stop;
    return Visit::go_on;
  }

  static bool marker(Bytes at, int low) noexcept {
    return at.size() >= 2 && at[0] == std::byte{0xff} && at[1] == static_cast<std::byte>(low);
  }

  Outcome read_header(PacketBits& bits, const Precinct& p, const Band& band, int style, std::uint32_t layer) noexcept {
    if (p.across == 0 || p.down == 0) return {};
    TagTree inclusion(tile_.nodes + p.first_node, p.across, p.down), empty_planes(inclusion.end(), p.across, p.down);
    Block* block = tile_.blocks + p.first_block;
    for (std::uint32_t y = 0; y < p.down; ++y) {
      for (std::uint32_t x = 0; x < p.across; ++x, ++block) {
        const bool first_time = block->passes == 0;
        if (!(first_time ? inclusion.below(bits, x, y, layer + 1) : bits.bit() != 0)) continue;
        if (first_time) {
          // A value above the band's planes is wrong, which also bounds the reading of
          // zeros past the end.
          if (!empty_planes.below(bits, x, y, band.planes))
            return bits.overrun() ? Outcome{} : corrupt("a code-block without bit-planes");
          const int planes = band.planes - static_cast<int>(empty_planes.value(x, y));
          if (planes > 30) return unsupported("a code-block of more than 30 bit-planes");
          block->planes = static_cast<std::uint8_t>(planes);
        }
        const int passes = read_passes(bits);
        while (bits.bit() != 0)
          if (++block->length_bits > 32) return corrupt("a code-block length of more than 32 bits");
        if (block->passes + passes > 3 * block->planes - 2)
          return bits.overrun() ? Outcome{} : corrupt("a code-block has more coding passes than bit-planes");
        if (const Outcome o = read_lengths(bits, *block, passes, style); !o.ok()) return o;
        if (bits.overrun()) return {};
      }
    }
    return {};
  }

  // Table B.4.
  static int read_passes(PacketBits& bits) noexcept {
    if (bits.bit() == 0) return 1;
    if (bits.bit() == 0) return 2;
    std::uint32_t v = bits.bits(2);
    if (v < 3) return 3 + static_cast<int>(v);
    v = bits.bits(5);
    if (v < 31) return 6 + static_cast<int>(v);
    return 37 + static_cast<int>(bits.bits(7));
  }

  Outcome read_lengths(PacketBits& bits, Block& block, int passes, int style) noexcept {
    std::uint64_t all = block.skip;
    // Where the open codeword segment began.
    int begin = 0;
    while (begin + segment_passes(style, begin) <= block.passes) begin += segment_passes(style, begin);
    while (passes > 0) {
      const int limit = begin + segment_passes(style, begin) - block.passes;
      const int here = passes < limit ? passes : limit;
      const int width = block.length_bits + std::bit_width(static_cast<unsigned>(here)) - 1;
      if (width > 32) return corrupt("a code-block length of more than 32 bits");
      const std::uint32_t length = bits.bits(width);
      if (block.wanted) {
        if (tile_.chunk_count == tile_.chunk_capacity)
          return corrupt("more code-block segments than a packet can hold");
        const std::uint32_t i = tile_.chunk_count++;
        tile_.chunks[i] = {nullptr, length, kNone, static_cast<std::uint8_t>(here)};
        if (block.first == kNone)
          block.first = i;
        else
          tile_.chunks[block.last].next = i;
        block.last = i;
        if (block.fresh == kNone) block.fresh = i;
      } else {
        all += length;
        if (all > 0xffffffffu) return corrupt("a packet of more than 2^32 bytes");
        block.skip = static_cast<std::uint32_t>(all);
      }
      block.passes = static_cast<std::uint8_t>(block.passes + here);
      passes -= here;
      if (here == limit) begin = block.passes;
    }
    return {};
  }

  bool read_body(const Precinct& p) noexcept {
    Block* block = tile_.blocks + p.first_block;
    for (Block* const end = block + static_cast<std::size_t>(p.across) * p.down; block != end; ++block) {
      for (std::uint32_t i = block->fresh; i != kNone; i = tile_.chunks[i].next) {
        Chunk& chunk = tile_.chunks[i];
        if (chunk.length > body_.size()) return false;
        chunk.data = body_.data();
        body_ = body_.subspan(chunk.length);
        block->fresh = chunk.next;
      }
      if (block->skip > body_.size()) return false;
      body_ = body_.subspan(block->skip);
      block->skip = 0;
    }
    return true;
  }

  // Takes back what the packet announced and the file does not hold.
  void drop(const Precinct* precinct, int bands) noexcept {
    for (int b = 0; b < bands; ++b) {
      Block* block = tile_.blocks + precinct[b].first_block;
      for (Block* const end = block + static_cast<std::size_t>(precinct[b].across) * precinct[b].down; block != end;
           ++block)
        for (std::uint32_t i = block->fresh; i != kNone; i = tile_.chunks[i].next) {
          tile_.chunks[i].length = 0;
          tile_.chunks[i].passes = 0;
        }
    }
  }

  const PacketSource& source_;
  Tile& tile_;
  std::uint64_t kept_left_;
  std::uint32_t part_ = kNone;
  Bytes body_, packed_;
  Outcome outcome_;
};

}  // namespace

Outcome read_packets(const PacketSource& source, Tile& tile) noexcept {
  return PacketReader(source, tile).run();
}

}  // namespace dtacs::jp2
