// SPDX-License-Identifier: Apache-2.0
// The kernel over the lanes of one instruction set; include it inside an anonymous
// namespace after simd/s8_*.inl and block_s8.inl.

constexpr int kProducts = 36, kTile = kWinograd3x3S8Tile, kTiles = kWinograd3x3S8Tiles;
constexpr int kStep = kLanes == 4 ? 8 : 16;  // channels transformed together

using Bytes = std::uint8_t __attribute__((vector_size(kStep)));
using Words = std::int16_t __attribute__((vector_size(2 * kStep)));
using Wrapping = std::uint32_t __attribute__((vector_size(sizeof(Vec))));
using Signed = std::int32_t __attribute__((vector_size(sizeof(Vec))));

// B of six numbers, and A D of six sums.
inline void transform(const Words (&d)[6], Words (&t)[6]) {
  const Words even = d[4] - d[2] * 4, odd = d[3] - d[1] * 4, outer = d[4] - d[2], inner = (d[3] - d[1]) * 2;
  t[0] = (d[0] - d[2]) * 4 + outer;
  t[1] = even + odd;
  t[2] = even - odd;
  t[3] = outer + inner;
  t[4] = outer - inner;
  t[5] = (d[1] - d[3]) * 4 + (d[5] - d[3]);
}
inline void inverse(const Wrapping (&m)[6], Wrapping (&v)[4]) {
  const Wrapping even1 = (m[1] + m[2]) * 4, odd1 = (m[1] - m[2]) * 4, even2 = m[3] + m[4], odd2 = (m[3] - m[4]) * 2;
  v[0] = (m[0] * 4 + m[0] * 2) - even1 + even2;
  v[1] = odd2 - odd1;
  v[2] = even2 * 4 - even1;
  v[3] = odd2 * 4 - odd1 + (m[5] * 16 + m[5] * 8);
}

// The products' inputs of one tile; in[i] is its first pixel of row i.
[[gnu::noinline]] inline void transform_tile(const std::uint8_t* const (&in)[6], std::ptrdiff_t channels,
                                             std::int16_t* to, std::ptrdiff_t pitch) {
  for (std::ptrdiff_t c = 0; c < channels; c += kStep, to += kStep) {
    Words half[6][6];  // [column][product down]
    for (int j = 0; j < 6; ++j) {
      Words d[6];
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) {
        Bytes bytes;
        __builtin_memcpy(&bytes, in[i] + j * channels + c, sizeof(bytes));
        d[i] = __builtin_convertvector(bytes, Words);
      }
      transform(d, half[j]);
    }
    for (int k = 0; k < 6; ++k) {
      Words d[6], t[6];
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) d[j] = half[j][k];
      transform(d, t);
#pragma GCC unroll 6
      for (int l = 0; l < 6; ++l) __builtin_memcpy(to + (k * 6 + l) * pitch, &t[l], sizeof(Words));
    }
  }
}

// One product of some tiles with a panel's weights; sums as [tile][output].
template <int V>
struct Product {
  const std::int16_t* in;
  std::ptrdiff_t channels;
  const std::int8_t* w;
  Vec* sums;

  template <int P>
  void run(std::ptrdiff_t at) const {
    Block<Dot2, P, V> block;
    block.set_zero();
    block.accumulate(reinterpret_cast<const std::uint8_t*>(in + at * channels), 2 * channels, w, 2 * channels);
    Vec v[P][V];
    block.sums(v);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 2
      for (int n = 0; n < V; ++n) store(sums + (at + p) * V + n, v[p][n]);
  }
};

