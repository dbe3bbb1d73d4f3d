// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3x3/conv3x3.h"

#include <immintrin.h>

namespace dtacs {

namespace {

#include "kernels/panel_f32_avx2.inl"

// One panel of up to 16 outputs, V vectors of them computed.
template <int V>
struct Panel {
  const Conv3x3Args& a;
  const float* weights;
  int first;  // output

  template <int P>
  void run(std::ptrdiff_t at) const {
    const float* w = weights;
    __m256 acc[P][V];
    set_bias(acc, w);
    w += kPanel;
    for (const Conv3x3Source& s : a.source) {
      const std::ptrdiff_t channels = s.channels;
      if (channels == 0) continue;
      for (int i = 0; i < 3; ++i) {
        const float* in[P];
        if (s.up2) {
#pragma GCC unroll 16
          for (int j = 0; j < 3; ++j, w += channels * kPanel) {
#pragma GCC unroll 16
            for (int p = 0; p < P; ++p) in[p] = s.rows[i] + ((a.x0 + at + p + j - 1) >> 1) * channels;
            accumulate(acc, in, w, channels);
          }
        } else {  // the three pixels under the kernel are one run in memory, in the order of the weights
#pragma GCC unroll 16
          for (int p = 0; p < P; ++p) in[p] = s.rows[i] + ((a.x0 + at + p) * a.stride - 1) * channels;
          accumulate(acc, in, w, 3 * channels);
          w += 3 * channels * kPanel;
        }
      }
    }
    const __m256 lo = _mm256_set1_ps(a.lo), hi = _mm256_set1_ps(a.hi);
    float* out = a.out + at * a.outputs + first;
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p, out += a.outputs)
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) store_n(out + v * kLanes, clamp(acc[p][v], lo, hi), a.outputs - first - v * kLanes);
  }
};

}  // namespace

void conv3x3_f32_avx2(const Conv3x3Args& a) noexcept {
  const std::ptrdiff_t panel_size =
      (1 + 9 * static_cast<std::ptrdiff_t>(a.source[0].channels + a.source[1].channels)) * kPanel;
  const float* w = a.packed;
  for (int first = 0; first < a.outputs; first += kPanel, w += panel_size) {
    if (a.outputs - first > kLanes)
      for_blocks<2>(a.pixels, Panel<2>{a, w, first});
    else
      for_blocks<1>(a.pixels, Panel<1>{a, w, first});
  }
}

}  // namespace dtacs
