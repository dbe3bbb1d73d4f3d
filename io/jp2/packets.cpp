// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/packets.h"

#include <algorithm>
#include <bit>

#include "io/bytes.h"
#include "io/jp2/packet_bits.h"
#include "io/jp2/progression.h"

namespace dtacs::jp2 {
namespace {

using Bytes = std::span<const std::byte>;

class PacketReader {
 public:
  PacketReader(const PacketSource& source, Tile& tile) noexcept
      : source_(source), tile_(tile), wanted_left_(tile.wanted_packets) {
    packed_ = source.packed_tile;
    enter(source.first_part);
  }

  Outcome run() noexcept {
    const Parameters& p = *tile_.parameters;
    const Progression all{p.order, 0, kMaxLevels + 1, 0, tile_.components, p.layers};
    const std::uint32_t count = p.progressions == 0 ? 1 : p.progressions;
    std::uint64_t bytes = 0;
    for (std::uint32_t i = source_.first_part; i != kNone; i = source_.next_part[i]) {
      const TilePart& part = source_.parts[i];
      bytes += (part.end - part.header) + (part.packed_end - part.packed_begin);
    }
    std::uint64_t budget = (std::uint64_t{1} << 20) + 256 * bytes;
    // A bit takes a dozen steps, and those beside it some more; only packets made for
    // it, which include one column of blocks between many that are ruled out, come near.
    steps_limit_ = (std::uint64_t{1} << 20) + 1024 * bytes;
    for (std::uint32_t i = 0; i < count && wanted_left_ > 0; ++i) {
      const Progression& one = p.progressions == 0 ? all : p.progression[i];
      const Visit v = visit_packets(
          tile_, one, budget,
          [this](std::uint32_t c, int r, std::uint32_t k, std::uint32_t l) { return packet(c, r, k, l); });
      if (v == Visit::stop) break;
    }
    if (passed_over_ && (misfit_ || wanted_left_ > 0)) {
      tile_.lengths_failed = true;
      return {};
    }
    if (!outcome_.ok()) return outcome_;
    if (wanted_left_ > 0 && source_.strict && !only_layers_left_out())
      return truncated("a tile ends before its last packet");
    if (wanted_left_ == 0 && source_.strict && tile_.wanted_packets == tile_.packets && bytes_left())
      return corrupt("a tile has bytes after its last packet");
    return {};
  }

 private:
  // Where zeros took the place of packets, they pass for empty ones and the last of them comes too early.
  bool bytes_left() const noexcept {
    if (!body_.empty()) return true;
    for (std::uint32_t i = part_ == kNone ? kNone : source_.next_part[part_]; i != kNone; i = source_.next_part[i])
      if (source_.parts[i].end != source_.parts[i].data) return true;
    return false;
  }

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
    lengths_hold_ = source_.use_lengths && source_.packed_main == nullptr && source_.packed_tile.empty() &&
                    packet_lengths_add_up(source_.codestream, p);
    lengths_ = PacketLengths(source_.codestream, p);
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
    const bool wanted = res.wants(k);
    std::uint32_t length = 0;
    const std::size_t before = body_.size();
    if (lengths_hold_ && (!lengths_.next(length) || length > before) && misfit()) return Visit::stop;
    if (lengths_hold_ && !wanted) {
      passed_over_ = true;
      body_ = body_.subspan(length);
      return Visit::go_on;
    }

