// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/jp2.h"

#include <algorithm>
#include <cstring>

#include "io/bytes.h"
#include "io/jp2/boxes.h"

namespace dtacs::jp2 {
namespace {

// Of all tiles in reach of a window; these bound the time that open() takes.
constexpr std::uint64_t kMaxPrecincts = std::uint64_t{1} << 26;
constexpr std::uint64_t kMaxResolutions = std::uint64_t{1} << 24;
// Components times tiles.  Where a tile has parameters of its own, those of every
// component are copied, which takes as long as looking at sixteen.
constexpr std::uint64_t kMaxTileComponents = std::uint64_t{1} << 24, kOwnParameters = 16;

void cover(TileSize& all, const TileSize& one) noexcept {
  all.components = std::max(all.components, one.components);
  all.resolutions = std::max(all.resolutions, one.resolutions);
  all.precincts = std::max(all.precincts, one.precincts);
  all.precinct_bands = std::max(all.precinct_bands, one.precinct_bands);
  all.blocks = std::max(all.blocks, one.blocks);
  all.nodes = std::max(all.nodes, one.nodes);
  all.chunks = std::max(all.chunks, one.chunks);
  all.coefficients = std::max(all.coefficients, one.coefficients);
  for (int i = 0; i < 2; ++i) all.low[i] = std::max(all.low[i], one.low[i]);
  all.width = std::max(all.width, one.width);
}

// The size of the image, and the component that is asked for.
Outcome check_request(std::span<const std::byte> codestream, const MainHeader& header, int which,
                      std::uint64_t max_pixels, Component& about) noexcept {
  if (header.grid.image.area() > max_pixels) return unsupported("more pixels than the limit");
  if (which < 0 || static_cast<std::uint32_t>(which) >= header.components)
    return {Status::wrong_shape, "no such component"};
  about = component(codestream, header, static_cast<std::uint32_t>(which));
  return {};
}

}  // namespace

Outcome probe(std::span<const std::byte> file, int component, ImageInfo& info) noexcept {
  std::span<const std::byte> codestream;
  if (const Outcome o = find_codestream(file, false, codestream); !o.ok()) return o;
  MainHeader header;
  if (const Outcome o = read_size(codestream, header); !o.ok()) return o;
  Component about;
  if (const Outcome o = check_request(codestream, header, component, kMaxPixels, about); !o.ok()) return o;
  info = {header.grid.image, static_cast<int>(header.components), about};
  return {};
}

Rect Decoder::tile_rect(std::uint32_t column, std::uint32_t row) const noexcept {
  return reduced(on_component(header_.grid.tile(column, row), component_.dx, component_.dy), options_.reduce);
}

// Everything that needs no memory: sizes, the window, the tiles it touches.
Outcome Decoder::locate(std::span<const std::byte> file) noexcept {
  file_ = file;
  if (const Outcome o = find_codestream(file, options_.strict, codestream_); !o.ok()) return o;
  if (const Outcome o = read_size(codestream_, header_); !o.ok()) return o;
  const Grid& grid = header_.grid;
  if (const Outcome o = check_request(codestream_, header_, options_.component, options_.max_pixels, component_);
      !o.ok())
    return o;
  if (options_.reduce < 0 || options_.reduce > kMaxLevels) return {Status::wrong_shape, "no such resolution"};
  if (component_.bits > 16) return unsupported("more than 16 bits per sample");
  const Rect all = reduced(on_component(grid.image, component_.dx, component_.dy), options_.reduce);
  if (all.empty()) return {Status::wrong_shape, "the component has no samples at this resolution"};
  window_ = all;
  if (options_.width != 0) {
    const auto within = [](int at, int size, std::uint32_t whole) {
      return at >= 0 && size > 0 && static_cast<std::uint64_t>(at) + static_cast<std::uint64_t>(size) <= whole;
    };
    if (!within(options_.x, options_.width, all.width()) || !within(options_.y, options_.height, all.height()))
      return {Status::wrong_shape, "the window reaches outside the image"};
    window_.x0 = all.x0 + static_cast<std::uint32_t>(options_.x);
    window_.y0 = all.y0 + static_cast<std::uint32_t>(options_.y);
    window_.x1 = window_.x0 + static_cast<std::uint32_t>(options_.width);
    window_.y1 = window_.y0 + static_cast<std::uint32_t>(options_.height);
  }
  column0_ = row0_ = 0;
  column1_ = grid.columns;
  row1_ = grid.rows;
  while (column0_ + 1 < column1_ && tile_rect(column0_, 0).x1 <= window_.x0) ++column0_;
  while (column1_ > column0_ + 1 && tile_rect(column1_ - 1, 0).x0 >= window_.x1) --column1_;
  while (row0_ + 1 < row1_ && tile_rect(0, row0_).y1 <= window_.y0) ++row0_;
  while (row1_ > row0_ + 1 && tile_rect(0, row1_ - 1).y0 >= window_.y1) --row1_;
  return {};
}

// Walks the tile-parts: counts them, or stores them with a chain for each tile.
Outcome Decoder::index_tile_parts(bool store, std::uint32_t& count) noexcept {
  const std::uint32_t tiles = header_.grid.columns * header_.grid.rows;
  if (store) std::fill_n(first_part_, tiles, kNone);
  count = 0;
  for (std::size_t at = header_.end;;) {
    TilePart part;
    bool at_end;
    if (const Outcome o = read_tile_part(codestream_, header_, at, options_.strict, part, at_end); !o.ok()) return o;
    if (at_end) return {};
    if (store) {
      parts_[count] = part;
      next_part_[count] = kNone;
      if (first_part_[part.tile] == kNone)
        first_part_[part.tile] = count;
      else
        next_part_[last_part_[part.tile]] = count;
      last_part_[part.tile] = count;
    }
    ++count;
    at = part.end;
  }
}

// PPM: for each tile-part in the order of the file, a length and that many bytes.
Outcome Decoder::slice_packed_headers(std::uint32_t parts) noexcept {
  const std::span<std::byte> all(packed_, static_cast<std::size_t>(header_.packed_headers));
  if (const Outcome o = gather_packed_headers(codestream_, all); !o.ok()) return o;
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < parts; ++i) {
    Reader r(all.subspan(at));
    const std::uint32_t length = r.u32be();
    r.take(length);
    if (!r.ok())
      return options_.strict ? truncated("PPM holds fewer packet headers than there are tile-parts") : Outcome{};
    parts_[i].packed_begin = at + 4;
    at += 4 + static_cast<std::size_t>(length);
    parts_[i].packed_end = at;
  }
  return {};
}

