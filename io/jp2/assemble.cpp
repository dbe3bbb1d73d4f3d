// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/assemble.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "io/jp2/packets.h"
#include "io/jp2/wavelet.h"

namespace dtacs::jp2 {
namespace {

// The codeword segments of a block, each in one piece.
std::span<const CodedSegment> gather(const Tile& tile, const Block& block, int style, BlockScratch& scratch) noexcept {
  std::size_t count = 0;
  std::uint64_t joined = 0;
  int pass = 0;
  for (std::uint32_t i = block.first; i != kNone && count < kMaxPasses && tile.chunks[i].passes != 0;) {
    const std::uint32_t begin = i;
    const int limit = segment_passes(style, pass);
    std::uint64_t length = 0;
    int passes = 0, pieces = 0;
    for (; i != kNone && passes < limit && tile.chunks[i].passes != 0; i = tile.chunks[i].next, ++pieces) {
      length += tile.chunks[i].length;
      passes += tile.chunks[i].passes;
    }
    auto data = reinterpret_cast<const std::uint8_t*>(tile.chunks[begin].data);
    if (pieces > 1) {
      if (joined + length > BlockScratch::kJoined) {
        scratch.too_long = true;
        return {};
      }
      data = scratch.joined + joined;
      for (std::uint32_t k = begin; k != i; k = tile.chunks[k].next) {
        const Chunk& c = tile.chunks[k];
        if (c.length != 0) std::memcpy(scratch.joined + joined, c.data, c.length);
        joined += c.length;
      }
    }
    scratch.segments[count++] = {data, static_cast<std::uint32_t>(length), passes};
    pass += passes;
  }
  return {scratch.segments, count};
}

// A sample in halves of a step as tier 1 gives it, into the coefficient.
std::int32_t without_roi(std::int32_t v, int shift) noexcept {
  // Samples of the region were scaled up by 2^shift, above everything outside.
  const std::uint32_t m = static_cast<std::uint32_t>(v < 0 ? -v : v);
  if (shift > 30 || m >> (shift + 1) == 0) return v;
  const auto down = static_cast<std::int32_t>(m >> shift);
  return v < 0 ? -down : down;
}

// in and out may be the same memory: then in's values are replaced one by one.
template <class T>
void store_block(const std::int32_t* in, std::ptrdiff_t in_stride, int width, int height, const Band& band,
                 int roi_shift, T* out, std::ptrdiff_t stride) noexcept {
  const float scale = 0.5f * band.step;
  for (int y = 0; y < height; ++y, out += stride, in += in_stride)
    for (int x = 0; x < width; ++x) {
      std::int32_t v;
      std::memcpy(&v, in + x, sizeof v);
      if (roi_shift != 0) v = without_roi(v, roi_shift);
      T value;
      if constexpr (std::is_same_v<T, std::int32_t>)
        value = v / 2;
      else
        value = static_cast<float>(v) * scale;
      std::memcpy(out + x, &value, sizeof value);
    }
}

template <class T>
void clear_block(const Block& block, T* out, std::ptrdiff_t stride) noexcept {
  for (int y = 0; y < block.height; ++y, out += stride) std::memset(out, 0, block.width * sizeof(T));
}

// The band of block `i`; calls come with ascending indices.
class BandOf {
 public:
  explicit BandOf(const TileComponent& component) noexcept : resolution_(component.resolution) {}

  const Band& operator()(std::uint32_t i) noexcept {
    while (i >= resolution_->band[b_].first_block + resolution_->band[b_].block_count)
      if (++b_ == resolution_->bands) {
        b_ = 0;
        ++resolution_;
      }
    return resolution_->band[b_];
  }

