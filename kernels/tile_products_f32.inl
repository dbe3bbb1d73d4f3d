// SPDX-License-Identifier: Apache-2.0
// The matrix products of a transformed convolution, over panel_f32.inl:
//
//   sums(t, n) = sum_{c < channels} in(t, c) * w(c, n)    for the tiles t of a run and one panel of outputs
//
// Include it inside an anonymous namespace.

// Floats from the first of so many to the next such part of scratch: an odd number of cache lines, so
// that parts which are walked together do not fall into the same sets.
constexpr std::ptrdiff_t odd_lines(std::ptrdiff_t floats) {
  return ((floats + 15) / 16 | 1) * 16;
}

template <int N>
struct TileProduct {
  const float* in;
  std::ptrdiff_t pitch;  // from tile to tile
  std::ptrdiff_t channels;
  const float* weights;
  float* sums;  // (tiles, N vectors)

  template <int P>
  void run(std::ptrdiff_t at) const {
    V acc[P][N];
    const float* from[P];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      from[p] = in + (at + p) * pitch;
#pragma GCC unroll 16
      for (int n = 0; n < N; ++n) acc[p][n] = V::zero();
    }
    accumulate(acc, from, weights, channels);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
      for (int n = 0; n < N; ++n) acc[p][n].store(sums + ((at + p) * N + n) * V::kLanes);
  }
};

// Lanes of a vector that exist: all of them, or the first few.
struct Whole {
  V load(const float* p) const { return V::load(p); }
  void store(float* p, V v) const { v.store(p); }
};
struct Part {
  int lanes;
  V load(const float* p) const { return V::load_n(p, lanes); }
  void store(float* p, V v) const { v.store_n(p, lanes); }
};

// f(first, lanes) for each vector of `count` neighbouring values.
template <class F>
inline void for_vectors(int count, const F& f) {
  int at = 0;
  for (; at + V::kLanes <= count; at += V::kLanes) f(at, Whole{});
  if (at < count) f(at, Part{count - at});
}
