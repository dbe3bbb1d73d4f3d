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
    if (at_end) {
      closed_ = is_closed(codestream_, at);
      return {};
    }
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
  if (const Outcome o = gather_packed_headers(codestream_, packed_); !o.ok()) return o;
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
Outcome Decoder::tile_parameters(std::uint32_t tile, Workspace& workspace,
                                 const Parameters*& parameters) const noexcept {
  parameters = &header_.parameters;
  bool first = true, copied = false;
  for (std::uint32_t i = first_part_[tile]; i != kNone; i = next_part_[i], first = false) {
    if (!parts_[i].overrides) continue;
    if (!copied) {
      workspace.parameters = header_.parameters;
      workspace.parameters.coding = workspace.coding;
      for (std::uint32_t c = 0; c < header_.components; ++c) {
        workspace.coding[c] = header_.parameters.coding[c];
        workspace.coding[c].own_style = workspace.coding[c].own_quantisation = false;
      }
      copied = true;
      parameters = &workspace.parameters;
    }
    if (const Outcome o = read_overrides(codestream_, header_, parts_[i], first, workspace.parameters); !o.ok())
      return o;
  }
  return {};
}

Wanted Decoder::wanted_of(const Parameters& parameters) const noexcept {
  const auto which = static_cast<std::uint32_t>(options_.component);
  const bool transformed = component_transform_applies(header_, codestream_, parameters, which);
  return {transformed ? 0 : which, transformed ? 3u : 1u, options_.reduce, window_};
}

Outcome Decoder::measure() noexcept {
  tile_size_ = {};
  packed_size_ = 0;
  planes_ = 1;
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
      if (const Outcome o = tile_parameters(tile, workspaces_[0], parameters); !o.ok()) return o;
      const Wanted wanted = wanted_of(*parameters);
      TileSize one;
      const Outcome o = measure_tile(codestream_, header_, *parameters, tile, wanted, bytes, options_.strict, one);
      if (!o.ok()) return o;
      precincts += one.precincts;
      resolutions += one.resolutions;
      if (precincts > kMaxPrecincts) return unsupported("more than 64 million precincts");
      if (resolutions > kMaxResolutions) return unsupported("more than 16 million resolutions of components of tiles");
      cover(tile_size_, one);
      planes_ = std::max(planes_, static_cast<int>(wanted.component_count));
      packed_size_ = std::max(packed_size_, packed_here);
    }
  return {};
}

Outcome Decoder::open(std::span<const std::byte> file, const Options& options, Arena& arena) noexcept {
  options_ = options;
  failure_ = {};
  last_read_ = {};
  workspace_size_ = 0;
  if (const Outcome o = locate(file); !o.ok()) return failure_ = o;
  std::uint32_t parts = 0;
  if (const Outcome o = index_tile_parts(false, parts); !o.ok()) return failure_ = o;

  // First what the headers themselves need.
  constexpr Outcome kTooSmall{Status::arena_too_small, "the arena is too small"};
  const std::uint32_t tiles = header_.grid.columns * header_.grid.rows;
  const std::uint32_t threads = options.workers > 1 ? static_cast<std::uint32_t>(options.workers) : 1;
  workspace_count_ = threads == 1 ? 1 : std::min(threads + 1, column1_ - column0_);
  header_.parameters.coding = arena.alloc<Coding>(header_.components);
  workspaces_ = arena.alloc<Workspace>(workspace_count_);
  Coding* const coding = arena.alloc<Coding>(static_cast<std::size_t>(workspace_count_) * header_.components);
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
  for (std::uint32_t w = 0; w < workspace_count_; ++w)
    workspaces_[w].coding = coding + static_cast<std::size_t>(w) * header_.components;

  // Then what the tiles need.
  if (const Outcome o = measure(); !o.ok()) return failure_ = o;
  std::uint32_t most_rows = 0;
  for (std::uint32_t row = row0_; row < row1_; ++row)
    most_rows = std::max(most_rows, intersect(tile_rect(column0_, row), {0, window_.y0, ~0u, window_.y1}).height());
  kernel_ = &block_group.best(options.isa);
  Arena dry;
  take_workspace(dry);
  workspace_size_ = dry.wanted();
  if (!options.borrow) take_workspace(arena);
  tile_outcomes_ = arena.alloc<Outcome>(column1_ - column0_);
  rows_ = arena.alloc<std::uint16_t>(static_cast<std::size_t>(most_rows) * window_.width());
  if (!arena.fits()) return failure_ = kTooSmall;

  next_row_ = rows_begin_ = rows_end_ = window_.y0;
  next_tile_row_ = row0_;
  return {};
}

