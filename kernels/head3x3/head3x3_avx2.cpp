// SPDX-License-Identifier: Apache-2.0
#include "kernels/head3x3/head3x3.h"

#include <immintrin.h>

#include <cstddef>

namespace dtacs {

namespace {

constexpr int kLanes = 8;
constexpr int kPixels = 3;  // 3 x 4 accumulators, 3 inputs and a weight fill the registers
constexpr int kOutputs = 4;

inline __m256i lanes_below(std::ptrdiff_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

struct Whole {
  __m256 load(const float* p) const { return _mm256_loadu_ps(p); }
};
struct Part {
  __m256i mask;
  __m256 load(const float* p) const { return _mm256_maskload_ps(p, mask); }
};

using Sums = __m256[kPixels][kOutputs];

template <class Lanes>
inline void step(Sums& acc, const float* const (&in)[kPixels], const float* const (&w)[kOutputs], std::ptrdiff_t k,
                 Lanes lanes) {
  __m256 x[kPixels];
#pragma GCC unroll 16
  for (int p = 0; p < kPixels; ++p) x[p] = lanes.load(in[p] + k);
#pragma GCC unroll 16
  for (int n = 0; n < kOutputs; ++n) {
    const __m256 weight = lanes.load(w[n] + k);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) acc[p][n] = _mm256_fmadd_ps(x[p], weight, acc[p][n]);
  }
}

// The sums over all lanes of four vectors, side by side.
inline __m128 sum_lanes(const __m256 (&v)[kOutputs]) {
  const __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
  return _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1));
}

// Up to 3 pixels from `at` and up to 4 outputs from `first`; where there are
// fewer, the last ones are computed again and not stored.
void block(const Head3x3Args& a, std::ptrdiff_t at, int pixels, int first, int outputs) {
  // The three pixels under the kernel are one run in memory, and so are their weights.
  const std::ptrdiff_t run = 3 * static_cast<std::ptrdiff_t>(a.channels);
  const std::ptrdiff_t whole = run / kLanes * kLanes;
  const Part part{lanes_below(run - whole)};
  Sums acc;
#pragma GCC unroll 16
  for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 16
    for (int n = 0; n < kOutputs; ++n) acc[p][n] = _mm256_setzero_ps();
  for (int i = 0; i < 3; ++i) {
    const float* in[kPixels];
    const float* w[kOutputs];
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) in[p] = a.rows[i] + (a.x0 + at + (p < pixels ? p : pixels - 1) - 1) * a.channels;
#pragma GCC unroll 16
    for (int n = 0; n < kOutputs; ++n) w[n] = a.weights + ((first + (n < outputs ? n : outputs - 1)) * 3 + i) * run;
    for (std::ptrdiff_t k = 0; k < whole; k += kLanes) step(acc, in, w, k, Whole{});
    if (whole < run) step(acc, in, w, whole, part);
  }
  const __m128i valid = _mm256_castsi256_si128(lanes_below(outputs));
  const __m128 bias = _mm_maskload_ps(a.bias + first, valid);
  for (int p = 0; p < pixels; ++p)
    _mm_maskstore_ps(a.logits + (at + p) * a.outputs + first, valid, _mm_add_ps(bias, sum_lanes(acc[p])));
}

}  // namespace

void head3x3_f32_avx2(const Head3x3Args& a) noexcept {
  for (std::ptrdiff_t at = 0; at < a.pixels; at += kPixels) {
    const int pixels = a.pixels - at < kPixels ? static_cast<int>(a.pixels - at) : kPixels;
    for (int first = 0; first < a.outputs; first += kOutputs)
      block(a, at, pixels, first, a.outputs - first < kOutputs ? a.outputs - first : kOutputs);
    if (a.classes == nullptr) continue;
    for (int p = 0; p < pixels; ++p) {
      const float* logits = a.logits + (at + p) * a.outputs;
      float largest = logits[0];
      int best = 0;
      for (int n = 1; n < a.outputs; ++n) {
        best = logits[n] > largest ? n : best;
        largest = logits[n] > largest ? logits[n] : largest;
      }
      a.classes[at + p] = static_cast<std::uint8_t>(best);
    }
  }
}

}  // namespace dtacs
