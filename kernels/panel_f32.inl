// SPDX-License-Identifier: Apache-2.0
// The register block that conv3x3, pointwise and pixelnet share, over the
// vocabulary of simd/README.md: P rows by N vectors of columns,
//
//   acc(p, n) += sum_{k < count} in[p](k) * w(k, n),    w in panels of kPanel columns.
//
// Every sum is one chain in the order of k, so that it does not depend on P.
// Include it inside an anonymous namespace, after the vocabulary.

#include "kernels/blocks.inl"

constexpr int kPanel = kVectors * V::kLanes;
// Loops over k do four a turn; where one load of factors holds more than one of them, what is left is short.
constexpr int kFewTurns = 4 / Few::kCount, kSingleTurns = Few::kCount == 1 ? 4 : 1;

template <int P, int N>
inline void set_bias(V (&acc)[P][N], const float* bias) {
#pragma GCC unroll 16
  for (int n = 0; n < N; ++n)
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][n] = V::load(bias + n * V::kLanes);
}

// One k.  Of factors and weights, those that are fewer stay in registers.
template <int I, int P, int N>
inline void accumulate_one(V (&acc)[P][N], const Few (&x)[P], const float* w) {
#pragma GCC unroll 16
  for (int n = 0; n < N; ++n) {
    const V weight = V::load(w + n * V::kLanes);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][n] = mul_add<I>(weight, x[p], acc[p][n]);
  }
}
template <int P, int N>
inline void accumulate_one(V (&acc)[P][N], const float* const (&in)[P], std::ptrdiff_t k, const float* w) {
  V weight[N];
#pragma GCC unroll 16
  for (int n = 0; n < N; ++n) weight[n] = V::load(w + n * V::kLanes);
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    const V x = V::broadcast(in[p] + k);
#pragma GCC unroll 16
    for (int n = 0; n < N; ++n) acc[p][n] = mul_add(weight[n], x, acc[p][n]);
  }
}

// Some of the first k, where an instruction set has a way of its own; how many.
template <int P, int N>
inline std::ptrdiff_t accumulate_fours(V (&)[P][N], const float* const (&)[P], const float*, std::ptrdiff_t) {
  return 0;
}

template <int P, int N>
inline void accumulate(V (&acc)[P][N], const float* const (&in)[P], const float* w, std::ptrdiff_t count) {
  std::ptrdiff_t k = accumulate_fours(acc, in, w, count);
  w += k * kPanel;
  if constexpr (Few::kCount > 1 || P <= N) {
#pragma GCC unroll kFewTurns
    for (; k + Few::kCount <= count; k += Few::kCount, w += Few::kCount * kPanel) {
      Few x[P];
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) x[p] = Few::load(in[p] + k);
      accumulate_one<0>(acc, x, w);
      if constexpr (Few::kCount >= 2) accumulate_one<1>(acc, x, w + kPanel);
      if constexpr (Few::kCount == 4) {
        accumulate_one<2>(acc, x, w + 2 * kPanel);
        accumulate_one<3>(acc, x, w + 3 * kPanel);
      }
    }
    if constexpr (Few::kCount == 1) return;
  }
#pragma GCC unroll kSingleTurns
  for (; k < count; ++k, w += kPanel) accumulate_one(acc, in, k, w);
}

// Operands in this order pass a NaN and -0 on as the references do, on x86.
inline V clamp(V v, V lo, V hi) {
  return min(hi, max(lo, v));
}

// Calls f.template operator()<N>() with as many vectors as `columns` of a panel need.
template <int N = kVectors, class F>
inline void with_vectors(std::ptrdiff_t columns, const F& f) {
  if constexpr (N == 1)
    f.template operator()<1>();
  else if (columns > (N - 1) * V::kLanes)
    f.template operator()<N>();
  else
    with_vectors<N - 1>(columns, f);
}
// Columns from vector n on, of `columns` for which with_vectors() called f<N>; as many as make
// a whole vector, and known to the compiler, of every vector but the last.
template <int N>
inline int columns_left(int n, int columns) {
  return n < N - 1 ? V::kLanes : columns - n * V::kLanes;
}
