// SPDX-License-Identifier: Apache-2.0
#include "kernels/requantise.h"
#include "kernels/winograd3x3_s8/winograd3x3_s8.h"

namespace dtacs {

namespace {

// B of six numbers, and A D of six sums.
void transform(const int (&d)[6], int (&t)[6]) noexcept {
  t[0] = 4 * d[0] - 5 * d[2] + d[4];
  t[1] = -4 * d[1] - 4 * d[2] + d[3] + d[4];
  t[2] = 4 * d[1] - 4 * d[2] - d[3] + d[4];
  t[3] = -2 * d[1] - d[2] + 2 * d[3] + d[4];
  t[4] = 2 * d[1] - d[2] - 2 * d[3] + d[4];
  t[5] = 4 * d[1] - 5 * d[3] + d[5];
}
void inverse(const std::uint32_t (&m)[6], std::uint32_t (&v)[4]) noexcept {
  v[0] = 6 * m[0] - 4 * m[1] - 4 * m[2] + m[3] + m[4];
  v[1] = -4 * m[1] + 4 * m[2] + 2 * m[3] - 2 * m[4];
  v[2] = -4 * m[1] - 4 * m[2] + 4 * m[3] + 4 * m[4];
  v[3] = -4 * m[1] + 4 * m[2] + 8 * m[3] - 8 * m[4] + 24 * m[5];
}

// f of the columns of a (H, 6) matrix, then of the rows of what that gives.
template <int kTo, class T, class F>
void both_ways(const T (&from)[6][6], T (&to)[kTo][kTo], F&& f) noexcept {
  T half[kTo][6];
  for (int j = 0; j < 6; ++j) {
    T column[6], made[kTo];
    for (int i = 0; i < 6; ++i) column[i] = from[i][j];
    f(column, made);
    for (int i = 0; i < kTo; ++i) half[i][j] = made[i];
  }
  for (int i = 0; i < kTo; ++i) f(half[i], to[i]);
}

}  // namespace

// The reference: the formula in the header, tile by tile, a panel of outputs at a time.
void winograd3x3_s8_scalar(const Winograd3x3S8Args& a) noexcept {
  constexpr int kPanel = 8, kTile = kWinograd3x3S8Tile;
  const std::ptrdiff_t channels = a.channels;
  const int across = a.pixels / kTile;
  for (int tile = 0; tile < a.high * across; ++tile) {
    const int y = tile / across * kTile;
    const std::ptrdiff_t x = a.x0 + tile % across * kTile;
    std::int16_t* t = a.scratch;  // (channels, 36)
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
      int d[6][6], products[6][6];
      for (int i = 0; i < 6; ++i)
        for (int j = 0; j < 6; ++j) d[i][j] = a.rows[y + i][(x + j - 1) * channels + c];
      both_ways(d, products, transform);
      for (const auto& row : products)
        for (const int v : row) *t++ = static_cast<std::int16_t>(v);
    }
    const std::byte* packed = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel) {
      const auto* bias = reinterpret_cast<const std::int32_t*>(packed);
      const std::int32_t* m = bias + kPanel;
      const auto* u = reinterpret_cast<const std::int16_t*>(m + kPanel);
      std::uint32_t sums[kPanel][6][6] = {};
      for (int k = 0; k < 36; ++k)
        for (std::ptrdiff_t c = 0; c < channels; c += 2, u += 2 * kPanel)
          for (int n = 0; n < kPanel; ++n)
            for (int i = 0; i < 2; ++i)
              sums[n][k / 6][k % 6] += static_cast<std::uint32_t>(a.scratch[(c + i) * 36 + k] * u[2 * n + i]);
      for (int n = 0; n < kPanel; ++n) {
        std::uint32_t v[kTile][kTile];
        both_ways(sums[n], v, inverse);
        for (int i = 0; i < kTile; ++i)
          for (int j = 0; j < kTile; ++j) {
            constexpr std::uint32_t kNinth = 0x38e38e39;  // 9 * kNinth = 1
            a.out[y + i][(x + j) * a.outputs + first + n] =
                requantise((static_cast<std::int32_t>(v[i][j] * kNinth) >> 6) + bias[n], m[n]);
          }
      }
      packed = reinterpret_cast<const std::byte*>(u);
    }
  }
}

}  // namespace dtacs