 private:
  const Resolution* resolution_;
  int b_ = 0;
};

bool is_plain(const Tile& tile, const Block& block, int style) noexcept {
  const Chunk& chunk = tile.chunks[block.first];
  return style == 0 && chunk.next == kNone && chunk.passes != 0 && block.planes <= PlainBlock::kMaxPlanes &&
         block.width <= PlainBlock::kMaxSide && block.height <= PlainBlock::kMaxSide;
}

// Decodes blocks into the coefficient plane of their component, plain ones in groups, and the
// last of them with flush().
template <class T>
class BlockWriter {
 public:
  BlockWriter(const Tile& tile, const TileComponent& component, const ComponentPlane& plane,
              BlockScratch& scratch) noexcept
      : tile_(tile),
        scratch_(scratch),
        plane_(static_cast<T*>(plane.coefficients)),
        style_(component.coding->block_style),
        roi_shift_(component.coding->roi_shift) {
    for (BlockScratch::Group& g : scratch_.group) g.count = 0;
  }

  void write(const Block& block, const Band& band) noexcept {
    const auto stride = static_cast<std::ptrdiff_t>(band.kept.width());
    T* const out = plane_ + band.offset + static_cast<std::ptrdiff_t>(block.y) * stride + block.x;
    if (block.first == kNone) return clear_block(block, out, stride);
    if (scratch_.kernel->run != nullptr && is_plain(tile_, block, style_)) {
      const Chunk& chunk = tile_.chunks[block.first];
      const PlainBlock plain = {reinterpret_cast<const std::uint8_t*>(chunk.data),
                                chunk.length,
                                block.width,
                                block.height,
                                band.orientation,
                                block.planes,
                                chunk.passes,
                                reinterpret_cast<std::int32_t*>(out),
                                stride};
      add(scratch_.group[block.planes], plain, &band);
      return;
    }
    const auto segments = gather(tile_, block, style_, scratch_);
    if (segments.empty()) return clear_block(block, out, stride);
    const std::int32_t* samples =
        scratch_.decoder.decode({block.width, block.height, band.orientation, block.planes, style_, segments});
    store_block(samples, block.width, block.width, block.height, band, roi_shift_, out, stride);
  }

  void flush() noexcept {
    BlockScratch::Group& last = scratch_.group[0];  // no block has no planes
    for (int p = 1; p <= PlainBlock::kMaxPlanes; ++p) {
      const BlockScratch::Group& g = scratch_.group[p];
      for (int i = 0; i < g.count; ++i) add(last, g.block[i], g.band[i]);
    }
    if (last.count != 0) run(last);
  }

 private:
  void add(BlockScratch::Group& g, const PlainBlock& block, const Band* band) noexcept {
    g.band[g.count] = band;
    g.block[g.count++] = block;
    if (g.count == scratch_.kernel->blocks) run(g);
  }

  void run(BlockScratch::Group& g) noexcept {
    const bool whole = std::is_same_v<T, std::int32_t> && roi_shift_ == 0;
    scratch_.kernel->run({g.block, g.count, whole, tile_.readable_end, scratch_.work});
    if (!whole)
      for (int i = 0; i < g.count; ++i) {
        const PlainBlock& b = g.block[i];
        store_block(b.out, b.stride, b.width, b.height, *g.band[i], roi_shift_, reinterpret_cast<T*>(b.out), b.stride);
      }
    g.count = 0;
  }

