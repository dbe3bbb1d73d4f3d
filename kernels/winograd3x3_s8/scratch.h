// SPDX-License-Identifier: Apache-2.0
// Scratch of winograd3x3_s8: inputs of the products as [product][tile][channel], then sums as [product][tile][output].
#pragma once

#include <cstddef>

#include "kernels/winograd3x3_s8/winograd3x3_s8.h"

namespace dtacs {

// Numbers from product to product: an odd number of cache lines, or all 36 would share a set of the first cache.
constexpr std::ptrdiff_t winograd3x3_s8_pitch(int channels) noexcept {
  constexpr std::ptrdiff_t kLine = 32;
  return (kWinograd3x3S8Tiles * static_cast<std::ptrdiff_t>(channels) / kLine | 1) * kLine;
}

}  // namespace dtacs
