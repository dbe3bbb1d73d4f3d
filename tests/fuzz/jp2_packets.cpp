// SPDX-License-Identifier: Apache-2.0
// A codestream as far as the bytes of its code-blocks: marker segments, tile-parts, the
// layout of the first tiles, packet headers.  The last byte chooses strictness, a window
// and the use of packet lengths.  Without tier 1 it is many times faster than whole files.
#include <cstdlib>

#include "io/jp2/boxes.h"
#include "io/jp2/packets.h"
#include "tests/fuzz/target.h"

namespace dtacs::fuzz {
namespace {

using namespace jp2;

constexpr std::size_t kMostParts = 64;
constexpr std::uint32_t kMostComponents = 64;
constexpr std::uint64_t kMostPixels = 1 << 20;  // time follows them as well as the bytes

struct Freed {
  std::byte* block = nullptr;
  ~Freed() { std::free(block); }
};

// Each chunk lies inside the file and comes after those before it.
void check_chunks(const Tile& tile, std::span<const std::byte> file) {
  for (std::uint32_t i = 0; i < tile.chunk_count; ++i) {
    const Chunk& c = tile.chunks[i];
    if (c.passes == 0) continue;
    require(c.data >= file.data() && c.data <= file.data() + file.size() &&
                c.length <= static_cast<std::size_t>(file.data() + file.size() - c.data),
            "code-blocks inside the file");
  }
}

}  // namespace

DTACS_FUZZ_TARGET(jp2_packets) {
  const unsigned how = in.empty() ? 0 : in.back();
  const bool strict = (how & 1) == 0;
  std::span<const std::byte> stream;
  if (!find_codestream(as_bytes(in), strict, stream).ok()) return;
  MainHeader header;
  if (!read_size(stream, header).ok() || header.components > kMostComponents || header.grid.image.area() > kMostPixels)
    return;
  std::vector<Coding> coding(header.components), own(header.components);
  header.parameters.coding = coding.data();
  if (!read_parameters(stream, header).ok()) return;
  std::vector<std::byte> packed(header.packed_headers);
  if (header.has_packed_headers && !gather_packed_headers(stream, packed.data()).ok()) return;
  std::vector<TilePart> parts;
  std::size_t at = header.end;
  for (bool at_end = false; parts.size() < kMostParts;) {
    TilePart part;
    if (!read_tile_part(stream, header, at, strict, part, at_end).ok() || at_end) break;
    require(part.end > at && part.data <= part.end && part.end <= stream.size(), "tile-parts to go forward");
    at = part.end;
    parts.push_back(part);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Parameters parameters = header.parameters;
    parameters.coding = own.data();
    own = coding;
    if (parts[i].overrides && !read_overrides(stream, header, parts[i], true, parameters).ok()) continue;
    const std::uint64_t bytes = (parts[i].end - parts[i].data) + parts[i].packed_bytes + packed.size();
    const Rect& all = header.grid.image;
    const Rect corner{0, 0, all.x0 + 1 + all.width() / 3, all.y0 + 1 + all.height() / 3};
    const Wanted wanted{0, header.components, 0, (how & 4) != 0 ? corner : Rect{0, 0, ~0u, ~0u}};
    TileSize size;
    if (!measure_tile(stream, header, parameters, parts[i].tile, wanted, bytes, strict, size).ok()) continue;
    if (size.blocks > 1 << 16 || size.precincts > 1 << 14) continue;  // time of its own, little to find
    Tile tile;
    Arena dry;
    alloc_tile(size, dry, tile);
    Freed memory{static_cast<std::byte*>(std::aligned_alloc(Arena::kAlign, dry.wanted() + Arena::kAlign))};
    Arena arena({memory.block, dry.wanted()});
    alloc_tile(size, arena, tile);
    layout_tile(stream, header, parameters, parts[i].tile, wanted, tile);
    std::vector<std::byte> packed_tile(parts[i].packed_bytes);
    if (!packed_tile.empty() && !gather_tile_packed_headers(stream, parts[i], packed_tile.data()).ok()) continue;
    parts[i].packed_end = packed.size();
    std::vector<std::uint32_t> next(parts.size(), kNone);
    const PacketSource source{stream,
                              parts.data(),
                              next.data(),
                              static_cast<std::uint32_t>(i),
                              header.has_packed_headers ? packed.data() : nullptr,
                              packed_tile,
                              strict,
                              (how & 4) != 0,
                              (how & 2) != 0};
    if (!read_packets(source, tile).ok() && strict) continue;
    check_chunks(tile, stream);
  }
}

}  // namespace dtacs::fuzz
