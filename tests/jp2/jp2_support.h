// SPDX-License-Identifier: Apache-2.0
// What the JPEG 2000 tests share: whole images through the core decoder, reference
// image formats, OpenJPEG's decoder as a reference where it is installed.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/host/openmp.h"
#include "io/jp2/jp2.h"

namespace dtacs::test {

using Bytes = std::vector<std::byte>;

inline Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Bytes b(std::filesystem::file_size(path));
  in.read(reinterpret_cast<char*>(b.data()), static_cast<std::streamsize>(b.size()));
  return b;
}

struct Image {
  int width = 0, height = 0, bits = 0;
  bool is_signed = false;
  std::vector<std::uint16_t> pixels;  // signed ones in two's complement

  int value(std::size_t i) const { return is_signed ? static_cast<std::int16_t>(pixels[i]) : pixels[i]; }
  bool operator==(const Image&) const = default;
};

// Memory for a decoder: grows until the headers are satisfied.
struct Memory {
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> block;
  std::size_t size = 0;
  static constexpr std::size_t kLimit = std::size_t{1} << 30;

  jp2::Outcome open(jp2::Decoder& d, std::span<const std::byte> file, const jp2::Options& options) {
    for (int round = 0;; ++round) {
      Arena arena({block.get(), size});
      const jp2::Outcome o = d.open(file, options, arena);
      if (o.status != Status::arena_too_small) return o;
      if (round == 3) return {Status::corrupt, "the arena never is large enough"};
      size = arena.wanted();
      if (size > kLimit) return jp2::unsupported("more memory than the test allows");
      block.reset();  // the old block first
      block.reset(static_cast<std::byte*>(std::aligned_alloc(Arena::kAlign, size)));
    }
  }
};

// The instruction sets that this machine has decoders for, the reference last.
inline std::vector<IsaSet> isa_sets() {
  std::vector<IsaSet> sets;
  for (const jp2::BlockGroupKernel& k : jp2::block_group)
    if (runs_on(k.needs, detect_isa())) sets.push_back(k.needs);
  return sets;
}

// Rows are taken `rows_at_once` at a time.  With several threads the decoder borrows its workspace.
inline jp2::Outcome decode(std::span<const std::byte> file, jp2::Options options, Image& image, int threads = 1,
                           int rows_at_once = 16) {
  options.workers = threads;
  options.borrow = threads > 1;
  jp2::Decoder d;
  Memory memory;
  if (const jp2::Outcome o = memory.open(d, file, options); !o.ok()) return o;
  image = {d.width(), d.height(), d.bits(), d.is_signed(), {}};
  image.pixels.resize(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height));
  jp2::Outcome outcome;
  // Others may leave anything in it between two calls, and it need not be the same twice.
  std::vector<std::byte> lent;
  const std::size_t room = d.workspace_size() + 2 * Arena::kAlign;
  const auto lend = [&](int call) {
    lent.assign(room, std::byte{0xa5});
    void* at = lent.data() + Arena::kAlign * static_cast<std::size_t>(call % 2);
    std::size_t space = room;
    std::align(Arena::kAlign, d.workspace_size(), at, space);
    d.lend({static_cast<std::byte*>(at), d.workspace_size()});
  };
  with_threads(threads, [&](const Parallel& parallel) {
    for (int y = 0; y < image.height && outcome.ok(); y += rows_at_once) {
      const int rows = std::min(rows_at_once, image.height - y);
      std::uint16_t* out = image.pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width);
      if (options.borrow) lend(y / rows_at_once);
      outcome = d.read_rows(rows, out, image.width, parallel);
    }
  });
  return outcome;
}

inline Image crop(const Image& from, int x, int y, int width, int height) {
  Image to{width, height, from.bits, from.is_signed, {}};
  for (int r = y; r < y + height; ++r) {
    const auto row = from.pixels.begin() + static_cast<std::ptrdiff_t>(r) * from.width + x;
    to.pixels.insert(to.pixels.end(), row, row + width);
  }
  return to;
}

// CRC-32 (IEEE 802.3) of the samples as little-endian words.
inline std::uint32_t crc32(const Image& image) {
  std::uint32_t crc = ~0u;
  for (const std::uint16_t p : image.pixels)
    for (const unsigned byte : {p & 0xffu, static_cast<unsigned>(p) >> 8}) {
      crc ^= byte;
      for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
    }
  return ~crc;
}

// PGX: "PG ML +8 640 480\n", "PG ML + 8 640 480\n", LM for little-endian.
inline Image read_pgx(const std::string& path) {
  const Bytes file = read_file(path);
  Image image;
  std::string head;
  std::size_t at = 0;
  while (at < file.size() && file[at] != std::byte{'\n'}) head += static_cast<char>(file[at++]);
  ++at;
  for (char& c : head)
    if (c == '+' || c == '-') {
      image.is_signed = c == '-';
      c = ' ';
    }
  char order[3] = {};
  if (std::sscanf(head.c_str(), "PG %2s %d %d %d", order, &image.bits, &image.width, &image.height) != 4) return {};
  const auto count = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  const std::size_t size = image.bits <= 8 ? 1 : 2;
  if (file.size() < at + count * size) return {};
  for (std::size_t i = 0; i < count; ++i) {
    const auto byte = [&](std::size_t k) { return static_cast<std::uint16_t>(file[at + i * size + k]); };
    if (size == 1)
      image.pixels.push_back(image.is_signed ? static_cast<std::uint16_t>(static_cast<std::int8_t>(byte(0))) : byte(0));
    else
      image.pixels.push_back(
          static_cast<std::uint16_t>(order[0] == 'M' ? byte(0) << 8 | byte(1) : byte(1) << 8 | byte(0)));
  }
  return image;
}

inline bool have_opj() {
  static const bool have = std::system("command -v opj_decompress >/dev/null 2>&1") == 0;
  return have;
}

// All components as OpenJPEG decodes them; empty when it refuses.
inline std::vector<Image> opj_decode(const std::string& path, int reduce) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("dtacs_opj_" + std::to_string(getpid()));
  fs::create_directories(folder);
  const std::string command = "opj_decompress -i '" + path + "' -o '" + (folder / "o.pgx").string() + "' -r " +
                              std::to_string(reduce) + " >/dev/null 2>&1";
  std::vector<Image> images;
  if (std::system(command.c_str()) == 0)
    for (int c = 0;; ++c) {
      const fs::path plane = folder / ("o_" + std::to_string(c) + ".pgx");
      if (!fs::exists(plane)) break;
      images.push_back(read_pgx(plane.string()));
    }
  fs::remove_all(folder);
  return images;
}

struct Difference {
  int peak = 0;
  double mse = 0;
};
inline Difference difference(const Image& a, const Image& b) {
  if (a.pixels.size() != b.pixels.size() || a.width != b.width || a.pixels.empty()) return {1 << 20, 1e12};
  Difference d;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const int e = std::abs(a.value(i) - b.value(i));
    d.peak = std::max(d.peak, e);
    d.mse += static_cast<double>(e) * e;
  }
  d.mse /= static_cast<double>(a.pixels.size());
  return d;
}

}  // namespace dtacs::test
