// SPDX-License-Identifier: Apache-2.0
// The kernel over the lanes of one instruction set; include it inside an anonymous
// namespace after simd/s8_*.inl and block_s8.inl.

template <int V>
struct Panel {
  const Stem3x3S16Args& a;
  const std::int32_t* head;
  int first;  // output

  template <int P>
  void run(std::ptrdiff_t at) const {
    const auto* w = reinterpret_cast<const std::int8_t*>(head + 2 * kPanel);
    const std::ptrdiff_t pixel = 2 * static_cast<std::ptrdiff_t>(a.channels);  // bytes
    Block<Dot2, P, V> block;
    block.set_bias(head);
    for (const std::int16_t* row : a.rows) {  // the three pixels under the kernel are one run in memory
      const auto* in = reinterpret_cast<const std::uint8_t*>(row) + ((a.x0 + at) * 2 - 1) * pixel;
      block.accumulate(in, 2 * pixel, w, 3 * pixel);
      w += 3 * pixel * kPanel;
    }
    Vec sums[P][V];
    block.sums(sums);
    store_block(sums, head + kPanel, a.out + at * a.outputs + first, a.outputs, a.outputs - first);
  }
};

inline void stem3x3(const Stem3x3S16Args& a) {
  const std::ptrdiff_t panel_size = (8 + 18 * static_cast<std::ptrdiff_t>(a.channels)) * kPanel;
  const std::byte* packed = a.packed;
  for (int first = 0; first < a.outputs; first += kPanel, packed += panel_size) {
    const auto* head = reinterpret_cast<const std::int32_t*>(packed);
    if (half_panel(a.outputs - first))
      for_blocks<kBlock<1>>(a.pixels, Panel<1>{a, head, first});
    else
      for_blocks<kBlock<2>>(a.pixels, Panel<2>{a, head, first});
  }
}