    if (tile_.parameters->sop_markers && marker(body_, kSOP)) {
      if (body_.size() < 6) return fail(truncated("a tile-part ends inside an SOP marker segment"));
      body_ = body_.subspan(6);
    }
    Bytes& header = packed ? packed_ : body_;
    PacketBits bits(header);
    const Precinct* precinct = res.precinct + static_cast<std::size_t>(k) * res.bands;
    const bool filled = bits.bit() != 0;
    const std::uint32_t fresh = tile_.chunk_count;
    skip_ = 0;
    Outcome o;
    if (filled)
      for (int b = 0; b < res.bands && o.ok() && !bits.overrun(); ++b)
        o = read_header(bits, precinct[b], res.band[b], tc.coding->block_style, layer);
    const std::byte* end = bits.finish();
    if (o.ok() && tile_.steps > steps_limit_) o = corrupt("packet headers that take too many steps for their bytes");
    if (o.ok() && bits.overrun()) o = truncated("a tile-part ends inside a packet header");
    if (!o.ok()) {
      drop(fresh);
      return fail(o);
    }
    header = header.subspan(static_cast<std::size_t>(end - header.data()));
    if (tile_.parameters->eph_markers && marker(header, kEPH)) header = header.subspan(2);

    if (!read_body(fresh)) return fail(truncated("a packet reaches past the end of its tile-part"));
    if (lengths_hold_ && before - body_.size() != length && misfit()) return Visit::stop;
    if (wanted && --wanted_left_ == 0) return Visit::stop;
    return Visit::go_on;
  }

  // Whether EOC closes the codestream, and the tile-parts say where they end and do so between packets, of which
  // every wanted precinct has had one: then somebody left out the finest layers, as encoders
  // and servers do, and the picture is there.
  bool only_layers_left_out() const noexcept {
    if (!source_.closed || !body_.empty()) return false;
    for (std::uint32_t i = source_.first_part; i != kNone; i = source_.next_part[i])
      if (!source_.parts[i].sized) return false;
    for (std::uint32_t c = 0; c < tile_.components; ++c) {
      const TileComponent& tc = tile_.component[c];
      for (int r = 0; r <= tc.kept; ++r)
        for (std::uint32_t k = 0; k < tc.resolution[r].across * tc.resolution[r].down; ++k)
          if (tc.resolution[r].layers_read[k] == 0 && tc.resolution[r].wants(k)) return false;
    }
    return true;
  }

  // The lengths are wrong.  True: packets were passed over by them, and nothing read counts.
  bool misfit() noexcept {
    lengths_hold_ = false;
    misfit_ = passed_over_;
    return misfit_;
  }

  static bool marker(Bytes at, std::uint16_t which) noexcept {
    Reader r(at);
    return r.u16be() == which && r.ok();
  }

  // Blocks come row by row.  What the inclusion tree rules out together is passed over
  // together, in both directions: the time follows the bits that are there, not the
  // blocks that the precinct has.
  Outcome read_header(PacketBits& bits, const Precinct& p, const Band& band, int style, std::uint32_t layer) noexcept {
    if (p.across == 0 || p.down == 0) return {};
    TagTree inclusion(tile_.nodes + p.first_node, p.across, p.down), empty_planes(inclusion.end(), p.across, p.down);
    Outcome o;
    for (std::uint32_t y = 0, next_y; y < p.down && o.ok() && !bits.overrun(); y = next_y) {
      int lowest = inclusion.levels();  // level that the whole row was ruled out at, or above
      for (std::uint32_t x = 0; x < p.across && o.ok() && !bits.overrun();) {
        const int level = inclusion.settle(bits, x, y, layer + 1);
        if (level != TagTree::kBelow) {
          lowest = std::min(lowest, level);
          x = ((x >> level) + 1) << level;
          continue;
        }
        lowest = 0;
        Block& block = tile_.blocks[p.first_block + y * p.across + x];
        if (block.passes == 0 || bits.bit() != 0) o = read_block(bits, block, empty_planes, x, y, band, style);
        ++x;
      }
      next_y = ((y >> lowest) + 1) << lowest;
    }
    tile_.steps += inclusion.steps() + empty_planes.steps();
    return o;
  }

