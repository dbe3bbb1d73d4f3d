// SPDX-License-Identifier: Apache-2.0
// winograd3x3 over the vocabulary of simd/README.md, panel_f32.inl and
// tile_products_f32.inl.  Include it inside an anonymous namespace.

constexpr int kProducts = 24;

// The products' inputs of one tile; tile (y, x) reads rows in[0..3].
template <class Lanes>
inline void transform(const float* const* in, const std::ptrdiff_t (&column)[6], float* to, std::ptrdiff_t pitch,
                      Lanes lanes) {
  const V two = V::set1(2.0f), four = V::set1(4.0f), minus4 = V::set1(-4.0f), minus5 = V::set1(-5.0f);
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    V d[6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) {
      const V a = lanes.load(in[k == 0 ? 0 : k == 2 ? 2 : 1] + column[j]);
      const V b = lanes.load(in[k == 3 ? 3 : k == 2 ? 1 : 2] + column[j]);
      d[j] = k == 1 ? a + b : a - b;
      settle(d[j]);
    }
    const V even = mul_add(minus4, d[2], d[4]), odd = mul_add(minus4, d[1], d[3]);
    const V outer = d[4] - d[2], inner = d[3] - d[1];
    const V t[6] = {mul_add(four, d[0], mul_add(minus5, d[2], d[4])),
                    even + odd,
                    even - odd,
                    mul_add(two, inner, outer),
                    outer - two * inner,
                    mul_add(four, d[1], mul_add(minus5, d[3], d[5]))};
#pragma GCC unroll 6
    for (int l = 0; l < 6; ++l) lanes.store(to + (k * 6 + l) * pitch, t[l]);
  }
}

// Both rows of one tile from its sums, product k of which stands at from + k * pitch.
template <class Lanes>
inline void inverse(const Winograd3x3Args& a, const float* from, std::ptrdiff_t pitch, V bias, float* const* out,
                    std::ptrdiff_t at, int columns, Lanes lanes) {
  const V two = V::set1(2.0f), four = V::set1(4.0f), eight = V::set1(8.0f);
  const V lo = V::set1(a.lo), hi = V::set1(a.hi);
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    V m[6];
#pragma GCC unroll 6
    for (int l = 0; l < 6; ++l) {
      const V p = V::load(from + (6 + l) * pitch), q = V::load(from + (12 + l) * pitch);
      m[l] = i == 0 ? V::load(from + l * pitch) + (p + q) : (p - q) - V::load(from + (18 + l) * pitch);
    }
    const V even1 = m[1] + m[2], odd1 = m[1] - m[2], even2 = m[3] + m[4], odd2 = m[3] - m[4];
    const V y[4] = {m[0] + (even1 + even2), mul_add(two, odd2, odd1), mul_add(four, even2, even1),
                    mul_add(eight, odd2, odd1) + m[5]};
    float* to = out[i] + at;
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j, to += a.outputs) {
      if (j >= columns) break;
      V v = y[j] + bias;
      if (a.add) v = v + lanes.load(to);
      lanes.store(to, clamp(v, lo, hi));
    }
  }
}

inline void winograd3x3(const Winograd3x3Args& a) {
  const int across = (a.pixels + 3) / 4;
  const std::ptrdiff_t channels = a.channels, tiles = static_cast<std::ptrdiff_t>(a.pairs) * across;
  const std::ptrdiff_t in_pitch = odd_lines(tiles * channels);
  float* const sums = a.scratch + kProducts * in_pitch;

  float* to = a.scratch;
  for (int pair = 0; pair < a.pairs; ++pair) {
    for (int x = a.x0; x < a.x0 + a.pixels; x += 4, to += channels) {
      std::ptrdiff_t column[6];
      for (int j = 0; j < 6; ++j) column[j] = (x + j - 1 < a.width ? x + j - 1 : a.width) * channels;
      for_vectors(a.channels, [&](int c, auto lanes) {
        const float* in[4];
        for (int i = 0; i < 4; ++i) in[i] = a.in[2 * pair + i] + c;
        transform(in, column, to + c, in_pitch, lanes);
      });
    }
  }

  const float* w = a.packed;
  for (int first = 0; first < a.outputs; first += kPanel) {
    const float* bias = w;
    w += kPanel;
    const int outputs = a.outputs - first < kPanel ? a.outputs - first : kPanel;
    with_vectors(outputs, [&]<int N>() {
      const std::ptrdiff_t sums_pitch = odd_lines(tiles * N * V::kLanes);
      for (int k = 0; k < kProducts; ++k, w += channels * kPanel)
        for_blocks<block_rows(N)>(
            tiles, TileProduct<N>{a.scratch + k * in_pitch, channels, channels, w, sums + k * sums_pitch});
      const float* from = sums;
      for (int pair = 0; pair < a.pairs; ++pair) {
        for (int x = a.x0; x < a.x0 + a.pixels; x += 4, from += N * V::kLanes) {
          const int left = a.x0 + a.pixels - x;
          for_vectors(outputs, [&](int n, auto lanes) {
            inverse(a, from + n, sums_pitch, V::load(bias + n), a.out + 2 * pair,
                    static_cast<std::ptrdiff_t>(x) * a.outputs + first + n, left, lanes);
          });
        }
      }
    });
  }
}
