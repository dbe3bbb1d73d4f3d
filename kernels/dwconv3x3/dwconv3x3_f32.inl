// SPDX-License-Identifier: Apache-2.0
// dwconv3x3 over the vocabulary of simd/README.md: blocks of pixels by vectors of
// channels.  Include it inside an anonymous namespace.

// P neighbouring pixels of the first n of kLanes channels, from channel c on.  A
// weight is loaded once for all of them, and an input once for the up to three
// outputs that need it, left to right: each sum still runs in the order of j.
template <int P, int S>
inline void block(const Dwconv3x3Args& a, std::ptrdiff_t at, std::ptrdiff_t c, int n) {
  const std::ptrdiff_t channels = a.channels;
  V acc[P];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) acc[p] = V::load_n(a.bias + c, n);
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    const float* in = a.rows[i] + ((a.x0 + at) * S - 1) * channels + c;
    V w[3];
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) w[j] = V::load_n(a.weights + (i * 3 + j) * channels + c, n);
#pragma GCC unroll 32
    for (int x = 0; x < (P - 1) * S + 3; ++x, in += channels) {
      const V value = V::load_n(in, n);
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j)
        if (x >= j && (x - j) % S == 0 && (x - j) / S < P) {
          V& sum = acc[(x - j) / S];
          sum = mul_add(value, w[j], sum);
          settle(sum);
        }
    }
  }
  const V lo = V::set1(a.lo), hi = V::set1(a.hi);
  float* out = a.out + at * channels + c;
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p, out += channels)  // in this order NaN and -0 pass, on x86, as in the reference
    min(hi, max(lo, acc[p])).store_n(out, n);
}

template <int P, int S>
inline void pixels(const Dwconv3x3Args& a, std::ptrdiff_t at) {
  std::ptrdiff_t c = 0;
  for (; c + V::kLanes <= a.channels; c += V::kLanes) block<P, S>(a, at, c, V::kLanes);
  if (c < a.channels)  // no network has them: one by one, in little code
    for (int p = 0; p < P; ++p) block<1, S>(a, at + p, c, static_cast<int>(a.channels - c));
}

template <int S>
inline void row(const Dwconv3x3Args& a) {
  std::ptrdiff_t p = 0;
  for (; p + 8 <= a.pixels; p += 8) pixels<8, S>(a, p);
  if (p + 4 <= a.pixels) {
    pixels<4, S>(a, p);
    p += 4;
  }
  for (; p < a.pixels; ++p) pixels<1, S>(a, p);
}

inline void dwconv3x3(const Dwconv3x3Args& a) {
  if (a.stride == 1)
    row<1>(a);
  else
    row<2>(a);
}