  const Tile& tile_;
  BlockScratch& scratch_;
  T* plane_;
  int style_, roi_shift_;
};

// The code-blocks of the resolutions that are decoded.
struct BlockRange {
  std::uint32_t begin, count;
};
BlockRange blocks_of(const TileComponent& component) noexcept {
  const std::uint32_t begin = component.resolution[0].band[0].first_block;
  const Resolution& top = component.resolution[component.kept];
  const Band& last = top.band[top.bands - 1];
  return {begin, last.first_block + last.block_count - begin};
}

template <class T>
void decode_part(const Tile& tile, const TileComponent& component, const ComponentPlane& plane, BlockScratch& scratch,
                 int part, int parts) noexcept {
  const BlockRange blocks = blocks_of(component);
  const auto cut = [&](int k) {
    return blocks.begin + static_cast<std::uint32_t>(std::uint64_t{blocks.count} * static_cast<unsigned>(k) /
                                                     static_cast<unsigned>(parts));
  };
  // The largest resolution first: its blocks take longest.
  const std::uint32_t end = cut(parts - part);
  BandOf band_of(component);
  BlockWriter<T> writer(tile, component, plane, scratch);
  for (std::uint32_t i = cut(parts - part - 1); i < end; ++i)
    if (tile.blocks[i].wanted) writer.write(tile.blocks[i], band_of(i));
  writer.flush();
}

// The rows of a component's part of the window, one after the other.
template <class T>
class ComponentRows {
 public:
  // out: the part.
  void start(const WaveletKernel& kernel, const TileComponent& component, const ComponentPlane& plane,
             const Rect& out) noexcept {
    const Resolution* res = component.resolution;
    levels_ = component.kept;
    rows_ = samples(plane, res[0].band[0], out);
    if (levels_ == 0) return;
    Subband<T> ll = samples(plane, res[0].band[0], res[0].part);
    for (int r = 1; r <= levels_; ++r) {
      const Rect& part = res[r].part;
      const auto band = [&](int b) {
        return samples(plane, res[r].band[b], band_part(part, res[r].band[b].orientation));
      };
      level_.start(kernel, part, ll, band(0), band(1), band(2), static_cast<T*>(plane.work));
      const Rect next = r == levels_ ? out : band_part(res[r + 1].part, kLL);
      left_ = next.x0 - part.x0;
      for (std::uint32_t y = part.y0; y < next.y0; ++y) level_.next();
      if (r == levels_) break;
      T* const low = static_cast<T*>(plane.low[(levels_ - r - 1) % 2]);
      const std::size_t width = next.width();
      for (std::size_t y = 0; y < next.height(); ++y)
        std::memcpy(low + y * width, level_.next() + left_, width * sizeof(T));
      ll = {low, static_cast<std::ptrdiff_t>(width)};
    }
  }

  const T* next() noexcept {
    if (levels_ > 0) return level_.next() + left_;
    const T* const row = rows_.data;
    rows_.data += rows_.stride;
    return row;
  }

 private:
  // A part of what a band keeps.
  static Subband<T> samples(const ComponentPlane& plane, const Band& band, const Rect& part) noexcept {
    const auto stride = static_cast<std::ptrdiff_t>(band.kept.width());
    const std::ptrdiff_t y = part.y0 - band.kept.y0, x = part.x0 - band.kept.x0;
    return {static_cast<const T*>(plane.coefficients) + band.offset + (part.empty() ? 0 : y * stride + x), stride};
  }