// The bytes of kLanes outputs of a tile.  out[i]: where those of its first pixel of row i go.
[[gnu::noinline]] inline void inverse_tile(const Vec* sums, std::ptrdiff_t pitch, Vec bias, Multiplier multiplier,
                                           std::uint8_t* const (&out)[kTile], std::ptrdiff_t outputs) {
  Wrapping half[kTile][6];
  for (int l = 0; l < 6; ++l) {
    Wrapping m[6], v[kTile];
#pragma GCC unroll 6
    for (int k = 0; k < 6; ++k) m[k] = (Wrapping)load(sums + (k * 6 + l) * pitch);
    inverse(m, v);
#pragma GCC unroll 4
    for (int i = 0; i < kTile; ++i) half[i][l] = v[i];
  }
  constexpr std::uint32_t kNinth = 0x38e38e39;  // 9 * kNinth = 1
  for (int i = 0; i < kTile; ++i) {
    Wrapping v[kTile];
    Vec scaled[kTile];
    inverse(half[i], v);
#pragma GCC unroll 4
    for (int j = 0; j < kTile; ++j) scaled[j] = scale(add((Vec)((Signed)(v[j] * kNinth) >> 6), bias), multiplier);
    store_pixels<kTile>(out[i], outputs, bytes4(scaled), kTile, kLanes);
  }
}

// A panel of outputs of `tiles` tiles; out(tile, i) is the tile's first pixel of row i.
template <int V, class Out>
inline void panel(const Winograd3x3S8Args& a, std::ptrdiff_t tiles, const std::byte* packed, Vec* sums, int first,
                  const Out& out) {
  const auto* head = reinterpret_cast<const std::int32_t*>(packed);
  const auto* w = reinterpret_cast<const std::int8_t*>(head + 2 * kPanel);
  const std::ptrdiff_t pitch = winograd3x3_s8_pitch(a.channels), sums_pitch = kTiles * V;
  for (int k = 0; k < kProducts; ++k, w += 2 * static_cast<std::ptrdiff_t>(a.channels) * kPanel)
    for_blocks<kBlock<V>>(tiles, Product<V>{a.scratch + k * pitch, a.channels, w, sums + k * sums_pitch});
  for (int n = 0; n < V; ++n) {
    const Vec bias = load(head + n * kLanes);
    const Multiplier multiplier = load_multiplier(head + kPanel + n * kLanes);
    for (std::ptrdiff_t t = 0; t < tiles; ++t) {
      std::uint8_t* rows[kTile];
      for (int i = 0; i < kTile; ++i) rows[i] = out(t, i) + first + n * kLanes;
      inverse_tile(sums + t * V + n, sums_pitch, bias, multiplier, rows, a.outputs);
    }
  }
}

inline void winograd3x3(const Winograd3x3S8Args& a) {
  const std::ptrdiff_t channels = a.channels, pitch = winograd3x3_s8_pitch(a.channels);
  const std::ptrdiff_t panel_size = (8 + 2 * kProducts * channels) * kPanel;
  auto* sums = reinterpret_cast<Vec*>(a.scratch + kProducts * pitch);
  const int across = a.pixels / kTile, all = a.high * across;
  for (int begin = 0; begin < all; begin += kTiles) {
    const int tiles = all - begin < kTiles ? all - begin : kTiles;
    const auto row_of = [&](std::ptrdiff_t t) { return (begin + t) / across * kTile; };
    const auto column_of = [&](std::ptrdiff_t t) { return a.x0 + (begin + t) % across * kTile; };
    for (int t = 0; t < tiles; ++t) {
      const std::uint8_t* in[6];
      for (int i = 0; i < 6; ++i) in[i] = a.rows[row_of(t) + i] + (column_of(t) - 1) * channels;
      transform_tile(in, channels, a.scratch + t * channels, pitch);
    }
    const auto out = [&](std::ptrdiff_t t, int i) { return a.out[row_of(t) + i] + column_of(t) * a.outputs; };
    const std::byte* packed = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel, packed += panel_size) {
      if (half_panel(a.outputs - first))
        panel<1>(a, tiles, packed, sums, first, out);
      else
        panel<2>(a, tiles, packed, sums, first, out);
    }
  }
}