// The parameters of one tile: the main header's unless the tile's own say otherwise.
Outcome Decoder::tile_parameters(std::uint32_t tile, Worker& worker, const Parameters*& parameters) const noexcept {
  parameters = &header_.parameters;
  bool first = true, copied = false;
  for (std::uint32_t i = first_part_[tile]; i != kNone; i = next_part_[i], first = false) {
    if (!parts_[i].overrides) continue;
    if (!copied) {
      worker.parameters = header_.parameters;
      worker.parameters.coding = worker.coding;
      for (std::uint32_t c = 0; c < header_.components; ++c) {
        worker.coding[c] = header_.parameters.coding[c];
        worker.coding[c].own_style = worker.coding[c].own_quantisation = false;
      }
      copied = true;
      parameters = &worker.parameters;
    }
    if (const Outcome o = read_overrides(codestream_, header_, parts_[i], first, worker.parameters); !o.ok()) return o;
  }
  return {};
}

Wanted Decoder::wanted_of(const Parameters& parameters) const noexcept {
  const auto which = static_cast<std::uint32_t>(options_.component);
  const bool transformed = component_transform_applies(header_, codestream_, parameters, which);
  return {transformed ? 0 : which, transformed ? 3u : 1u, options_.reduce, window_};
}

Outcome Decoder::measure(TileSize& size, std::uint64_t& packed, int& planes) noexcept {
  size = {};
  packed = 0;
  planes = 1;
  std::uint64_t precincts = 0, resolutions = 0, tile_components = 0;
  for (std::uint32_t row = row0_; row < row1_; ++row)
    for (std::uint32_t column = column0_; column < column1_; ++column) {
      const std::uint32_t tile = row * header_.grid.columns + column;
      std::uint64_t bytes = 0, packed_here = 0;
      bool own = false;
      for (std::uint32_t i = first_part_[tile]; i != kNone; i = next_part_[i]) {
        const TilePart& p = parts_[i];
        own = own || p.overrides;
        packed_here += p.packed_bytes;
        bytes += (p.end - p.data) + (p.packed_end - p.packed_begin) + p.packed_bytes;
      }
      if (first_part_[tile] == kNone && options_.strict) return truncated("a tile is missing");
      tile_components += header_.components * (own ? kOwnParameters : 1);
      if (tile_components > kMaxTileComponents) return unsupported("more than 16 million components of tiles");
      const Parameters* parameters;
      if (const Outcome o = tile_parameters(tile, workers_[0], parameters); !o.ok()) return o;
      const Wanted wanted = wanted_of(*parameters);
      TileSize one;
      const Outcome o = measure_tile(codestream_, header_, *parameters, tile, wanted, bytes, options_.strict, one);
      if (!o.ok()) return o;
      precincts += one.precincts;
      resolutions += one.resolutions;
      if (precincts > kMaxPrecincts) return unsupported("more than 64 million precincts");
      if (resolutions > kMaxResolutions) return unsupported("more than 16 million resolutions of components of tiles");
      cover(size, one);
      planes = std::max(planes, static_cast<int>(wanted.component_count));
      packed = std::max(packed, packed_here);
    }
  return {};
}

