// SPDX-License-Identifier: Apache-2.0
// The kernel over the lanes of one instruction set; include it inside an anonymous
// namespace after simd/s8_*.inl and block_s8.inl.

// Output pixels first_x, first_x + stride, ...: all of them, or those of one parity, which share a phase.
template <int V>
struct Panel {
  const Conv3x3S8Args& a;
  const std::int32_t* head;
  int first;  // output
  std::ptrdiff_t first_x;
  int stride;

  template <int P>
  void run(std::ptrdiff_t at) const {
    const std::ptrdiff_t half = a.half_channels, full = a.full_channels, x = first_x + at * stride;
    const std::ptrdiff_t phase = (a.y & 1) * 2 + (x & 1);
    const auto* weights = reinterpret_cast<const std::int8_t*>(head + 5 * kPanel);
    Block<Dot4, P, V> block;
    if (a.wide) {
      block.set_zero();
      taps(block, weights, x);
      block.raise(head + phase * kPanel);
      taps(block, weights + 9 * full * kPanel, x);
      return finish(block, x);
    }
    block.set_bias(head + phase * kPanel);
    // The two or three pixels under the kernel are one run in memory, in the order of the weights.
    if (half > 0) {
      const std::int8_t* w = weights + phase * 4 * half * kPanel;
      for (const std::uint8_t* row : a.half) {
        block.accumulate(row + ((x - 1) >> 1) * half, half, w, 2 * half);
        w += 2 * half * kPanel;
      }
    }
    if (full > 0) taps(block, weights + 16 * half * kPanel, x);
    finish(block, x);
  }

  template <int P>
  void taps(Block<Dot4, P, V>& block, const std::int8_t* w, std::ptrdiff_t x) const {
    const std::ptrdiff_t full = a.full_channels;
    for (const std::uint8_t* row : a.full) {
      block.accumulate(row + (x - 1) * full, stride * full, w, 3 * full);
      w += 3 * full * kPanel;
    }
  }

  template <int P>
  void finish(const Block<Dot4, P, V>& block, std::ptrdiff_t x) const {
    Vec sums[P][V];
    block.sums(sums);
    store_block(sums, head + 4 * kPanel, a.out + (x - a.x0) * a.outputs + first,
                stride * static_cast<std::ptrdiff_t>(a.outputs), a.outputs - first);
  }
};

template <int V>
inline void one_panel(const Conv3x3S8Args& a, const std::int32_t* head, int first) {
  if (a.half_channels == 0) return for_blocks<kBlock<V>>(a.pixels, Panel<V>{a, head, first, a.x0, 1});
  for_blocks<kBlock<V>>((a.pixels + 1) / 2, Panel<V>{a, head, first, a.x0, 2});
  for_blocks<kBlock<V>>(a.pixels / 2, Panel<V>{a, head, first, a.x0 + 1, 2});
}

inline void conv3x3(const Conv3x3S8Args& a) {
  const std::ptrdiff_t panel_size = (20 + 16 * static_cast<std::ptrdiff_t>(a.half_channels) +
                                     (a.wide ? 18 : 9) * static_cast<std::ptrdiff_t>(a.full_channels)) *
                                    kPanel;
  const std::byte* packed = a.packed + a.begin / kPanel * panel_size;
  for (int first = a.begin; first < a.end; first += kPanel, packed += panel_size) {
    const auto* head = reinterpret_cast<const std::int32_t*>(packed);
    if (half_panel(a.outputs - first))
      one_panel<1>(a, head, first);
    else
      one_panel<2>(a, head, first);
  }
}
