// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3x3_s8/conv3x3_s8.h"
#include "kernels/requantise.h"

namespace dtacs {

namespace {

constexpr int kPanel = 8;

// sum(n) += in(k) * w(k, n) over a run of `count` bytes; returns the weights behind.
const std::int8_t* accumulate(std::int32_t (&sum)[kPanel], const std::uint8_t* in, const std::int8_t* w,
                              std::ptrdiff_t count) noexcept {
  for (std::ptrdiff_t k = 0; k < count; k += 4, w += 4 * kPanel)
    for (int n = 0; n < kPanel; ++n)
      for (int i = 0; i < 4; ++i) sum[n] += in[k + i] * w[4 * n + i];
  return w;
}

}  // namespace

// The reference: the formula in the header.  A panel of outputs shares each input value.
void conv3x3_s8_scalar(const Conv3x3S8Args& a) noexcept {
  const std::ptrdiff_t half = a.half_channels, full = a.full_channels;
  const std::ptrdiff_t panel_size = (20 + 16 * half + (a.wide ? 18 : 9) * full) * kPanel;
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    const std::ptrdiff_t x = a.x0 + p;
    const std::ptrdiff_t phase = (a.y & 1) * 2 + (x & 1);
    for (int first = a.begin; first < a.end; first += kPanel) {
      const auto* head = reinterpret_cast<const std::int32_t*>(a.packed + first / kPanel * panel_size);
      const auto* weights = reinterpret_cast<const std::int8_t*>(head + 5 * kPanel);
      std::int32_t sum[kPanel] = {};
      if (half > 0) {
        const std::int8_t* w = weights + phase * 4 * half * kPanel;
        for (const std::uint8_t* row : a.half) w = accumulate(sum, row + ((x - 1) >> 1) * half, w, 2 * half);
      }
      if (full > 0) {
        const std::int8_t* w = weights + 16 * half * kPanel;
        for (const std::uint8_t* row : a.full) w = accumulate(sum, row + (x - 1) * full, w, 3 * full);
        if (a.wide) {  // those were the high parts
          for (int n = 0; n < kPanel; ++n) sum[n] *= 128;
          for (const std::uint8_t* row : a.full) w = accumulate(sum, row + (x - 1) * full, w, 3 * full);
        }
      }
      for (int n = 0; n < kPanel; ++n)  // the bias last: with the high parts alone it may not fit
        a.out[p * a.outputs + first + n] = requantise(sum[n] + head[phase * kPanel + n], head[4 * kPanel + n]);
    }
  }
}

}  // namespace dtacs
