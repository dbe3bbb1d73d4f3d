// SPDX-License-Identifier: Apache-2.0
// Packed files.  Their checksums are made right first, or nothing behind them is reached.
#include <algorithm>
#include <memory>

#include "io/crc32c.h"
#include "tests/fuzz/target.h"
#include "weights/packed_file.h"
#include "weights/packed_layout.h"

namespace dtacs::fuzz {
namespace {

using namespace packed;

void put(std::byte* p, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<std::byte>(v >> (8 * i));
}

void make_right(std::span<std::byte> file) {
  if (file.size() < kHeaderBytes) return;
  const std::uint64_t original = number(&file[kHeadOriginal]), chunk = number(&file[kHeadChunk]);
  const std::uint64_t records = kHeaderBytes + std::uint64_t{number(&file[kHeadSegments])} * kSegmentBytes;
  const std::uint64_t chunks = chunk == 0 ? 0 : (original + chunk - 1) / chunk;
  const std::uint64_t end = records + chunks * kChunkBytes;
  if (end > file.size()) return;
  for (std::uint64_t r = records; r < end; r += kChunkBytes) {
    const std::uint64_t at = number(&file[r + kChunkBegin]), size = number(&file[r + kChunkLength]);
    if (at <= file.size() && size <= file.size() - at) put(&file[r + kChunkCrc], crc32c(file.subspan(at, size)));
  }
  put(&file[kHeadCrc], 0);
  put(&file[kHeadCrc], crc32c(file.first(end)));
}

}  // namespace

DTACS_FUZZ_TARGET(packed) {
  std::vector<std::byte> bytes(as_bytes(in).begin(), as_bytes(in).end());
  make_right(bytes);
  PackedFile file;
  if (PackedFile::open(bytes, file) != Status::ok) return;
  // Time of its own, and little to find.
  if (file.original_bytes() > 1 << 13 || file.base_bytes() > 1 << 16 || file.chunks() > 8) return;
  const std::vector<std::byte> base(file.base_bytes(), std::byte{1});
  std::vector<std::byte> out(file.original_bytes()), again(file.original_bytes());
  static const auto model = std::make_unique<Model>();
  for (int i = 0; i < file.chunks(); ++i) static_cast<void>(file.unpack_chunk(i, base, out, *model));
  for (int i = file.chunks(); i-- > 0;) static_cast<void>(file.unpack_chunk(i, base, again, *model));
  require(out == again, "chunks that do not depend on their order");
}

}  // namespace dtacs::fuzz
