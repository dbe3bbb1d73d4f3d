// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise/pointwise.h"

#include <immintrin.h>

namespace dtacs {

namespace {

#include "kernels/panel_f32_avx2.inl"

// Input that all panels walk over before the next pixels come: half of a small L2.
constexpr std::ptrdiff_t kChunkFloats = 128 * 1024 / sizeof(float);

// One panel of up to 16 outputs, V vectors of them computed, from pixel `begin` on.
template <int V>
struct Panel {
  const PointwiseArgs& a;
  const float* weights;
  int first;  // output
  std::ptrdiff_t begin;

  template <int P>
  void run(std::ptrdiff_t at) const {
    const std::ptrdiff_t pixel = begin + at;
    __m256 acc[P][V];
    set_bias(acc, weights);
    const float* in[P];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) in[p] = a.in + (pixel + p) * a.depth;
    accumulate(acc, in, weights + kPanel, a.depth);
    const __m256 lo = _mm256_set1_ps(a.lo), hi = _mm256_set1_ps(a.hi);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const std::ptrdiff_t to = (pixel + p) * a.outputs + first;
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) {
        const int n = a.outputs - first - v * kLanes;
        __m256 y = clamp(acc[p][v], lo, hi);
        if (a.add != nullptr) y = _mm256_add_ps(y, load_n(a.add + to + v * kLanes, n));
        store_n(a.out + to + v * kLanes, y, n);
      }
    }
  }
};

}  // namespace

void pointwise_f32_avx2(const PointwiseArgs& a) noexcept {
  const std::ptrdiff_t panel_size = (1 + static_cast<std::ptrdiff_t>(a.depth)) * kPanel;
  std::ptrdiff_t chunk = kChunkFloats / a.depth / kBlock<2> * kBlock<2>;
  if (chunk < 8 * kBlock<2>) chunk = 8 * kBlock<2>;  // or the weights would be read too often
  for (std::ptrdiff_t begin = 0; begin < a.pixels; begin += chunk) {
    const std::ptrdiff_t pixels = a.pixels - begin < chunk ? a.pixels - begin : chunk;
    const float* w = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel, w += panel_size) {
      if (a.outputs - first > kLanes)
        for_blocks<2>(pixels, Panel<2>{a, w, first, begin});
      else
        for_blocks<1>(pixels, Panel<1>{a, w, first, begin});
    }
  }
}

}  // namespace dtacs