Outcome Decoder::open(std::span<const std::byte> file, const Options& options, Arena& arena) noexcept {
  options_ = options;
  failure_ = {};
  last_read_ = {};
  workspace_ = {};
  if (const Outcome o = locate(file); !o.ok()) return failure_ = o;
  std::uint32_t parts = 0;
  if (const Outcome o = index_tile_parts(false, parts); !o.ok()) return failure_ = o;

  // First what the headers themselves need.  One tile after the other in a row of
  // several; where there is one only, its code-blocks are what runs in parallel.
  constexpr Outcome kTooSmall{Status::arena_too_small, "the arena is too small"};
  const std::uint32_t tiles = header_.grid.columns * header_.grid.rows;
  const int threads = std::max(options.workers, 1);
  const auto columns = static_cast<int>(column1_ - column0_);
  worker_count_ = std::min(threads, columns);
  header_.parameters.coding = arena.alloc<Coding>(header_.components);
  workers_ = arena.alloc<Worker>(static_cast<std::size_t>(worker_count_));
  Coding* const coding = arena.alloc<Coding>(static_cast<std::size_t>(worker_count_) * header_.components);
  parts_ = arena.alloc<TilePart>(parts);
  next_part_ = arena.alloc<std::uint32_t>(parts);
  first_part_ = arena.alloc<std::uint32_t>(tiles);
  last_part_ = arena.alloc<std::uint32_t>(tiles);
  packed_ = arena.alloc<std::byte>(static_cast<std::size_t>(header_.packed_headers));
  if (!arena.fits()) return failure_ = kTooSmall;

  if (const Outcome o = read_parameters(codestream_, header_); !o.ok()) return failure_ = o;
  if (const Outcome o = index_tile_parts(true, parts); !o.ok()) return failure_ = o;
  if (header_.has_packed_headers)
    if (const Outcome o = slice_packed_headers(parts); !o.ok()) return failure_ = o;
  for (int w = 0; w < worker_count_; ++w)
    workers_[w].coding = coding + static_cast<std::size_t>(w) * header_.components;

  // Then what the tiles need.
  TileSize size;
  std::uint64_t packed;
  int planes;
  if (const Outcome o = measure(size, packed, planes); !o.ok()) return failure_ = o;
  std::uint32_t most_rows = 0;
  for (std::uint32_t row = row0_; row < row1_; ++row)
    most_rows = std::max(most_rows, intersect(tile_rect(column0_, row), {0, window_.y0, ~0u, window_.y1}).height());
  const std::size_t workspace = arena.mark();
  std::byte* const workspace_begin = arena.alloc<std::byte>(0);
  for (int w = 0; w < worker_count_; ++w) {
    alloc_tile(size, arena, workers_[w].tile);
    workers_[w].packed = arena.alloc<std::byte>(static_cast<std::size_t>(packed));
    for (int i = 0; i < planes; ++i) workers_[w].planes[i].alloc(size, arena);
  }
  const std::size_t workspace_bytes = arena.mark() - workspace;
  const int scratches = columns == 1 ? threads : worker_count_;
  scratch_ = arena.alloc<BlockScratch>(static_cast<std::size_t>(scratches));
  const BlockGroupKernel& kernel = block_group.best(options.isa);
  const std::size_t work = kernel.run != nullptr ? kBlockGroupWork : 0;
  std::byte* const group_work = arena.alloc<std::byte>(static_cast<std::size_t>(scratches) * work);
  tile_outcomes_ = arena.alloc<Outcome>(column1_ - column0_);
  rows_ = arena.alloc<std::uint16_t>(static_cast<std::size_t>(most_rows) * window_.width());
  if (!arena.fits()) return failure_ = kTooSmall;

  workspace_ = {workspace_begin, workspace_bytes};
  for (int i = 0; i < scratches; ++i) {
    scratch_[i].kernel = &kernel;
    scratch_[i].work = group_work + static_cast<std::size_t>(i) * work;
  }
  next_row_ = rows_begin_ = rows_end_ = window_.y0;
  next_tile_row_ = row0_;
  return {};
}