  // What the header says of a block that the packet holds bytes of.
  Outcome read_block(PacketBits& bits, Block& block, TagTree& empty_planes, std::uint32_t x, std::uint32_t y,
                     const Band& band, int style) noexcept {
    if (block.passes == 0) {
      // A value above the band's planes is wrong, which also bounds the reading of
      // zeros past the end.
      if (empty_planes.settle(bits, x, y, band.planes) != TagTree::kBelow)
        return bits.overrun() ? Outcome{} : corrupt("a code-block without bit-planes");
      const int planes = band.planes - static_cast<int>(empty_planes.value(x, y));
      if (planes > kMaxPlanes) return unsupported("a code-block of more than 30 bit-planes");
      block.planes = static_cast<std::uint8_t>(planes);
    }
    const int passes = read_passes(bits);
    while (bits.bit() != 0)
      if (++block.length_bits > 32) return corrupt("a code-block length of more than 32 bits");
    if (block.passes + passes > 3 * block.planes - 2)
      return bits.overrun() ? Outcome{} : corrupt("a code-block has more coding passes than bit-planes");
    return read_lengths(bits, block, passes, style);
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
    // Where the open codeword segment began.
    int begin = 0;
    while (begin + segment_passes(style, begin) <= block.passes) begin += segment_passes(style, begin);
    while (passes > 0) {
      const int limit = begin + segment_passes(style, begin) - block.passes;
      const int here = passes < limit ? passes : limit;
      const int width = block.length_bits + static_cast<int>(std::bit_width(static_cast<unsigned>(here))) - 1;
      if (width > 32) return corrupt("a code-block length of more than 32 bits");
      const std::uint32_t length = bits.bits(width);
      if (block.wanted) {
        if (tile_.chunk_count == tile_.chunk_capacity)
          return corrupt("more code-block segments than a packet can hold");
        const std::uint32_t i = tile_.chunk_count++;
        tile_.chunks[i] = {nullptr, length, kNone, static_cast<std::uint32_t>(skip_), static_cast<std::uint8_t>(here)};
        skip_ = 0;
        if (block.first == kNone)
          block.first = i;
        else
          tile_.chunks[block.last].next = i;
        block.last = i;
      } else {
        skip_ += length;
        if (skip_ > 0xffffffffu) return corrupt("a packet of more than 2^32 bytes");
      }
      block.passes = static_cast<std::uint8_t>(block.passes + here);
      passes -= here;
      if (here == limit) begin = block.passes;
    }
    return {};
  }

  // The bytes of the packet whose chunks begin at `fresh`.  False: not all are there,
  // and the chunks of those that are not are taken back.
  bool read_body(std::uint32_t fresh) noexcept {
    for (std::uint32_t i = fresh; i < tile_.chunk_count; ++i) {
      Chunk& chunk = tile_.chunks[i];
      if (chunk.before > body_.size() || chunk.length > body_.size() - chunk.before) {
        drop(i);
        return false;
      }
      chunk.data = body_.data() + chunk.before;
      body_ = body_.subspan(static_cast<std::size_t>(chunk.before) + chunk.length);
    }
    if (skip_ > body_.size()) return false;
    body_ = body_.subspan(static_cast<std::size_t>(skip_));
    return true;
  }

  // Takes back what the packet announced and the file does not hold.
  void drop(std::uint32_t from) noexcept {
    for (std::uint32_t i = from; i < tile_.chunk_count; ++i) {
      tile_.chunks[i].length = 0;
      tile_.chunks[i].passes = 0;
    }
  }

  const PacketSource& source_;
  Tile& tile_;
  std::uint64_t wanted_left_, steps_limit_ = 0;
  std::uint32_t part_ = kNone;
  Bytes body_, packed_;
  PacketLengths lengths_;  // of this tile-part from here on
  bool lengths_hold_ = false, passed_over_ = false, misfit_ = false;
  std::uint64_t skip_ = 0;  // bytes of blocks that are not wanted since the last chunk of the packet
  Outcome outcome_;
};

}  // namespace

Outcome read_packets(const PacketSource& source, Tile& tile) noexcept {
  return PacketReader(source, tile).run();
}

}  // namespace dtacs::jp2
