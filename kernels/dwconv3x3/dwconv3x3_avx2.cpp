// SPDX-License-Identifier: Apache-2.0
#include "kernels/dwconv3x3/dwconv3x3.h"

#include <immintrin.h>

#include <cstddef>

namespace dtacs {

namespace {

constexpr int kLanes = 8;

inline __m256i lanes_below(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

struct Whole {
  __m256 load(const float* p) const { return _mm256_loadu_ps(p); }
  void store(float* p, __m256 v) const { _mm256_storeu_ps(p, v); }
};
struct Part {
  __m256i mask;
  __m256 load(const float* p) const { return _mm256_maskload_ps(p, mask); }
  void store(float* p, __m256 v) const { _mm256_maskstore_ps(p, mask, v); }
};

// P neighbouring pixels of 8 channels: each weight is loaded once for all of them,
// and each input once although up to three outputs need it.
template <int P, int S, class Lanes>
inline void group(const Dwconv3x3Args& a, std::ptrdiff_t at, std::ptrdiff_t c, Lanes lanes) {
  const std::ptrdiff_t channels = a.channels;
  __m256 acc[P];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) acc[p] = lanes.load(a.bias + c);
  for (int i = 0; i < 3; ++i) {
    const float* row = a.rows[i] + ((a.x0 + at) * S - 1) * channels + c;
    __m256 in[(P - 1) * S + 3];
#pragma GCC unroll 16
    for (int x = 0; x < (P - 1) * S + 3; ++x) in[x] = lanes.load(row + x * channels);
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j) {
      const __m256 w = lanes.load(a.weights + (i * 3 + j) * channels + c);
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) acc[p] = _mm256_fmadd_ps(in[p * S + j], w, acc[p]);
    }
  }
  const __m256 lo = _mm256_set1_ps(a.lo), hi = _mm256_set1_ps(a.hi);
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)  // operands in this order pass a NaN and -0 on as the reference does
    lanes.store(a.out + (at + p) * channels + c, _mm256_min_ps(hi, _mm256_max_ps(lo, acc[p])));
}

template <int P, int S>
inline void pixels(const Dwconv3x3Args& a, std::ptrdiff_t at) {
  int c = 0;
  for (; c + kLanes <= a.channels; c += kLanes) group<P, S>(a, at, c, Whole{});
  if (c < a.channels) group<P, S>(a, at, c, Part{lanes_below(a.channels - c)});
}

template <int S>
inline void row(const Dwconv3x3Args& a) {
  std::ptrdiff_t p = 0;
  for (; p + 4 <= a.pixels; p += 4) pixels<4, S>(a, p);
  for (; p < a.pixels; ++p) pixels<1, S>(a, p);
}

}  // namespace

void dwconv3x3_f32_avx2(const Dwconv3x3Args& a) noexcept {
  if (a.stride == 1)
    row<1>(a);
  else
    row<2>(a);
}

}  // namespace dtacs
