// SPDX-License-Identifier: Apache-2.0
// A whole JPEG 2000 file to pixels.  The last byte chooses how: strictness, resolution,
// component, window (which is decoded without the kernels that the whole was decoded with, and by several workers);
// behind the codestream it means nothing.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "io/jp2/jp2.h"
#include "kernels/isa.h"
#include "tests/fuzz/target.h"

namespace dtacs::fuzz {
namespace {

constexpr std::uint64_t kMostPixels = 1 << 14;  // or an input is mostly the writing of its output

struct Freed {
  void operator()(std::byte* p) const { std::free(p); }
};

// Memory that ends where it ends; the usual sizes out of one block, which is not asked for each time.
class Memory {
 public:
  std::span<std::byte> take(std::size_t size) {
    static const std::unique_ptr<std::byte, Freed> usual(allocate(kUsual));
    if (size <= kUsual) return {usual.get() + (kUsual - size) / Arena::kAlign * Arena::kAlign, size};
    large_.reset();
    large_.reset(allocate(size));
    return {large_.get(), size};
  }

 private:
  static constexpr std::size_t kUsual = std::size_t{4} << 20;
  static std::byte* allocate(std::size_t size) {
    return static_cast<std::byte*>(std::aligned_alloc(Arena::kAlign, size));
  }
  std::unique_ptr<std::byte, Freed> large_;
};

struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint16_t> pixels;
};

// Jobs by each of `workers` in turn.
Parallel in_turn(int& workers) {
  return {[](void* self, int jobs, void* context, Parallel::Job* job) noexcept {
            for (int i = 0; i < jobs; ++i) job(context, i, i % *static_cast<int*>(self));
          },
          &workers, workers};
}

jp2::Outcome decode(Input in, jp2::Options options, Picture& picture) {
  jp2::Decoder decoder;
  Memory memory;
  std::span<std::byte> block;
  jp2::Outcome outcome;
  for (int round = 0;; ++round) {
    Arena arena(block);
    outcome = decoder.open(as_bytes(in), options, arena);
    if (outcome.status != Status::arena_too_small) break;
    require(round < 3, "an arena of the wanted size to do");
    const std::size_t size = arena.wanted();
    // A tile's blocks and tree nodes, its coefficients and the output, all bounded by what
    // the file says and its bytes; a tile more than there are workers.
    const std::size_t tiles = options.workers == 1 ? 1 : static_cast<std::size_t>(options.workers) + 1;
    require(size < tiles * ((std::size_t{512} << 20) + 256 * in.size()), "memory within bounds");
    block = memory.take(size);
  }
  if (outcome.ok()) {
    picture.width = decoder.width();
    picture.height = decoder.height();
    picture.pixels.resize(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height));
    outcome = decoder.read_rows(picture.height, picture.pixels.data(), picture.width, in_turn(options.workers));
  }
  require(outcome.ok() == (outcome.detail[0] == '\0'), "a reason with every failure");
  if (outcome.ok())
    for (const std::uint16_t v : picture.pixels) {
      const int value = decoder.is_signed() ? std::abs(2 * static_cast<std::int16_t>(v) + 1) : v;
      require(value < 1 << decoder.bits(), "samples of the declared depth");
    }
  return outcome;
}

// Packet lengths can lie so that they fit: then a window may be something else.
bool has_packet_lengths(Input in) {
  for (std::size_t i = 0; i + 1 < in.size(); ++i)
    if (in[i] == 0xff && in[i + 1] == 0x58) return true;
  return false;
}

}  // namespace

DTACS_FUZZ_TARGET(jp2_file) {
  static const IsaSet has = detect_isa();
  const unsigned how = in.empty() ? 0 : in.back();
  jp2::Options options{.component = how >> 1 & 1 ? 1 : 0,
                       .reduce = static_cast<int>(how >> 2 & 3),
                       .strict = (how & 1) == 0,
                       .isa = has,
                       .max_pixels = kMostPixels};
  Picture whole;
  if (!decode(in, options, whole).ok() || (how & 0x10) == 0) return;
  // Some part of it.
  const int a = static_cast<int>(how >> 5);
  options.isa = isa::none;
  options.workers = 1 + a % 4;
  options.x = whole.width * a / 16;
  options.y = whole.height * (7 - a) / 16;
  options.width = std::max((whole.width - options.x) * (1 + a) / 16, 1);
  options.height = std::max((whole.height - options.y) * (8 - a) / 16, 1);
  Picture part;
  const jp2::Outcome outcome = decode(in, options, part);
  if (!options.strict || has_packet_lengths(in)) return;
  require(outcome.ok(), "every part of what decodes to decode");
  for (int y = 0; y < part.height; ++y)
    for (int x = 0; x < part.width; ++x)
      require(part.pixels[static_cast<std::size_t>(y * part.width + x)] ==
                  whole.pixels[static_cast<std::size_t>((options.y + y) * whole.width + options.x + x)],
              "a window to be a part of the whole");
}

}  // namespace dtacs::fuzz
