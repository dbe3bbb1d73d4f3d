// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise_s8/pointwise_s8.h"
#include "kernels/requantise.h"

namespace dtacs {

// The reference: the formula in the header.  A panel of outputs shares each input value.
void pointwise_s8_scalar(const PointwiseS8Args& a) noexcept {
  constexpr int kPanel = 8;
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    const std::uint8_t* in = a.in + p * a.depth;
    const std::byte* packed = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel) {
      const auto* bias = reinterpret_cast<const std::int32_t*>(packed);
      const std::int32_t *m = bias + kPanel, *r = m + kPanel;
      const auto* w = reinterpret_cast<const std::int8_t*>(r + kPanel);
      std::int32_t sum[kPanel] = {};
      for (int k = 0; k < a.depth; k += 4, w += 4 * kPanel)
        for (int n = 0; n < kPanel; ++n)
          for (int i = 0; i < 4; ++i) sum[n] += in[k + i] * w[4 * n + i];
      if (a.wide) {  // those were the high parts
        for (int n = 0; n < kPanel; ++n) sum[n] *= 128;
        for (int k = 0; k < a.depth; k += 4, w += 4 * kPanel)
          for (int n = 0; n < kPanel; ++n)
            for (int i = 0; i < 4; ++i) sum[n] += in[k + i] * w[4 * n + i];
      }
      for (int n = 0; n < kPanel; ++n) {
        const std::ptrdiff_t at = p * a.outputs + first + n;
        sum[n] += bias[n];  // last: with the high parts alone it may not fit
        if (a.add != nullptr) sum[n] += a.add[at] * r[n];
        a.out[at] = requantise(sum[n], m[n]);
      }
      packed = reinterpret_cast<const std::byte*>(w);
    }
  }
}

}  // namespace dtacs
