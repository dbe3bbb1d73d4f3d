// SPDX-License-Identifier: Apache-2.0
// The kernel over the lanes of one instruction set; include it inside an anonymous
// namespace after simd/s8_*.inl and block_s8.inl.

using Halves = std::uint8_t __attribute__((vector_size(sizeof(Vec) / 2)));
using Words = std::int16_t __attribute__((vector_size(sizeof(Vec))));
using Wrapping = std::uint32_t __attribute__((vector_size(sizeof(Vec))));
using Signed = std::int32_t __attribute__((vector_size(sizeof(Vec))));

constexpr int kProducts = 6, kColumns = kWinograd3x3S8Columns;
constexpr int kTiles = 16;  // that share a panel's weights of a product while these are in the first cache

// Scratch holds row y in slot y % 3 as [product][tile][channel].
inline std::int16_t* transformed(const Winograd3x3S8Args& a, int i) {
  return a.scratch + (a.y + i) % 3 * kProducts * static_cast<std::ptrdiff_t>(a.pixels) / kColumns * a.channels;
}

inline void transform(const Winograd3x3S8Args& a, int i) {
  const std::ptrdiff_t channels = a.channels, pitch = a.pixels / kColumns * channels;
  std::int16_t* to = transformed(a, i);
  for (std::ptrdiff_t p = 0; p < a.pixels; p += kColumns)
    for (std::ptrdiff_t c = 0; c < channels; c += 2 * kLanes, to += 2 * kLanes) {
      const std::uint8_t* in = a.rows[i] + (a.x0 + p - 1) * channels + c;
      Words d[6];
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) {
        Halves bytes;
        __builtin_memcpy(&bytes, in + j * channels, sizeof(bytes));
        d[j] = __builtin_convertvector(bytes, Words);
      }
      const Words even = d[4] - d[2] * 4, odd = d[3] - d[1] * 4, outer = d[4] - d[2], inner = (d[3] - d[1]) * 2;
      const Words t[kProducts] = {
          (d[0] - d[2]) * 4 + outer,        even + odd, even - odd, outer + inner, outer - inner,
          (d[1] - d[3]) * 4 + (d[5] - d[3])};
#pragma GCC unroll 6
      for (int k = 0; k < kProducts; ++k) store(to + k * pitch, (Vec)t[k]);
    }
}

// One product of some tiles with a panel's weights.
struct Product {
  const std::int16_t* in[3];  // of the first tile
  std::ptrdiff_t channels;
  const std::int8_t* w;
  Vec (*sums)[2];

  template <int P>
  void run(std::ptrdiff_t at) const {
    const std::ptrdiff_t bytes = 2 * channels;
    Block<Dot2, P, 2> block;
    block.set_zero();
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i)
      block.accumulate(reinterpret_cast<const std::uint8_t*>(in[i] + at * channels), bytes, w + i * bytes * kPanel,
                       bytes);
    Vec v[P][2];
    block.sums(v);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 2
      for (int n = 0; n < 2; ++n) sums[at + p][n] = v[p][n];
  }
};

// The bytes of a tile from its sums in m(product).
template <class M>
inline void inverse(const M& m, Vec bias, Multiplier multiplier, std::uint8_t* out, std::ptrdiff_t outputs) {
  const Wrapping even1 = m(1) + m(2), odd1 = m(1) - m(2), even2 = m(3) + m(4), odd2 = m(3) - m(4);
  const Wrapping v[kColumns] = {m(0) + even1 + even2, odd1 + odd2 * 2, even1 + even2 * 4, odd1 + odd2 * 8 + m(5)};
  constexpr std::uint32_t kThird = 0xaaaaaaab;  // 3 * kThird = 1
#pragma GCC unroll 4
  for (int j = 0; j < kColumns; ++j)
    store_u8(out + j * outputs, scale(add((Vec)((Signed)(v[j] * kThird) >> 3), bias), multiplier), kLanes);
}

inline void winograd3x3(const Winograd3x3S8Args& a) {
  for (int i = a.next ? 2 : 0; i < 3; ++i) transform(a, i);
  const std::ptrdiff_t channels = a.channels, tiles = a.pixels / kColumns;
  for (std::ptrdiff_t first_tile = 0; first_tile < tiles; first_tile += kTiles) {
    const std::ptrdiff_t some = tiles - first_tile < kTiles ? tiles - first_tile : kTiles;
    const std::byte* packed = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel) {
      const auto* head = reinterpret_cast<const std::int32_t*>(packed);
      const auto* w = reinterpret_cast<const std::int8_t*>(head + 2 * kPanel);
      Vec sums[kProducts][kTiles][2];
      for (int k = 0; k < kProducts; ++k, w += 6 * channels * kPanel) {
        const std::ptrdiff_t at = (k * tiles + first_tile) * channels;
        for_blocks<2>(
            some,
            Product{{transformed(a, 0) + at, transformed(a, 1) + at, transformed(a, 2) + at}, channels, w, sums[k]});
      }
#pragma GCC unroll 2
      for (int n = 0; n < 2; ++n) {
        const Vec bias = load(head + n * kLanes);
        const Multiplier multiplier = load_multiplier(head + kPanel + n * kLanes);
        for (std::ptrdiff_t t = 0; t < some; ++t)
          inverse([&](int k) { return (Wrapping)sums[k][t][n]; }, bias, multiplier,
                  a.out + (first_tile + t) * kColumns * a.outputs + first + n * kLanes, a.outputs);
      }
      packed = reinterpret_cast<const std::byte*>(w);
    }
  }
}
