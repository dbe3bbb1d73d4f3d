// SPDX-License-Identifier: Apache-2.0
// upconv3x3 over the vocabulary of simd/README.md, panel_f32.inl and
// tile_products_f32.inl.  Include it inside an anonymous namespace.

// Neighbouring tiles share their differences, so these are rows of pixels: `pitch`
// floats each, the first pixel being x0.
struct Differences {
  float* across;  // rows y = 0 .. pairs - 1
  float* down;    // rows y = 0 .. pairs: row y less row y - 1
  float* both;    // of down, across
  std::ptrdiff_t pitch;
};

inline void differences(const Upconv3x3Args& a, const Differences& d) {
  const std::ptrdiff_t channels = a.channels;
  for (int y = 0; y <= a.pairs; ++y) {
    const float* above = a.in[y] + a.x0 * channels;
    const float* here = a.in[y + 1] + a.x0 * channels;
    float* across = y < a.pairs ? d.across + y * d.pitch : nullptr;
    float* down = d.down + y * d.pitch;
    float* both = d.both + y * d.pitch;
    for_vectors(a.channels, [&](std::ptrdiff_t c, auto lanes) {
      V left = lanes.load(here - channels + c);
      V left_down = left - lanes.load(above - channels + c);
      for (int x = 0; x <= a.pixels; ++x, c += channels) {
        const V v = lanes.load(here + c);
        const V v_down = v - lanes.load(above + c);
        if (across != nullptr) lanes.store(across + c, v - left);
        lanes.store(down + c, v_down);
        lanes.store(both + c, v_down - left_down);
        left = v;
        left_down = v_down;
      }
    });
  }
}

// The outputs of one tile from its sums, product k of which stands at from + k * pitch: those of
// its columns [begin, end), of which the first stands at out[i] + at.
template <int L, class Lanes>
inline void inverse(const Upconv3x3Args& a, const float* from, std::ptrdiff_t pitch, V bias, V lo, V hi,
                    float* const* out, std::ptrdiff_t at, int begin, int end, Lanes lanes) {
  constexpr int kBeside[] = {3, 0, 2, 4};  // the product that makes a column with the middle one
  constexpr int kFirst = L == 5 ? 0 : 1;
  V m[3][L];
#pragma GCC unroll 3
  for (int k = 0; k < 3; ++k)
#pragma GCC unroll 5
    for (int l = 0; l < L; ++l) m[k][l] = V::load(from + (k * L + l) * pitch);
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const V middle = m[i][1] + m[i + 1][1];
    float* to = out[i] + at;
#pragma GCC unroll 4
    for (int j = 0; j < L - 1; ++j, to += a.outputs) {
      const int l = kBeside[kFirst + j];
      if (j >= begin && j < end) lanes.store(to, clamp((middle + (m[i][l] + m[i + 1][l])) + bias, lo, hi));
    }
  }
}

// L: products across.
template <int L>
inline void upconv3x3(const Upconv3x3Args& a) {
  constexpr int kAcross = L == 5 ? 2 : 1;
  const std::ptrdiff_t channels = a.channels, across = tiles_upconv3x3(kAcross, a.pixels), tiles = a.pairs * across;
  Differences d;
  d.pitch = odd_lines((a.pixels + 1) * channels);
  d.across = a.scratch;
  d.down = d.across + a.pairs * d.pitch;
  d.both = d.down + (a.pairs + 1) * d.pitch;
  float* sums = d.both + (a.pairs + 1) * d.pitch;
  differences(a, d);

  const V lo = V::set1(a.lo), hi = V::set1(a.hi);
  const float* w = a.packed;
  for (int first = 0; first < a.outputs; first += kPanel) {
    const float* bias = w;
    w += kPanel;
    const int outputs = a.outputs - first < kPanel ? a.outputs - first : kPanel;
    with_vectors(outputs, [&]<int N>() {
      const std::ptrdiff_t sums_pitch = odd_lines(tiles * N * V::kLanes);
      for (int k = 0; k < 3; ++k) {
        for (int l = 0; l < L; ++l, w += channels * kPanel) {
          const bool right = l == 2 || l == 4;  // no output right of the run's last column is wanted
          for (int pair = 0; pair < a.pairs; ++pair) {
            const float* rows = k == 1 ? (l == 1 ? a.in[pair + 1] + a.x0 * channels : d.across + pair * d.pitch)
                                       : (l == 1 ? d.down : d.both) + (pair + k / 2) * d.pitch;
            for_blocks<block_rows(N)>(right ? (a.pixels + kAcross - 1) / kAcross : across,
                                      TileProduct<N>{rows + (right ? channels : 0), kAcross * channels, channels, w,
                                                     sums + (k * L + l) * sums_pitch + pair * across * N * V::kLanes});
          }
        }
      }
      const float* from = sums;
      const int end = 2 * (a.x0 + a.pixels);
      for (int pair = 0; pair < a.pairs; ++pair)
        for (int t = 0; t < across; ++t, from += N * V::kLanes) {
          const int x = 2 * (a.x0 + kAcross * t) - (kAcross - 1);  // of the tile's first output
          for_vectors(outputs, [&](int n, auto lanes) {
            inverse<L>(a, from + n, sums_pitch, V::load(bias + n), lo, hi, a.out + 2 * pair,
                       static_cast<std::ptrdiff_t>(x) * a.outputs + first + n, 2 * a.x0 - x, end - x, lanes);
          });
        }
    });
  }
}

inline void upconv3x3(const Upconv3x3Args& a) {
  if (a.across == 2)
    upconv3x3<5>(a);
  else
    upconv3x3<3>(a);
}
