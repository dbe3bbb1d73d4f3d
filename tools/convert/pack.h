// SPDX-License-Identifier: Apache-2.0
// Writer of packed files (weights/FORMAT.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dtacs {

// One form for one input: nothing depends on the machine.  Weights files are cut at
// their tensors, others are one segment.  With a base, tensors of the same name, type and shape are
// coded as differences.  Throws Failure(usage) for an empty file and for one of 2 GB or more.
std::vector<std::byte> pack(std::span<const std::byte> original, std::span<const std::byte> base = {},
                            std::uint32_t chunk = 1u << 16);

}  // namespace dtacs
