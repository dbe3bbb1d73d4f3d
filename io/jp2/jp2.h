// SPDX-License-Identifier: Apache-2.0
// JPEG 2000 Part 1 (ITU-T T.800): decodes one component of a JP2 file or a raw
// codestream, top to bottom, a row of tiles at a time.
//
// Reads everything Part 1 allows - any tile, precinct and code-block size, layers,
// progressions, tile-parts, 5/3 and 9/7, component transforms, regions of interest,
// all code-block styles - of up to 16 bits per sample.  Refuses by name what it does
// not: HTJ2K (Part 15), Part 2, deeper samples, more than 30 coded bit-planes.
// Colour (palettes, YCC, channel definitions) is left to the caller.
//
// Memory is taken once, in open(), sized from the headers; decoding allocates
// nothing.  It holds one row of tiles of output and a tile per worker, and one more where several work.
//
//   Decoder d;
//   Outcome o = d.open(file, options, arena);        // dry arena: arena_too_small
//   while (o.status == Status::arena_too_small) ...  // a block of arena.wanted() bytes, at most three times
//   o = d.read_rows(64, pixels, stride, parallel);
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/arena.h"
#include "io/jp2/assemble.h"
#include "io/jp2/codestream.h"
#include "io/jp2/outcome.h"
#include "io/jp2/packets.h"
#include "io/jp2/tile.h"
#include "io/parallel.h"

namespace dtacs::jp2 {

// An image of more is refused.
constexpr std::uint64_t kMaxPixels = std::uint64_t{1} << 30;

// What the size marker says; enough to describe a file.
struct ImageInfo {
  Rect image;  // on the reference grid
  int components;
  Component component;  // the one that was asked for
};

// The main header only; needs no memory, and takes a file that is cut behind it.
Outcome probe(std::span<const std::byte> file, int component, ImageInfo& info) noexcept;

struct Options {
  int component = 0;
  int reduce = 0;                         // resolution levels to drop: width becomes ceil(width / 2^reduce)
  int x = 0, y = 0;                       // window in pixels of the reduced component;
  int width = 0, height = 0;              //   the whole of it when width is 0
  bool strict = true;                     // anything missing is an error; else missing code-blocks are zero
  IsaSet isa = isa::none;                 // instruction sets to use
  int workers = 1;                        // most workers of a Parallel that read_rows() will be given
  bool borrow = false;                    // the workspace is lent, see lend(), not taken from the arena
  std::uint64_t max_pixels = kMaxPixels;  // of the image; more is refused
};

struct FileRange {
  std::size_t begin = 0, end = 0;
};

class Decoder {
 public:
  // wrong_shape: the options ask for what the image does not have.
  // `file` and the arena's block must outlive the decoder.  On arena_too_small call
  // again with a new block of arena.wanted() bytes: the headers are read with a first
  // one, which tells the size of the whole.
  Outcome open(std::span<const std::byte> file, const Options& options, Arena& arena) noexcept;

  int width() const noexcept { return static_cast<int>(window_.width()); }
  int height() const noexcept { return static_cast<int>(window_.height()); }
  int bits() const noexcept { return component_.bits; }
  bool is_signed() const noexcept { return component_.is_signed; }

  // The next `rows` rows into out(row, x) = out[row * stride + x].  Samples of a
  // signed component are stored in two's complement.  A failure is final.
  Outcome read_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride, const Parallel& parallel) noexcept;

  // The bytes of the file that the row of tiles decoded last came from: with tiles in
  // raster order they are not needed again.
  FileRange last_read() const noexcept { return last_read_; }

  // The memory that a row of tiles is decoded in.  Nothing in it is of meaning between two calls
  // of read_rows(), so that decoders that are read in turn may share one block.  A decoder that
  // borrows must be lent workspace_size() bytes on an Arena::kAlign boundary before it reads.
  std::size_t workspace_size() const noexcept { return workspace_size_; }
  void lend(std::span<std::byte> block) noexcept;

 private:
  // What one tile is decoded in.
  struct Workspace {
    Tile tile;
    Parameters parameters;  // of a tile that overrides the main header's
    Coding* coding;
    std::byte* packed;  // PPT payload of a tile
    ComponentPlane planes[3];
    bool transformed;
  };

  Outcome locate(std::span<const std::byte> file) noexcept;
  Outcome index_tile_parts(bool store, std::uint32_t& count) noexcept;
  Outcome slice_packed_headers(std::uint32_t parts) noexcept;
  Outcome measure() noexcept;
  void take_workspace(Arena& arena) noexcept;
  Outcome tile_parameters(std::uint32_t tile, Workspace& workspace, const Parameters*& parameters) const noexcept;
  Wanted wanted_of(const Parameters& parameters) const noexcept;
  Rect tile_rect(std::uint32_t column, std::uint32_t row) const noexcept;
  std::size_t group_work() const noexcept { return kernel_->run != nullptr ? kBlockGroupWork : 0; }
  std::uint32_t whole_tiles(int threads) const noexcept;
  Outcome decode_tile_row(const Parallel& parallel) noexcept;
  Outcome read_tile(std::uint32_t tile, Workspace& workspace) noexcept;
  void decode_part(const Workspace& workspace, BlockScratch& scratch, int part, int parts) noexcept;
  void synthesise(const Workspace& workspace) noexcept;
  void copy_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride, const Parallel& parallel) const noexcept;

  std::span<const std::byte> file_, codestream_;
  Options options_;
  MainHeader header_;
  Component component_;
  Rect window_;                      // in samples of the reduced component
  std::uint32_t column0_, column1_;  // of tiles the window touches
  std::uint32_t row0_, row1_;
  bool closed_;  // EOC comes after the last tile-part
  TilePart* parts_;
  std::uint32_t* next_part_;
  std::uint32_t *first_part_, *last_part_;  // by tile
  std::byte* packed_;                       // PPM payload
  Workspace* workspaces_;
  std::uint32_t workspace_count_;
  BlockScratch* scratch_;  // by thread, as is group_work_: of group_work() bytes each
  const BlockGroupKernel* kernel_;
  std::byte* group_work_;
  Outcome* tile_outcomes_;
  std::uint16_t* rows_;                  // of the current row of tiles
  std::uint32_t rows_begin_, rows_end_;  // in samples of the reduced component
  std::uint32_t next_row_, next_tile_row_;
  FileRange last_read_;
  TileSize tile_size_;  // covers each tile
  std::uint64_t packed_size_;
  int planes_;  // per tile
  std::size_t workspace_size_;
  Outcome failure_;
};

}  // namespace dtacs::jp2
