// SPDX-License-Identifier: Apache-2.0
// The kernel over the lanes of one instruction set; include it inside an anonymous
// namespace after simd/s8_*.inl.

constexpr int kGroup = 4 * kLanes;  // channels: one byte vector

template <int P>
using Sums = Vec[P][4];

// Adds the products of P output pixels (1 or 2) of one group, of which `bytes` exist.  Four columns of a row,
// interleaved, serve two neighbouring outputs at stride 1: the second one's weights are moved one tap on.
template <int P>
inline void accumulate(Sums<P>& acc, const Dwconv3x3S8Args& a, std::ptrdiff_t at, int c, int bytes,
                       const std::int8_t* weights) {
  const std::ptrdiff_t channels = a.channels;
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i) {
    const std::uint8_t* row = a.rows[i] + ((a.x0 + at) * a.stride - 1) * channels + c;
    Vec in[4], columns[4];
#pragma GCC unroll 16
    for (int j = 0; j < 4; ++j) in[j] = load_bytes(row + (P == 2 || j < 3 ? j : 2) * channels, bytes);
    interleave4(in, columns);
#pragma GCC unroll 16
    for (int q = 0; q < 4; ++q) {
      const Vec w = load(weights + (i * 4 + q) * 4 * kLanes);
      acc[0][q] = dot4(acc[0][q], columns[q], w);
      if constexpr (P == 2) acc[1][q] = dot4(acc[1][q], columns[q], next_tap(w));
    }
  }
}

template <int P>
inline void pixels(const Dwconv3x3S8Args& a, std::ptrdiff_t at, int c, int bytes, const std::int32_t* head) {
  const auto* weights = reinterpret_cast<const std::int8_t*>(head + 2 * kGroup);
  Sums<P> acc;
  if (a.wide) {
#pragma GCC unroll 16
    for (int q = 0; q < 4; ++q)
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) acc[p][q] = zero();
    accumulate<P>(acc, a, at, c, bytes, weights);
    weights += 12 * kGroup;
  }
#pragma GCC unroll 16
  for (int q = 0; q < 4; ++q) {
    const Vec bias = load(head + q * kLanes);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][q] = a.wide ? add(times128(acc[p][q]), bias) : bias;
  }
  accumulate<P>(acc, a, at, c, bytes, weights);
#pragma GCC unroll 16
  for (int q = 0; q < 4; ++q) {
    const Multiplier m = load_multiplier(head + kGroup + q * kLanes);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][q] = scale(acc[p][q], m);
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) store_interleaved(a.out + (at + p) * std::ptrdiff_t{a.channels} + c, acc[p], bytes);
}

inline void dwconv3x3(const Dwconv3x3S8Args& a) {
  const std::byte* packed = a.packed;
  for (int c = 0; c < a.channels; c += kGroup, packed += (a.wide ? 32 : 20) * kGroup) {
    const auto* head = reinterpret_cast<const std::int32_t*>(packed);
    const int bytes = a.channels - c;
    std::ptrdiff_t p = 0;
    if (a.stride == 1 && 2 * a.channels == kGroup)  // two pixels side by side, as packing provides
      for (; p + 2 <= a.pixels; p += 2) pixels<1>(a, p, c, kGroup, head);
    if (a.stride == 1)
      for (; p + 2 <= a.pixels; p += 2) pixels<2>(a, p, c, bytes, head);
    for (; p < a.pixels; ++p) pixels<1>(a, p, c, bytes, head);
  }
}
