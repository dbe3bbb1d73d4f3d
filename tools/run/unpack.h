// SPDX-License-Identifier: Apache-2.0
// Reader of packed files (weights/FORMAT.md) for command lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>

namespace dtacs {

// True of the magic number, whatever follows.
bool is_packed(std::span<const std::byte> bytes);

// Memory that starts where a weights file must.
struct UnpackedFile {
  std::shared_ptr<std::byte> memory;
  std::size_t size = 0;
  std::span<const std::byte> bytes() const { return {memory.get(), size}; }
};

// Decodes chunks in parallel.  Throws Failure: bad_weights, which names the file and the first chunk that is lost or
// damaged, or the base that is needed; memory_cap, before memory is taken, for a result of more than `most` bytes.
UnpackedFile unpack(const std::string& name, std::span<const std::byte> bytes, std::span<const std::byte> base = {},
                    std::uint64_t most = std::numeric_limits<std::uint64_t>::max());

}  // namespace dtacs
