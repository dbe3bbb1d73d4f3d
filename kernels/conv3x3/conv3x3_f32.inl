// SPDX-License-Identifier: Apache-2.0
// conv3x3 over the vocabulary of simd/README.md and the register block of
// panel_f32.inl: pixels by outputs.  Include it inside an anonymous namespace.

// One panel of outputs, N vectors of them computed.
template <int N>
struct Panel {
  const Conv3x3Args& a;
  const float* weights;
  int first;  // output

  template <int P>
  void run(std::ptrdiff_t at) const {
    const float* w = weights;
    V acc[P][N];
    set_bias(acc, w);
    w += kPanel;
    const std::ptrdiff_t channels = a.channels;
    for (int i = 0; i < 3; ++i, w += 3 * channels * kPanel) {
      // The three pixels under the kernel are one run in memory, in the order of the weights.
      const float* in[P];
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) in[p] = a.rows[i] + ((a.x0 + at + p) * a.stride - 1) * channels;
      accumulate(acc, in, w, 3 * channels);
    }
    const V lo = V::set1(a.lo), hi = V::set1(a.hi);
    float* out = a.out + at * a.outputs + first;
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p, out += a.outputs)
#pragma GCC unroll 16
      for (int n = 0; n < N; ++n)
        clamp(acc[p][n], lo, hi).store_n(out + n * V::kLanes, columns_left<N>(n, a.outputs - first));
  }
};

inline void conv3x3(const Conv3x3Args& a) {
  const std::ptrdiff_t panel_size = (1 + 9 * static_cast<std::ptrdiff_t>(a.channels)) * kPanel;
  const float* w = a.packed;
  for (int first = 0; first < a.outputs; first += kPanel, w += panel_size)
    with_vectors(a.outputs - first, [&]<int N>() { for_blocks<block_rows(N)>(a.pixels, Panel<N>{a, w, first}); });
}
