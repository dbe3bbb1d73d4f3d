// SPDX-License-Identifier: Apache-2.0
// The kernel over the lanes of one instruction set; include it inside an anonymous
// namespace after simd/s8_*.inl and block_s8.inl.

// Input that all panels walk over before the next pixels come: half of a small L2.
constexpr std::ptrdiff_t kChunkBytes = 128 * 1024;

template <int V>
struct Panel {
  const PointwiseS8Args& a;
  const std::int32_t* head;
  int first;  // output
  std::ptrdiff_t begin;

  template <int P>
  void run(std::ptrdiff_t at) const {
    const std::ptrdiff_t pixel = begin + at;
    Block<Dot4, P, V> block;
    const auto* w = reinterpret_cast<const std::int8_t*>(head + 3 * kPanel);
    const std::uint8_t* in = a.in + pixel * a.depth;
    if (a.wide) {
      block.set_zero();
      block.accumulate(in, a.depth, w, a.depth);
      block.raise(head);
      w += static_cast<std::ptrdiff_t>(a.depth) * kPanel;
    } else {
      block.set_bias(head);
    }
    block.accumulate(in, a.depth, w, a.depth);
    Vec sums[P][V];
    block.sums(sums);
    const std::ptrdiff_t to = pixel * a.outputs + first;
    if (a.add != nullptr) {
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) {
        const int n = a.outputs - first - v * kLanes;
        if (n <= 0) break;
        const Vec factor = load(head + 2 * kPanel + v * kLanes);
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p)
          sums[p][v] = add_product(
              sums[p][v], load_u8(a.add + to + p * static_cast<std::ptrdiff_t>(a.outputs) + v * kLanes, n), factor);
      }
    }
    store_block(sums, head + kPanel, a.out + to, a.outputs, a.outputs - first);
  }
};

inline void pointwise(const PointwiseS8Args& a) {
  const std::ptrdiff_t panel_size = (12 + (a.wide ? 2 : 1) * static_cast<std::ptrdiff_t>(a.depth)) * kPanel;
  std::ptrdiff_t chunk = kChunkBytes / a.depth / kBlock<2> * kBlock<2>;
  if (chunk < 8 * kBlock<2>) chunk = 8 * kBlock<2>;  // or the weights would be read too often
  for (std::ptrdiff_t begin = 0; begin < a.pixels; begin += chunk) {
    const std::ptrdiff_t pixels = a.pixels - begin < chunk ? a.pixels - begin : chunk;
    const std::byte* packed = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel, packed += panel_size) {
      const auto* head = reinterpret_cast<const std::int32_t*>(packed);
      if (half_panel(a.outputs - first))
        for_blocks<kBlock<1>>(pixels, Panel<1>{a, head, first, begin});
      else
        for_blocks<kBlock<2>>(pixels, Panel<2>{a, head, first, begin});
    }
  }
}