  LevelSynthesis<T> level_;
  int levels_ = 0;
  std::size_t left_ = 0;
  Subband<T> rows_{};
};

// Inverse component transforms (T.800 Annex G) of one sample of component `which`.
inline std::int32_t untransform(std::int32_t y, std::int32_t u, std::int32_t v, std::uint32_t which) noexcept {
  const auto w = [](std::int32_t n) { return static_cast<std::uint32_t>(n); };
  const std::uint32_t green = w(y) - w(static_cast<std::int32_t>(w(u) + w(v)) >> 2);
  return static_cast<std::int32_t>(which == 0 ? w(v) + green : which == 1 ? green : w(u) + green);
}
inline float untransform(float y, float u, float v, std::uint32_t which) noexcept {
  return which == 0 ? y + 1.402f * v : which == 1 ? y - 0.34413f * u - 0.71414f * v : y + 1.772f * u;
}

template <class T>
void synthesise(const Tile& tile, std::uint32_t which, bool transformed, const ComponentPlane* planes,
                const TileOutput& out) noexcept {
  const int count = transformed ? 3 : 1;
  const TileComponent* const first = tile.component + (transformed ? 0 : which);
  const TileComponent& component = tile.component[which];
  if (component.levels < 0) return;  // no samples in the tile
  const Rect part = intersect(component.resolution[component.kept].rect, out.window);
  if (part.empty()) return;
  const std::int32_t half = std::int32_t{1} << (out.bits - 1);
  const PixelRange range = out.is_signed ? PixelRange{0, -half, half - 1} : PixelRange{half, 0, 2 * half - 1};
  const std::size_t width = part.width();
  std::uint16_t* pixels =
      out.pixels + static_cast<std::ptrdiff_t>(part.y0 - out.window.y0) * out.stride + (part.x0 - out.window.x0);
  if (tile.chunk_count == 0) {  // no data: one value
    const auto zero = static_cast<std::uint16_t>(range.shift);
    for (std::uint32_t y = part.y0; y < part.y1; ++y, pixels += out.stride) std::fill_n(pixels, width, zero);
    return;
  }
  ComponentRows<T> rows[3];
  for (int i = 0; i < count; ++i) rows[i].start(*out.wavelet, first[i], planes[i], part);
  for (std::uint32_t y = part.y0; y < part.y1; ++y) {
    const T* row[3] = {};
    for (int i = 0; i < count; ++i) row[i] = rows[i].next();
    if (transformed) {
      T* const line = static_cast<T*>(planes[0].line);
      for (std::size_t x = 0; x < width; ++x) line[x] = untransform(row[0][x], row[1][x], row[2][x], which);
      row[0] = line;
    }
    out.wavelet->of(T{}).pixels(row[0], static_cast<std::int64_t>(width), range, pixels);
    pixels += out.stride;
  }
}

}  // namespace

void ComponentPlane::alloc(const TileSize& size, Arena& arena) noexcept {
  coefficients = arena.alloc<std::int32_t>(static_cast<std::size_t>(size.coefficients));
  for (int i = 0; i < 2; ++i) low[i] = arena.alloc<std::int32_t>(static_cast<std::size_t>(size.low[i]));
  work = arena.alloc<std::int32_t>(LevelSynthesis<float>::work_size(static_cast<std::size_t>(size.width)));
  line = arena.alloc<std::int32_t>(static_cast<std::size_t>(size.width));
}

bool component_transform_applies(const MainHeader& header, std::span<const std::byte> codestream,
                                 const Parameters& parameters, std::uint32_t which) noexcept {
  if (!parameters.multi_component_transform || which > 2 || header.components < 3) return false;
  const Component a = component(codestream, header, 0);
  for (std::uint32_t i = 1; i < 3; ++i) {
    const Component b = component(codestream, header, i);
    if (a.dx != b.dx || a.dy != b.dy || parameters.coding[0].reversible != parameters.coding[i].reversible)
      return false;
  }
  return true;
}

int block_parts(const Tile& tile, std::uint32_t which) noexcept {
  constexpr std::uint32_t kBlocks = 32, kMost = 64;
  if (tile.chunk_count == 0) return 1;
  return static_cast<int>(std::clamp(blocks_of(tile.component[which]).count / kBlocks, std::uint32_t{1}, kMost));
}

void decode_blocks(const Tile& tile, std::uint32_t which, bool transformed, const ComponentPlane* planes,
                   BlockScratch& scratch, int part, int parts) noexcept {
  if (tile.chunk_count == 0) return;
  const TileComponent* const first = tile.component + (transformed ? 0 : which);
  for (int i = 0; i < (transformed ? 3 : 1); ++i)
    if (first[i].coding->reversible)
      decode_part<std::int32_t>(tile, first[i], planes[i], scratch, part, parts);
    else
      decode_part<float>(tile, first[i], planes[i], scratch, part, parts);
}

void synthesise_tile(const Tile& tile, std::uint32_t which, bool transformed, const ComponentPlane* planes,
                     const TileOutput& out) noexcept {
  if (tile.component[which].coding->reversible)
    synthesise<std::int32_t>(tile, which, transformed, planes, out);
  else
    synthesise<float>(tile, which, transformed, planes, out);
}

}  // namespace dtacs::jp2
