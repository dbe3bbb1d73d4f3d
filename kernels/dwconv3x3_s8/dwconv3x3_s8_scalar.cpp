// SPDX-License-Identifier: Apache-2.0
#include "kernels/dwconv3x3_s8/dwconv3x3_s8.h"
#include "kernels/requantise.h"

namespace dtacs {

// The reference: the formula in the header.
void dwconv3x3_s8_scalar(const Dwconv3x3S8Args& a) noexcept {
  constexpr std::ptrdiff_t kGroup = 16;  // one block: packed order is the order of channels
  const std::ptrdiff_t channels = a.channels;
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    const std::ptrdiff_t left = ((a.x0 + p) * a.stride - 1) * channels;
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
      const std::byte* group = a.packed + c / kGroup * kGroup * (a.wide ? 32 : 20);
      const auto* head = reinterpret_cast<const std::int32_t*>(group);
      const auto* w = reinterpret_cast<const std::int8_t*>(head + 2 * kGroup) + c % kGroup * 4;
      std::int32_t sum = head[c % kGroup];
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) {
          const std::int8_t* tap = w + i * kGroup * 4 + j;
          sum += a.rows[i][left + j * channels + c] * (a.wide ? 128 * tap[0] + tap[3 * kGroup * 4] : tap[0]);
        }
      a.out[p * channels + c] = requantise(sum, head[kGroup + c % kGroup]);
    }
  }
}

}  // namespace dtacs
