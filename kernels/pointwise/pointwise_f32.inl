// SPDX-License-Identifier: Apache-2.0
// pointwise over the vocabulary of simd/README.md and the register block of
// panel_f32.inl: pixels by outputs.  Include it inside an anonymous namespace.

// Input that all panels walk over before the next pixels come: half of a small L2.
constexpr std::ptrdiff_t kChunkFloats = 128 * 1024 / sizeof(float);

// One panel of outputs, N vectors of them computed, from pixel `begin` on.
template <int N>
struct Panel {
  const PointwiseArgs& a;
  const float* weights;
  int first;  // output
  std::ptrdiff_t begin;

  template <int P>
  void run(std::ptrdiff_t at) const {
    const std::ptrdiff_t pixel = begin + at;
    V acc[P][N];
    set_bias(acc, weights);
    const float* in[P];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) in[p] = a.in + (pixel + p) * a.depth;
    accumulate(acc, in, weights + kPanel, a.depth);
    const V lo = V::set1(a.lo), hi = V::set1(a.hi);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const std::ptrdiff_t to = (pixel + p) * a.outputs + first;
#pragma GCC unroll 16
      for (int n = 0; n < N; ++n) {
        const int left = columns_left<N>(n, a.outputs - first);
        V y = clamp(acc[p][n], lo, hi);
        if (a.add != nullptr) y = y + V::load_n(a.add + to + n * V::kLanes, left);
        y.store_n(a.out + to + n * V::kLanes, left);
      }
    }
  }
};

inline void pointwise(const PointwiseArgs& a) {
  constexpr std::ptrdiff_t kBlock = block_rows(kVectors);
  const std::ptrdiff_t panel_size = (1 + static_cast<std::ptrdiff_t>(a.depth)) * kPanel;
  std::ptrdiff_t chunk = kChunkFloats / a.depth / kBlock * kBlock;
  if (chunk < 8 * kBlock) chunk = 8 * kBlock;  // or the weights would be read too often
  for (std::ptrdiff_t begin = 0; begin < a.pixels; begin += chunk) {
    const std::ptrdiff_t pixels = a.pixels - begin < chunk ? a.pixels - begin : chunk;
    const float* w = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel, w += panel_size)
      with_vectors(a.outputs - first, [&]<int N>() {
        for_blocks<block_rows(N)>(pixels, Panel<N>{a, w, first, begin});
      });
  }
}
