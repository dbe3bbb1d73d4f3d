// SPDX-License-Identifier: Apache-2.0
// upconv3x3 over the vocabulary of simd/README.md, panel_f32.inl and
// tile_products_f32.inl.  Include it inside an anonymous namespace.

constexpr int kProducts = 9;

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

// The 2 x 2 outputs of one tile from its sums, product k of which stands at
// from + k * pitch.
template <class Lanes>
inline void inverse(const Upconv3x3Args& a, const float* from, std::ptrdiff_t pitch, V bias, V lo, V hi,
                    float* const* out, std::ptrdiff_t at, Lanes lanes) {
  V m[3][3];
#pragma GCC unroll 3
  for (int k = 0; k < 3; ++k)
#pragma GCC unroll 3
    for (int l = 0; l < 3; ++l) m[k][l] = V::load(from + (k * 3 + l) * pitch);
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const V s[3] = {m[i][0] + m[i + 1][0], m[i][1] + m[i + 1][1], m[i][2] + m[i + 1][2]};
    lanes.store(out[i] + at, clamp((s[0] + s[1]) + bias, lo, hi));
    lanes.store(out[i] + at + a.outputs, clamp((s[1] + s[2]) + bias, lo, hi));
  }
}

inline void upconv3x3(const Upconv3x3Args& a) {
  const std::ptrdiff_t channels = a.channels, tiles = static_cast<std::ptrdiff_t>(a.pairs) * a.pixels;
  Differences d;
  d.pitch = (a.pixels + 1) * channels + 16;  // the cache line keeps rows from falling into the same sets
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
      const std::ptrdiff_t sums_pitch = tiles * N * V::kLanes + 16;  // likewise
      for (int k = 0; k < 3; ++k) {
        for (int l = 0; l < 3; ++l, w += channels * kPanel) {
          for (int pair = 0; pair < a.pairs; ++pair) {
            const float* rows = k == 1 ? (l == 1 ? a.in[pair + 1] + a.x0 * channels : d.across + pair * d.pitch)
                                       : (l == 1 ? d.down : d.both) + (pair + k / 2) * d.pitch;
            for_blocks<N>(a.pixels, TileProduct<N>{rows + (l == 2 ? channels : 0), channels, w,
                                                   sums + (k * 3 + l) * sums_pitch + pair * a.pixels * N * V::kLanes});
          }
        }
      }
      const float* from = sums;
      for (int pair = 0; pair < a.pairs; ++pair)
        for (std::ptrdiff_t x = a.x0; x < a.x0 + a.pixels; ++x, from += N * V::kLanes)
          for_vectors(outputs, [&](int n, auto lanes) {
            inverse(a, from + n, sums_pitch, V::load(bias + n), lo, hi, a.out + 2 * pair, 2 * x * a.outputs + first + n,
                    lanes);
          });
    });
  }
}
