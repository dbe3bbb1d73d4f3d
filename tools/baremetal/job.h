// SPDX-License-Identifier: Apache-2.0
// What a board does with a scene in its memory: corrects and classifies it row by row
// through the C interface and says what came out.  The same code runs on a board and in
// its hosted twin (twin.cpp), so that their checksums can be compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dtacs::board {

// A scene as twin.cpp writes it: this header, then rows of bands of 16-bit digital numbers,
// (y, band, x), little-endian.
struct SceneHeader {
  char magic[8];  // "DTACSROW"
  std::int32_t width, height, bands;
  float quantification;
  float offset[16];  // by band
  std::uint8_t reserved[40];
};
static_assert(sizeof(SceneHeader) == 128);
inline constexpr char kSceneMagic[9] = "DTACSROW";

using Bytes = std::span<const std::byte>;
using Memory = std::span<std::byte>;

struct Task {
  Bytes weights;  // empty: this task is not done
  Memory arena;
};

// print() takes zero-terminated text.  0, or the dtacs_status of what went wrong.
int run(Bytes scene, const Task& correction, const Task& classification, void (*print)(const char*));

// Lines "<label> <n> bytes" and "<label> <sixteen digits>".
void print_bytes(void (*print)(const char*), const char* label, std::size_t n);
void print_hex(void (*print)(const char*), const char* label, std::uint64_t n);

}  // namespace dtacs::board