void Decoder::take_workspace(Arena& arena) noexcept {
  for (std::uint32_t w = 0; w < workspace_count_; ++w) {
    alloc_tile(tile_size_, arena, workspaces_[w].tile);
    workspaces_[w].packed = arena.alloc<std::byte>(static_cast<std::size_t>(packed_size_));
    for (int i = 0; i < planes_; ++i) workspaces_[w].planes[i].alloc(tile_size_, arena);
  }
  const std::size_t threads = options_.workers > 1 ? static_cast<std::size_t>(options_.workers) : 1;
  scratch_ = arena.alloc<BlockScratch>(threads);
  group_work_ = arena.alloc<std::byte>(threads * group_work());
}

void Decoder::lend(std::span<std::byte> block) noexcept {
  Arena arena(block);
  take_workspace(arena);
}

// Up to its packets: where the bytes of each code-block lie.
Outcome Decoder::read_tile(std::uint32_t tile, Workspace& workspace) noexcept {
  const Parameters* parameters;
  if (const Outcome o = tile_parameters(tile, workspace, parameters); !o.ok()) return o;
  const Wanted wanted = wanted_of(*parameters);
  layout_tile(codestream_, header_, *parameters, tile, wanted, workspace.tile);
  workspace.transformed = wanted.component_count == 3;
  if (workspace.tile.component[options_.component].levels < 0) return {};  // no samples in this tile
  std::size_t packed = 0;
  for (std::uint32_t i = first_part_[tile]; i != kNone; i = next_part_[i]) {
    if (parts_[i].packed_bytes == 0) continue;
    if (const Outcome o = gather_tile_packed_headers(codestream_, parts_[i], workspace.packed + packed); !o.ok())
      return o;
    packed += parts_[i].packed_bytes;
  }
  PacketSource source{codestream_,
                      parts_,
                      next_part_,
                      first_part_[tile],
                      header_.has_packed_headers ? packed_ : nullptr,
                      {workspace.packed, packed},
                      options_.strict,
                      closed_,
                      workspace.tile.wanted_packets < workspace.tile.packets};
  if (const Outcome o = read_packets(source, workspace.tile); !o.ok()) return o;
  if (workspace.tile.lengths_failed) {
    layout_tile(codestream_, header_, *parameters, tile, wanted, workspace.tile);
    source.use_lengths = false;
    if (const Outcome o = read_packets(source, workspace.tile); !o.ok()) return o;
  }
  return {};
}

void Decoder::decode_part(const Workspace& workspace, BlockScratch& scratch, int part, int parts) noexcept {
  decode_blocks(workspace.tile, static_cast<std::uint32_t>(options_.component), workspace.transformed, workspace.planes,
                scratch, part, parts);
}

void Decoder::synthesise(const Workspace& workspace) noexcept {
  synthesise_tile(workspace.tile, static_cast<std::uint32_t>(options_.component), workspace.transformed,
                  workspace.planes,
                  {rows_,
                   static_cast<std::ptrdiff_t>(window_.width()),
                   {window_.x0, rows_begin_, window_.x1, rows_end_},
                   component_.bits,
                   component_.is_signed,
                   &wavelet.best(options_.isa)});
}

