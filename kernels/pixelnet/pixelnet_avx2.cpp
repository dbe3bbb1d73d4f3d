// SPDX-License-Identifier: Apache-2.0
#include "kernels/pixelnet/pixelnet.h"

#include <immintrin.h>

namespace dtacs {

namespace {

constexpr int kLanes = 8;
constexpr int kVectors = 3;
constexpr int kTile = kVectors * kLanes;  // pixels

using Plane = float[kTile];  // one band or one hidden value of a tile

// R rows of out(r) = bias(r) + sum_{k < count} in(k) * w(r, k), and max(0, .) if `relu`.
// 4 rows x 3 vectors in registers; NaN becomes 0 in the maximum.
template <int R>
inline void rows(Plane* out, const Plane* in, const float* w, const float* bias, int count, bool relu) {
  __m256 acc[R][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) acc[r][v] = _mm256_broadcast_ss(bias + r);
  for (int k = 0; k < count; ++k) {
    __m256 x[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) x[v] = _mm256_load_ps(in[k] + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const __m256 weight = _mm256_broadcast_ss(w + r * count + k);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) acc[r][v] = _mm256_fmadd_ps(x[v], weight, acc[r][v]);
    }
  }
  const __m256 zero = _mm256_setzero_ps();
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v)
      _mm256_store_ps(out[r] + v * kLanes, relu ? _mm256_max_ps(acc[r][v], zero) : acc[r][v]);
}

inline void layer(Plane* out, int outputs, const Plane* in, int inputs, const float* w, const float* bias, bool relu) {
  int m = 0;
  for (; m + 4 <= outputs; m += 4) rows<4>(out + m, in, w + m * inputs, bias + m, inputs, relu);
  for (; m < outputs; ++m) rows<1>(out + m, in, w + m * inputs, bias + m, inputs, relu);
}

// One tile; in and out are whole tiles in memory.
void tile(const PixelNetArgs& a, const std::uint16_t* const* in, std::uint16_t* const* out) {
  alignas(32) Plane x[kPixelNetMaxBands];
  alignas(32) Plane h[kPixelNetMaxHidden];
  alignas(32) Plane f[kPixelNetMaxBands];

  // A real division, as the reference divides: times 1/10000 rounds differently.
  const __m256 quantification = _mm256_set1_ps(a.quantification);
  for (int c = 0; c < a.inputs; ++c) {
    const __m256 offset = _mm256_broadcast_ss(a.offset + c);
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      const __m128i dn = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in[c] + v * kLanes));
      const __m256 value = _mm256_add_ps(_mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(dn)), offset);
      _mm256_store_ps(x[c] + v * kLanes, _mm256_div_ps(value, quantification));
    }
  }

  if (a.hidden > 0) {
    layer(h, a.hidden, x, a.inputs, a.w1, a.b1, true);
    layer(f, a.outputs, h, a.hidden, a.w2, a.b2, false);
  } else {
    layer(f, a.outputs, x, a.inputs, a.w2, a.b2, false);
  }

  const __m256 zero = _mm256_setzero_ps(), two = _mm256_set1_ps(2.0f), scale = _mm256_set1_ps(10000.0f);
  for (int m = 0; m < a.outputs; ++m) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      __m256 y = _mm256_load_ps(f[m] + v * kLanes);
      if (a.residual != nullptr) y = _mm256_sub_ps(_mm256_load_ps(x[a.residual[m]] + v * kLanes), y);
      y = _mm256_min_ps(_mm256_max_ps(y, zero), two);  // in this order NaN becomes 0
      const __m256i i = _mm256_cvttps_epi32(_mm256_mul_ps(y, scale));
      const __m128i dn = _mm_packus_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out[m] + v * kLanes), dn);
    }
  }
}

}  // namespace

void pixelnet_u16_avx2(const PixelNetArgs& a) noexcept {
  const std::uint16_t* in[kPixelNetMaxBands];
  std::uint16_t* out[kPixelNetMaxBands];
  std::ptrdiff_t p = 0;
  for (; p + kTile <= a.pixels; p += kTile) {
    for (int c = 0; c < a.inputs; ++c) in[c] = a.in[c] + p;
    for (int m = 0; m < a.outputs; ++m) out[m] = a.out[m] + p;
    tile(a, in, out);
  }
  if (p == a.pixels) return;

  // The last pixels, as a tile of their own with zeros behind them.
  std::uint16_t last_in[kPixelNetMaxBands][kTile] = {}, last_out[kPixelNetMaxBands][kTile];
  for (int c = 0; c < a.inputs; ++c) {
    for (std::ptrdiff_t i = 0; p + i < a.pixels; ++i) last_in[c][i] = a.in[c][p + i];
    in[c] = last_in[c];
  }
  for (int m = 0; m < a.outputs; ++m) out[m] = last_out[m];
  tile(a, in, out);
  for (int m = 0; m < a.outputs; ++m)
    for (std::ptrdiff_t i = 0; p + i < a.pixels; ++i) a.out[m][p + i] = last_out[m][i];
}

}  // namespace dtacs
