// SPDX-License-Identifier: Apache-2.0
// A whole JPEG 2000 file to pixels.  The last byte chooses how: strictness, resolution,
// component, window; behind the codestream it means nothing.
#include <algorithm>
#include <cstdlib>

#include "io/jp2/jp2.h"
#include "tests/fuzz/target.h"

namespace dtacs::fuzz {
namespace {

constexpr std::uint64_t kMostPixels = 1 << 16;  // or an input is mostly the writing of its output

}  // namespace

DTACS_FUZZ_TARGET(jp2_file) {
  const unsigned how = in.empty() ? 0 : in.back();
  jp2::Options options{.component = how >> 1 & 1 ? 1 : 0,
                       .reduce = static_cast<int>(how >> 2 & 3),
                       .strict = (how & 1) == 0,
                       .max_pixels = kMostPixels};
  jp2::ImageInfo info{};
  if (jp2::probe(as_bytes(in), options.component, info).ok() && (how & 0x10) != 0) {
    // Some part from the middle; what reaches outside is refused.
    const auto n = [&](std::uint32_t size, unsigned part) {
      return static_cast<int>((static_cast<std::uint64_t>(size >> options.reduce) * part) / 16);
    };
    const unsigned a = how >> 5;
    options.x = n(info.image.width(), a);
    options.y = n(info.image.height(), 7 - a);
    options.width = std::max(n(info.image.width(), 1 + a), 1);
    options.height = std::max(n(info.image.height(), 8 - a), 1);
  }
  jp2::Decoder decoder;
  std::byte* block = nullptr;
  std::size_t size = 0;
  jp2::Outcome outcome;
  for (int round = 0;; ++round) {
    Arena arena({block, size});
    outcome = decoder.open(as_bytes(in), options, arena);
    if (outcome.status != Status::arena_too_small) break;
    require(round < 3, "an arena of the wanted size to do");
    std::free(block);
    size = arena.wanted();
    // A tile's blocks and tree nodes, its coefficients and the output, all bounded by what the
    // file says and its bytes.
    require(size < (std::size_t{512} << 20) + 256 * in.size(), "memory within bounds");
    block = static_cast<std::byte*>(std::aligned_alloc(Arena::kAlign, size));
  }
  if (outcome.ok()) {
    const int width = decoder.width(), height = decoder.height();
    std::vector<std::uint16_t> row(static_cast<std::size_t>(width));
    const int limit = 1 << decoder.bits();
    for (int y = 0; y < height && outcome.ok(); ++y) {
      outcome = decoder.read_rows(1, row.data(), width, Parallel::serial());
      if (!outcome.ok()) break;
      if (decoder.is_signed())
        for (const std::uint16_t v : row)
          require(std::abs(2 * static_cast<std::int16_t>(v) + 1) < limit, "samples of the declared depth");
      else
        for (const std::uint16_t v : row) require(v < limit, "samples of the declared depth");
    }
  }
  require(outcome.ok() == (outcome.detail[0] == '\0'), "a reason with every failure");
  std::free(block);
}

}  // namespace dtacs::fuzz
