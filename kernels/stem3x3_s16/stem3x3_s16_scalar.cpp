// SPDX-License-Identifier: Apache-2.0
#include "kernels/requantise.h"
#include "kernels/stem3x3_s16/stem3x3_s16.h"

namespace dtacs {

// The reference: the formula in the header.  A panel of outputs shares each input value.
void stem3x3_s16_scalar(const Stem3x3S16Args& a) noexcept {
  constexpr int kPanel = 8;
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    const std::byte* packed = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel) {
      const auto* bias = reinterpret_cast<const std::int32_t*>(packed);
      const std::int32_t* m = bias + kPanel;
      const auto* w = reinterpret_cast<const std::int16_t*>(m + kPanel);
      std::int32_t sum[kPanel];
      for (int n = 0; n < kPanel; ++n) sum[n] = bias[n];
      for (const std::int16_t* row : a.rows) {
        const std::int16_t* in = row + ((a.x0 + p) * 2 - 1) * a.channels;
        for (int k = 0; k < 3 * a.channels; k += 2, w += 2 * kPanel)
          for (int n = 0; n < kPanel; ++n) sum[n] += in[k] * w[2 * n] + in[k + 1] * w[2 * n + 1];
      }
      for (int n = 0; n < kPanel; ++n) a.out[p * a.outputs + first + n] = requantise(sum[n], m[n]);
      packed = reinterpret_cast<const std::byte*>(w);
    }
  }
}

}  // namespace dtacs
