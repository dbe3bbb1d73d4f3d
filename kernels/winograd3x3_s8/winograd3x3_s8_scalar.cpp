// SPDX-License-Identifier: Apache-2.0
#include "kernels/requantise.h"
#include "kernels/winograd3x3_s8/winograd3x3_s8.h"

namespace dtacs {

// The reference: the formula in the header, tile by tile, a panel of outputs at a time.
void winograd3x3_s8_scalar(const Winograd3x3S8Args& a) noexcept {
  constexpr int kPanel = 8;
  const std::ptrdiff_t channels = a.channels;
  for (std::ptrdiff_t p = 0; p < a.pixels; p += kWinograd3x3S8Columns) {
    std::int16_t* t = a.scratch;  // (3, channels, 6)
    for (const std::uint8_t* row : a.rows)
      for (std::ptrdiff_t c = 0; c < channels; ++c, t += 6) {
        int d[6];
        for (int j = 0; j < 6; ++j) d[j] = row[(a.x0 + p + j - 1) * channels + c];
        const int values[6] = {4 * d[0] - 5 * d[2] + d[4],        -4 * d[1] - 4 * d[2] + d[3] + d[4],
                               4 * d[1] - 4 * d[2] - d[3] + d[4], -2 * d[1] - d[2] + 2 * d[3] + d[4],
                               2 * d[1] - d[2] - 2 * d[3] + d[4], 4 * d[1] - 5 * d[3] + d[5]};
        for (int k = 0; k < 6; ++k) t[k] = static_cast<std::int16_t>(values[k]);
      }
    const std::byte* packed = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel) {
      const auto* bias = reinterpret_cast<const std::int32_t*>(packed);
      const std::int32_t* m = bias + kPanel;
      const auto* u = reinterpret_cast<const std::int16_t*>(m + kPanel);
      std::uint32_t sum[6][kPanel] = {};
      for (int k = 0; k < 6; ++k)
        for (std::ptrdiff_t c = 0; c < 3 * channels; c += 2, u += 2 * kPanel)
          for (int n = 0; n < kPanel; ++n)
            for (int i = 0; i < 2; ++i)
              sum[k][n] += static_cast<std::uint32_t>(a.scratch[(c + i) * 6 + k] * u[2 * n + i]);
      for (int n = 0; n < kPanel; ++n) {
        const auto s = [&](int k) { return sum[k][n]; };
        const std::uint32_t v[4] = {s(0) + s(1) + s(2) + s(3) + s(4), s(1) - s(2) + 2 * s(3) - 2 * s(4),
                                    s(1) + s(2) + 4 * s(3) + 4 * s(4), s(1) - s(2) + 8 * s(3) - 8 * s(4) + s(5)};
        for (int j = 0; j < 4; ++j)
          a.out[(p + j) * a.outputs + first + n] = requantise(static_cast<std::int32_t>(v[j]) / 24 + bias[n], m[n]);
      }
      packed = reinterpret_cast<const std::byte*>(u);
    }
  }
}

}  // namespace dtacs