// Threads take whole tiles, as many each, and share the code-blocks of those that are left over;
// unless these are so many that another round of whole ones is quicker.  Where none is left over
// one is shared all the same: threads never finish together, and its blocks fill the time between.
std::uint32_t Decoder::whole_tiles(int threads) const noexcept {
  const std::uint32_t columns = column1_ - column0_, n = static_cast<std::uint32_t>(threads);
  if (n <= 1) return columns;
  const std::uint32_t left = columns % n;
  if (left != 0 && 2 * left <= n) return columns - left;
  return columns > n ? columns - 1 : columns;
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
  for (int w = 0; w < parallel.workers; ++w) {
    scratch_[w].kernel = kernel_;
    scratch_[w].work = group_work_ + static_cast<std::size_t>(w) * group_work();
    scratch_[w].too_long = false;
  }
  // A tile is decoded in a workspace of its own if there are as many, else in its thread's; a
  // shared one in the first that no whole tile uses.
  const bool one_each = workspace_count_ == columns;
  std::uint32_t whole = whole_tiles(parallel.workers);
  Workspace& shared = workspaces_[std::min(whole, workspace_count_ - 1)];
  for (std::uint32_t done = 0; done < columns; whole = 0) {
    const std::uint32_t next = done + whole;  // is shared
    int parts = 0;
    if (next < columns && (tile_outcomes_[next] = read_tile(first + next, shared)).ok())
      parts = block_parts(shared.tile, static_cast<std::uint32_t>(options_.component));
    const int tiles = static_cast<int>(whole);
    parallel.for_each(tiles + parts, [&](int job, int worker) noexcept {
      BlockScratch& scratch = scratch_[worker];
      if (job >= tiles) return decode_part(shared, scratch, job - tiles, parts);
      Workspace& own = workspaces_[one_each ? job : worker];
      Outcome& outcome = tile_outcomes_[job] = read_tile(first + static_cast<std::uint32_t>(job), own);
      if (!outcome.ok()) return;
      decode_part(own, scratch, 0, 1);
      synthesise(own);
    });
    if (parts != 0) synthesise(shared);
    for (const std::uint32_t so_far = std::min(next + 1, columns); done < so_far; ++done)
      if (!tile_outcomes_[done].ok()) return tile_outcomes_[done];
  }
  for (int w = 0; w < parallel.workers; ++w)
    if (scratch_[w].too_long) return corrupt("a code-block of more than 64 KiB");
  return {};
}

// Rows that were decoded; by several threads where they are worth it.
void Decoder::copy_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride, const Parallel& parallel) const noexcept {
  constexpr std::size_t kWorthThreads = 256 * 1024;  // bytes
  const std::size_t width = window_.width(), bytes = width * sizeof *out;
  const std::uint16_t* const in = rows_ + static_cast<std::size_t>(next_row_ - rows_begin_) * width;
  const int parts = static_cast<std::size_t>(rows) * bytes < kWorthThreads ? 1 : std::min(parallel.workers, rows);
  const auto cut = [&](int part) { return static_cast<int>(std::int64_t{rows} * part / parts); };
  parallel.for_each(parts, [&](int part, int) noexcept {
    for (int y = cut(part); y < cut(part + 1); ++y)
      std::memcpy(out + y * stride, in + static_cast<std::size_t>(y) * width, bytes);
  });
}

Outcome Decoder::read_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride, const Parallel& parallel) noexcept {
  while (rows > 0 && failure_.ok()) {
    if (next_row_ >= window_.y1) return failure_ = {Status::wrong_shape, "more rows asked for than there are"};
    while (next_row_ >= rows_end_ && failure_.ok()) failure_ = decode_tile_row(parallel);
    if (!failure_.ok()) break;
    const int here = std::min(rows, static_cast<int>(rows_end_ - next_row_));
    copy_rows(here, out, stride, parallel);
    next_row_ += static_cast<std::uint32_t>(here);
    out += here * stride;
    rows -= here;
  }
  return failure_;
}

}  // namespace dtacs::jp2
