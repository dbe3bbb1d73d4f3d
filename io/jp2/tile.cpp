// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/tile.h"

#include <algorithm>

namespace dtacs::jp2 {
namespace {

// A tile of more is refused: sane files have thousands.
constexpr std::uint64_t kMaxTilePrecincts = std::uint64_t{1} << 22;
constexpr std::uint64_t kMaxBlocks = std::uint64_t{1} << 26;

// More code-blocks than bytes for them.  A block among others that hold data takes
// about a bit of a tag tree, hence eight to a byte; blocks of an area without data share
// one bit however many they are, hence the free ones: an image of 10980 x 10980 in one
// tile has 29,584 of 64 x 64, and tiles without data of real files have 1024 to 6400 in
// 62 to 78 bytes.  A block takes some 35 bytes of memory, so nine megabytes are free.
constexpr std::uint64_t kFreeBlocks = std::uint64_t{1} << 18, kBlocksPerByte = 8;
bool too_many_blocks(std::uint64_t blocks, std::uint64_t bytes) noexcept {
  return blocks > kFreeBlocks + kBlocksPerByte * bytes;
}
constexpr Outcome kTooFewBytes = truncated("a tile has too few bytes for its code-blocks");

std::uint32_t tree_nodes(std::uint32_t across, std::uint32_t down) noexcept {
  std::uint32_t n = across * down;
  while (across > 1 || down > 1) {
    across = (across + 1) / 2;
    down = (down + 1) / 2;
    n += across * down;
  }
  return n;
}

// The exponent and mantissa of a band's step (equation E-5 for the derived style).
std::uint16_t step_of(const Coding& c, int resolution, int band) noexcept {
  if (c.quantisation != 1) return c.step[resolution == 0 ? 0 : 3 * (resolution - 1) + 1 + band];
  const int exponent = (c.step[0] >> 11) - (resolution > 0 ? resolution - 1 : 0);
  return static_cast<std::uint16_t>(std::max(exponent, 0) << 11 | (c.step[0] & 0x7ff));
}

float pow2(int n) noexcept {
  float v = 1.0f;
  for (; n > 0; --n) v *= 2.0f;
  for (; n < 0; ++n) v *= 0.5f;
  return v;
}

// The walk both passes share: resolutions of every component, precincts of every
// resolution, their part in every band.
class Walk {
 public:
  Walk(const MainHeader& header, const Coding& coding, std::uint32_t index, int dx, int dy)
      : coding_(coding),
        rect_(on_component(header.grid.tile(index % header.grid.columns, index / header.grid.columns), dx, dy)) {}

  const Rect& rect() const noexcept { return rect_; }
  int levels() const noexcept { return coding_.levels; }
  Rect resolution(int r) const noexcept { return reduced(rect_, levels() - r); }
  Cells precincts(int r) const noexcept {
    return cells(resolution(r), coding_.precinct_width_log2[r], coding_.precinct_height_log2[r]);
  }
  static int bands(int r) noexcept { return r == 0 ? 1 : 3; }
  static Orientation orientation(int r, int b) noexcept { return static_cast<Orientation>(r == 0 ? kLL : b + 1); }
  Rect band(int r, int b) const noexcept {
    return sub_band(rect_, orientation(r, b), r == 0 ? levels() : levels() - r + 1);
  }

  // Of a band: what a part of its resolution consists of (of LL it is the part), and the
  // whole code-blocks around that.
  static Rect needed(int r, Orientation o, const Rect& part) noexcept { return r == 0 ? part : band_part(part, o); }
  Rect kept(int r, const Rect& band, const Rect& needed) const noexcept {
    return whole_blocks(needed, band, block_width_log2(r), block_height_log2(r));
  }

