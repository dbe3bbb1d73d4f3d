// SPDX-License-Identifier: Apache-2.0
#include "kernels/head3x3_s8/head3x3_s8.h"

namespace dtacs {

// The reference: the formula in the header.
void head3x3_s8_scalar(const Head3x3S8Args& a) noexcept {
  constexpr std::ptrdiff_t kPanelBytes = 4 * (4 + 9 * kHead3x3S8Channels);
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    std::int32_t largest = 0;
    for (int n = 0; n < a.outputs; ++n) {
      const auto* bias = reinterpret_cast<const std::int32_t*>(a.packed + n / 4 * kPanelBytes);
      const auto* w = reinterpret_cast<const std::int8_t*>(bias + 4) + n % 4 * 4;
      std::int32_t sum = bias[n % 4];
      for (const std::uint8_t* row : a.rows) {
        const std::uint8_t* in = row + (a.x0 + p - 1) * kHead3x3S8Channels;
        for (int k = 0; k < 3 * kHead3x3S8Channels; k += 4, w += 16)
          for (int i = 0; i < 4; ++i) sum += in[k + i] * w[i];
      }
      if (n == 0 || sum > largest) {
        largest = sum;
        a.classes[p] = static_cast<std::uint8_t>(n);
      }
    }
  }
}

}  // namespace dtacs
