// SPDX-License-Identifier: Apache-2.0
// The register block that conv3x3 and pointwise share: P pixels by V vectors of
// 8 outputs, weights in panels of 16 outputs.  6 x 2 accumulators, 2 weights and a
// broadcast fill the 16 registers, and 12 sums in flight cover the latency of FMA.
//
// Every output value is one chain of FMAs in the order of the packed weights, so
// that it does not depend on P.  Include it inside an anonymous namespace.

constexpr int kLanes = 8;
constexpr int kPanel = 16;

// Most pixels in a block: with one vector of outputs, 8 chains are what is left.
template <int V>
constexpr int kBlock = V == 1 ? 8 : 6;

inline __m256i lanes_below(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline __m256 load_n(const float* p, int n) {
  return n >= kLanes ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, lanes_below(n));
}
inline void store_n(float* p, __m256 v, int n) {
  if (n >= kLanes)
    _mm256_storeu_ps(p, v);
  else
    _mm256_maskstore_ps(p, lanes_below(n), v);
}

template <int P, int V>
inline void set_bias(__m256 (&acc)[P][V], const float* bias) {
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v)
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][v] = _mm256_loadu_ps(bias + v * kLanes);
}

// acc(p, n) += sum_{k < count} in[p](k) * w(k, n)
template <int P, int V>
inline void accumulate(__m256 (&acc)[P][V], const float* const (&in)[P], const float* w, std::ptrdiff_t count) {
  for (std::ptrdiff_t k = 0; k < count; ++k, w += kPanel) {
    __m256 weight[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) weight[v] = _mm256_loadu_ps(w + v * kLanes);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const __m256 x = _mm256_broadcast_ss(in[p] + k);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) acc[p][v] = _mm256_fmadd_ps(x, weight[v], acc[p][v]);
    }
  }
}

// Operands in this order pass a NaN and -0 on as the reference does.
inline __m256 clamp(__m256 v, __m256 lo, __m256 hi) {
  return _mm256_min_ps(hi, _mm256_max_ps(lo, v));
}

// Cuts `pixels` into as few blocks as possible of nearly the same size: two
// blocks of 4 run faster than one of 6 and one of 2, which waits for its FMAs.
// body.template run<P>(first pixel)
template <int V, class Body>
inline void for_blocks(std::ptrdiff_t pixels, const Body& body) {
  const std::ptrdiff_t blocks = (pixels + kBlock<V> - 1) / kBlock<V>;
  const std::ptrdiff_t size = pixels / blocks;
  std::ptrdiff_t larger = pixels % blocks;
  for (std::ptrdiff_t p = 0; p < pixels;) {
    const std::ptrdiff_t n = larger-- > 0 ? size + 1 : size;
    if constexpr (V == 1) {
      if (n == 8) body.template run<8>(p);
      if (n == 7) body.template run<7>(p);
    }
    switch (n) {
      case 6: body.template run<6>(p); break;
      case 5: body.template run<5>(p); break;
      case 4: body.template run<4>(p); break;
      case 3: body.template run<3>(p); break;
      case 2: body.template run<2>(p); break;
      case 1: body.template run<1>(p); break;
      default: break;
    }
    p += n;
  }
}
