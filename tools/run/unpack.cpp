// SPDX-License-Identifier: Apache-2.0
#include "tools/run/unpack.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <new>
#include <vector>

#include "io/crc32c.h"
#include "io/host/failure.h"
#include "io/host/openmp.h"
#include "weights/packed_file.h"
#include "weights/packed_layout.h"

namespace dtacs {

bool is_packed(std::span<const std::byte> bytes) {
  return bytes.size() >= sizeof packed::kMagic && std::memcmp(bytes.data(), packed::kMagic, sizeof packed::kMagic) == 0;
}

UnpackedFile unpack(const std::string& name, std::span<const std::byte> bytes, std::span<const std::byte> base,
                    std::uint64_t most) {
  const auto fail = [&](const std::string& why) { throw Failure(Exit::bad_weights, name + ": " + why); };
  PackedFile file;
  if (const Status s = PackedFile::open(bytes, file); s != Status::ok) fail(describe(s));
  if (const Status s = file.check_base(base); s != Status::ok) {
    char text[160];
    std::snprintf(text, sizeof text, "%s: it needs one of %zu bytes, CRC-32C %08" PRIx32, describe(s),
                  file.base_bytes(), file.base_crc());
    fail(file.base_bytes() == 0 ? "a packed file of its own, not a difference" : text);
  }
  if (file.original_bytes() > most)
    throw Failure(Exit::memory_cap, name + ": unpacks to " + std::to_string(file.original_bytes()) + " bytes, " +
                                        std::to_string(most) + " are allowed");
  // Before memory is taken for what a header says.
  for (int i = 0; i < file.chunks(); ++i)
    if (const Status s = file.check_chunk(i); s != Status::ok)
      fail("chunk " + std::to_string(i) + " of " + std::to_string(file.chunks()) + ", bytes " +
           std::to_string(file.chunk_begin(i)) + " to " + std::to_string(file.chunk_begin(i) + file.chunk_bytes(i)) +
           (s == Status::truncated ? ", is missing" : ", is damaged"));
  constexpr std::align_val_t kAlign{64};
  UnpackedFile out;
  out.size = file.original_bytes();
  out.memory = std::shared_ptr<std::byte>(static_cast<std::byte*>(operator new(out.size, kAlign)),
                                          [](std::byte* p) { operator delete(p, kAlign); });
  const std::span<std::byte> target(out.memory.get(), out.size);
  std::vector<Status> decoded(static_cast<std::size_t>(file.chunks()), Status::corrupt);
  with_threads(available_threads(), [&](const Parallel& parallel) {
    parallel.for_each(file.chunks(), [&](int i, int) noexcept {
      packed::Model model;
      decoded[static_cast<std::size_t>(i)] = file.unpack_chunk(i, base, target, model);
    });
  });
  const auto failed = std::find_if(decoded.begin(), decoded.end(), [](Status s) { return s != Status::ok; });
  if (failed != decoded.end())
    fail("chunk " + std::to_string(failed - decoded.begin()) + ", though its CRC is right, cannot be decoded");
  if (crc32c(target) != file.original_crc()) fail("decodes to a file whose CRC is wrong");
  return out;
}

}  // namespace dtacs
