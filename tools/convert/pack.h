// SPDX-License-Identifier: Apache-2.0
// Writer of packed files (weights/FORMAT.md), and their reader for command lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dtacs {

// One form for one input: nothing depends on the machine.  Weights files are cut at
// their tensors, others are one segment.  With a base, tensors of the same name, type and shape are
// coded as differences.  Throws Failure(usage) for an empty file and for one of 2 GB or more.
std::vector<std::byte> pack(std::span<const std::byte> original, std::span<const std::byte> base = {},
                            std::uint32_t chunk = 1u << 16);

// True of the magic number, whatever follows.
bool is_packed(std::span<const std::byte> bytes);

// Memory that starts where a weights file must.
struct UnpackedFile {
  std::shared_ptr<std::byte> memory;
  std::size_t size = 0;
  std::span<const std::byte> bytes() const { return {memory.get(), size}; }
};

// Decodes chunks in parallel.  Throws Failure(bad_weights) that names the file and the first chunk that
// is lost or damaged, or the base that is needed.
UnpackedFile unpack(const std::string& name, std::span<const std::byte> packed, std::span<const std::byte> base = {});

}  // namespace dtacs
