// SPDX-License-Identifier: Apache-2.0
#include "kernels/head3x3_s8/head3x3_s8.h"

namespace dtacs {

// The reference: the formula in the header.
void head3x3_s8_scalar(const Head3x3S8Args& a) noexcept {
  constexpr std::ptrdiff_t kRun = 3 * kHead3x3S8Channels;  // the three pixels under the kernel
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    const std::byte* packed = a.packed;
    std::int32_t largest = 0;
    for (int n = 0; n < a.outputs; ++n) {
      std::int32_t sum;
      __builtin_memcpy(&sum, packed, sizeof sum);
      const auto* w = reinterpret_cast<const std::int8_t*>(packed + sizeof sum);
      for (const std::uint8_t* row : a.rows) {
        const std::uint8_t* in = row + (a.x0 + p - 1) * kHead3x3S8Channels;
        for (std::ptrdiff_t k = 0; k < kRun; ++k) sum += in[k] * w[k];
        w += kRun;
      }
      if (n == 0 || sum > largest) {
        largest = sum;
        a.classes[p] = static_cast<std::uint8_t>(n);
      }
      packed = reinterpret_cast<const std::byte*>(w);
    }
  }
}

}  // namespace dtacs