Outcome Decoder::decode_tile(std::uint32_t tile, Worker& worker, BlockScratch* scratch,
                             const Parallel& parallel) noexcept {
  const Parameters* parameters;
  if (const Outcome o = tile_parameters(tile, worker, parameters); !o.ok()) return o;
  const Wanted wanted = wanted_of(*parameters);
  layout_tile(codestream_, header_, *parameters, tile, wanted, worker.tile);
  if (worker.tile.component[options_.component].levels < 0) return {};  // no samples in this tile
  std::size_t packed = 0;
  for (std::uint32_t i = first_part_[tile]; i != kNone; i = next_part_[i])
    if (parts_[i].packed_bytes != 0)
      packed += gather_tile_packed_headers(codestream_, parts_[i], worker.packed + packed);
  PacketSource source{codestream_,
                      parts_,
                      next_part_,
                      first_part_[tile],
                      header_.has_packed_headers ? packed_ : nullptr,
                      {worker.packed, packed},
                      options_.strict,
                      worker.tile.wanted_packets < worker.tile.packets};
  if (const Outcome o = read_packets(source, worker.tile); !o.ok()) return o;
  if (worker.tile.lengths_failed) {
    layout_tile(codestream_, header_, *parameters, tile, wanted, worker.tile);
    source.use_lengths = false;
    if (const Outcome o = read_packets(source, worker.tile); !o.ok()) return o;
  }
  return assemble_tile(worker.tile, static_cast<std::uint32_t>(options_.component), wanted.component_count == 3,
                       worker.planes, scratch, parallel,
                       {rows_,
                        static_cast<std::ptrdiff_t>(window_.width()),
                        {window_.x0, rows_begin_, window_.x1, rows_end_},
                        component_.bits,
                        component_.is_signed,
                        &wavelet.best(options_.isa)});
}

Outcome Decoder::decode_tile_row(const Parallel& parallel) noexcept {
  const std::uint32_t row = next_tile_row_++;
  const Rect rect = tile_rect(column0_, row);
  rows_begin_ = std::max(rect.y0, window_.y0);
  rows_end_ = std::max(rows_begin_, std::min(rect.y1, window_.y1));
  const std::uint32_t columns = column1_ - column0_, first = row * header_.grid.columns + column0_;
  std::size_t begin = codestream_.size(), end = 0;
  for (std::uint32_t c = 0; c < columns; ++c)
    for (std::uint32_t i = first_part_[first + c]; i != kNone; i = next_part_[i]) {
      begin = std::min(begin, parts_[i].header);
      end = std::max(end, parts_[i].end);
    }
  const auto offset = static_cast<std::size_t>(codestream_.data() - file_.data());
  last_read_ = begin < end ? FileRange{offset + begin, offset + end} : FileRange{};
  if (rows_begin_ == rows_end_) return {};
  if (columns == 1) return decode_tile(first, workers_[0], scratch_, parallel);
  // Where there are no more tiles than workers, each tile has a workspace of its own.
  // Otherwise few tiles that are left over when all workers had the same number would
  // keep few of them busy: those are shared, block by block.
  const auto workers = static_cast<std::uint32_t>(worker_count_);
  const bool by_tile = workers == columns;
  const std::uint32_t left_over = columns % workers;
  const std::uint32_t whole = parallel.workers > 1 && 2 * left_over <= workers ? columns - left_over : columns;
  parallel.for_each(static_cast<int>(whole), [&](int c, int worker) noexcept {
    const int w = by_tile ? c : worker;
    tile_outcomes_[c] =
        decode_tile(first + static_cast<std::uint32_t>(c), workers_[w], scratch_ + w, Parallel::serial());
  });
  for (std::uint32_t c = 0; c < whole; ++c)
    if (!tile_outcomes_[c].ok()) return tile_outcomes_[c];
  for (std::uint32_t c = whole; c < columns; ++c)
    if (const Outcome o = decode_tile(first + c, workers_[0], scratch_, parallel); !o.ok()) return o;
  return {};
}

Outcome Decoder::read_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride, const Parallel& parallel) noexcept {
  for (; rows > 0 && failure_.ok(); --rows, ++next_row_, out += stride) {
    if (next_row_ >= window_.y1) return failure_ = {Status::wrong_shape, "more rows asked for than there are"};
    while (next_row_ >= rows_end_ && failure_.ok()) failure_ = decode_tile_row(parallel);
    if (!failure_.ok()) break;
    const std::uint16_t* row = rows_ + static_cast<std::size_t>(next_row_ - rows_begin_) * window_.width();
    std::memcpy(out, row, window_.width() * sizeof *out);
  }
  return failure_;
}

}  // namespace dtacs::jp2