  struct Part {
    Rect rect;  // of the precinct in the band
    Cells blocks;
    int width_log2, height_log2;  // of a code-block there
  };
  Part part(int r, const Rect& band, const Cells& grid, std::uint32_t k) const noexcept {
    const int half = r == 0 ? 0 : 1;
    const int wx = coding_.precinct_width_log2[r] - half, wy = coding_.precinct_height_log2[r] - half;
    Part p;
    p.rect = cell(band, static_cast<std::uint64_t>(grid.x0) + k % grid.across,
                  static_cast<std::uint64_t>(grid.y0) + k / grid.across, wx, wy);
    p.width_log2 = block_width_log2(r);
    p.height_log2 = block_height_log2(r);
    p.blocks = cells(p.rect, p.width_log2, p.height_log2);
    return p;
  }

 private:
  // Precincts cut code-blocks.
  int block_width_log2(int r) const noexcept {
    return std::min<int>(coding_.block_width_log2, coding_.precinct_width_log2[r] - (r == 0 ? 0 : 1));
  }
  int block_height_log2(int r) const noexcept {
    return std::min<int>(coding_.block_height_log2, coding_.precinct_height_log2[r] - (r == 0 ? 0 : 1));
  }

  const Coding& coding_;
  Rect rect_;
};

bool is_wanted(const Wanted& wanted, std::uint32_t component) noexcept {
  return component >= wanted.first_component && component - wanted.first_component < wanted.component_count;
}
int kept_resolutions(const Wanted& wanted, std::uint32_t component, int levels) noexcept {
  return is_wanted(wanted, component) ? levels - wanted.reduce : -1;
}

// What the synthesis of one component takes.
void measure_planes(const Walk& walk, int kept, const Rect& window, TileSize& size) noexcept {
  Rect part[kMaxLevels + 1];
  needed_parts(walk.rect(), walk.levels(), kept, window, part);
  std::uint64_t coefficients = 0;
  for (int r = 0; r <= kept; ++r) {
    for (int b = 0; b < Walk::bands(r); ++b)
      coefficients += walk.kept(r, walk.band(r, b), Walk::needed(r, Walk::orientation(r, b), part[r])).area();
    size.width = std::max<std::uint64_t>(size.width, part[r].width());
    if (r > 1) {
      std::uint64_t& low = size.low[(kept - r) % 2];
      low = std::max(low, band_part(part[r], kLL).area());
    }
  }
  size.coefficients = std::max(size.coefficients, coefficients);
}

}  // namespace

Outcome measure_tile(std::span<const std::byte> codestream, const MainHeader& header, const Parameters& parameters,
                     std::uint32_t index, const Wanted& wanted, std::uint64_t bytes, bool strict,
                     TileSize& size) noexcept {
  size = {};
  size.components = header.components;
  // First by formula, so that an absurd header is refused before anything is walked.
  for (std::uint32_t c = 0; c < header.components; ++c) {
    const Component about = component(codestream, header, c);
    const Coding& coding = parameters.coding[c];
    const Walk walk(header, coding, index, about.dx, about.dy);
    const int kept = kept_resolutions(wanted, c, coding.levels);
    // A component without samples in the tile has no packets: it takes no more of the
    // time than this.
    if (walk.rect().empty()) continue;
    if (is_wanted(wanted, c) && kept < 0)
      return {Status::wrong_shape, "fewer resolution levels than are to be dropped"};
    size.resolutions += static_cast<std::uint64_t>(coding.levels) + 1;
    std::uint64_t blocks = 0;
    for (int r = 0; r <= coding.levels; ++r) {
      const Cells grid = walk.precincts(r);
      const std::uint64_t count = static_cast<std::uint64_t>(grid.across) * grid.down;
      size.precincts += count;
      size.precinct_bands += count * static_cast<std::uint64_t>(Walk::bands(r));
      for (int b = 0; b < Walk::bands(r); ++b) {
        const Cells all = cells(walk.band(r, b), coding.block_width_log2, coding.block_height_log2);
        blocks += static_cast<std::uint64_t>(all.across) * all.down;
      }
    }
    size.blocks += blocks;
    if (size.precincts > kMaxTilePrecincts) return unsupported("more than four million precincts in a tile");
    if (size.blocks > kMaxBlocks) return unsupported("more than 64 million code-blocks in a tile");
  }
  size.packets = size.precincts * parameters.layers;
  // The header of an empty packet takes a byte, and each precinct has a first packet.
  if (strict && size.precincts > bytes) return truncated("a tile has fewer bytes than precincts");
  if (strict && too_many_blocks(size.blocks, bytes)) return kTooFewBytes;

  // Then exactly: precincts cut code-blocks.
  size.blocks = 0;
  std::uint64_t chunks_per_block = 1;
  for (std::uint32_t c = 0; c < header.components; ++c) {
    const Component about = component(codestream, header, c);
    const Coding& coding = parameters.coding[c];
    const Walk walk(header, coding, index, about.dx, about.dy);
    if (walk.rect().empty()) continue;
    const int kept = kept_resolutions(wanted, c, coding.levels);
    if (kept >= 0) measure_planes(walk, kept, wanted.window, size);
    if (kept >= 0 && (coding.block_style & (kBypass | kTerminateAll)) != 0) chunks_per_block = kMaxPasses;
    for (int r = 0; r <= coding.levels; ++r) {
      const Cells grid = walk.precincts(r);
      const std::uint32_t count = grid.across * grid.down;
      for (int b = 0; b < Walk::bands(r); ++b) {
        const Rect band = walk.band(r, b);
        for (std::uint32_t k = 0; k < count; ++k) {
          const Cells blocks = walk.part(r, band, grid, k).blocks;
          size.blocks += static_cast<std::uint64_t>(blocks.across) * blocks.down;
          if (r <= kept) size.wanted_blocks += static_cast<std::uint64_t>(blocks.across) * blocks.down;
          size.nodes += 2 * static_cast<std::uint64_t>(tree_nodes(blocks.across, blocks.down));
        }
      }
    }
  }
  if (size.blocks > kMaxBlocks) return unsupported("more than 64 million code-blocks in a tile");
  if (strict && too_many_blocks(size.blocks, bytes)) return kTooFewBytes;
  // Each chunk takes three bits of a packet header or more, and one bit less than
  // the passes it could have at most.
  const std::uint64_t by_layers = size.wanted_blocks * (chunks_per_block - 1 + parameters.layers);
  size.chunks = std::min(by_layers, size.wanted_blocks + bytes * 8 / 3);
  if (size.chunks > 0x7fffffffu) return unsupported("more than 2^31 code-block segments in a tile");
  return {};
}

void alloc_tile(const TileSize& size, Arena& arena, Tile& tile) noexcept {
  const auto n = [](std::uint64_t v) { return static_cast<std::size_t>(v); };
  tile.component = arena.alloc<TileComponent>(n(size.components));
  tile.resolutions = arena.alloc<Resolution>(n(size.resolutions));
  tile.precincts = arena.alloc<Precinct>(n(size.precinct_bands));
  tile.layers_read = arena.alloc<std::uint16_t>(n(size.precincts));
  tile.blocks = arena.alloc<Block>(n(size.blocks));
  tile.nodes = arena.alloc<TagNode>(n(size.nodes));
  tile.chunks = arena.alloc<Chunk>(n(size.chunks));
  tile.chunk_capacity = static_cast<std::uint32_t>(size.chunks);
}

void layout_tile(std::span<const std::byte> codestream, const MainHeader& header, const Parameters& parameters,
                 std::uint32_t index, const Wanted& wanted, Tile& tile) noexcept {
  tile.rect = header.grid.tile(index % header.grid.columns, index / header.grid.columns);
  tile.parameters = &parameters;
  tile.readable_end = reinterpret_cast<const std::uint8_t*>(codestream.data()) + codestream.size();
  tile.components = header.components;
  tile.chunk_count = 0;
  tile.packets = tile.wanted_packets = 0;
  tile.lengths_failed = false;
  tile.steps = 0;
  Resolution* resolution = tile.resolutions;
  Precinct* precinct = tile.precincts;
  std::uint16_t* layers_read = tile.layers_read;
  std::uint32_t block = 0, node = 0;

  for (std::uint32_t c = 0; c < header.components; ++c) {
    const Component about = component(codestream, header, c);
    const Coding& coding = parameters.coding[c];
    const Walk walk(header, coding, index, about.dx, about.dy);
    TileComponent& tc = tile.component[c];
    if (walk.rect().empty()) {
      tc = {walk.rect(), about.dx, about.dy, -1, -1, 0, &coding, nullptr};
      continue;
    }
    const int kept = kept_resolutions(wanted, c, coding.levels);
    tc = {walk.rect(), about.dx, about.dy, coding.levels, kept, 0, &coding, resolution};
    Rect part[kMaxLevels + 1] = {};
    if (kept >= 0) needed_parts(walk.rect(), coding.levels, kept, wanted.window, part);

    for (int r = 0; r <= coding.levels; ++r, ++resolution) {
      const Cells grid = walk.precincts(r);
      const std::uint32_t count = grid.across * grid.down;
      const int bands = Walk::bands(r);
      Resolution& res = *resolution;
      res.rect = walk.resolution(r);
      res.part = part[r];
      res.across = grid.across;
      res.down = grid.down;
      res.width_log2 = coding.precinct_width_log2[r];
      res.height_log2 = coding.precinct_height_log2[r];
      res.bands = static_cast<std::uint8_t>(bands);
      res.precinct = precinct;
      res.layers_read = layers_read;
      std::fill_n(layers_read, count, std::uint16_t{0});
      precinct += static_cast<std::size_t>(count) * static_cast<std::size_t>(bands);
      layers_read += count;

      for (int b = 0; b < bands; ++b) {
        const Orientation o = Walk::orientation(r, b);
        const Rect rect = walk.band(r, b);
        const int gain = (o & 1) + (o >> 1);
        const std::uint16_t step = step_of(coding, r, b);
        Band& band = res.band[b];
        band.orientation = o;
        band.planes = static_cast<std::uint8_t>(std::max(coding.guard_bits + (step >> 11) - 1, 0) + coding.roi_shift);
        band.step = pow2(about.bits + gain - (step >> 11)) * (1.0f + static_cast<float>(step & 0x7ff) / 2048.0f);
        const Rect needed = Walk::needed(r, o, part[r]);
        band.kept = walk.kept(r, rect, needed);
        band.offset = tc.coefficients;
        tc.coefficients += static_cast<std::size_t>(band.kept.area());
        band.first_block = block;
        for (std::uint32_t k = 0; k < count; ++k) {
          const Walk::Part cut = walk.part(r, rect, grid, k);
          Precinct& p =
              res.precinct[static_cast<std::size_t>(k) * static_cast<std::size_t>(bands) + static_cast<std::size_t>(b)];
          p = {block, node, static_cast<std::uint16_t>(cut.blocks.across), static_cast<std::uint16_t>(cut.blocks.down),
               0};
          const std::uint32_t nodes = 2 * tree_nodes(cut.blocks.across, cut.blocks.down);
          std::fill_n(tile.nodes + node, nodes, TagNode{});
          node += nodes;
          for (std::uint32_t y = 0; y < cut.blocks.down; ++y)
            for (std::uint32_t x = 0; x < cut.blocks.across; ++x, ++block) {
              const Rect at = cell(cut.rect, static_cast<std::uint64_t>(cut.blocks.x0) + x,
                                   static_cast<std::uint64_t>(cut.blocks.y0) + y, cut.width_log2, cut.height_log2);
              Block& to = tile.blocks[block];
              to.first = to.last = kNone;
              to.x = at.x0 - band.kept.x0;
              to.y = at.y0 - band.kept.y0;
              to.width = static_cast<std::uint16_t>(at.width());
              to.height = static_cast<std::uint16_t>(at.height());
              to.passes = 0;
              to.planes = 0;
              to.length_bits = 3;
              to.wanted = !intersect(at, needed).empty();
              if (to.wanted) p.wanted = 1;
            }
        }
        band.block_count = block - band.first_block;
      }
      tile.packets += static_cast<std::uint64_t>(count) * parameters.layers;
      for (std::uint32_t k = 0; k < count; ++k)
        if (res.wants(k)) tile.wanted_packets += parameters.layers;
    }
  }
}

}  // namespace dtacs::jp2
