// SPDX-License-Identifier: Apache-2.0
// The kernel over the lanes of one instruction set; include it inside an anonymous
// namespace after simd/s8_*.inl.
//
// Four lanes are a pixel's four outputs: a vector of bytes holds the 16 channels of
// kLanes / 4 neighbouring pixels, of which one group of 4 channels is repeated at a time.

constexpr int kPixels = kLanes / 4;
constexpr int kPixelBytes = kHead3x3S8Channels;
constexpr std::ptrdiff_t kPanelBytes = 4 * (4 + 9 * kHead3x3S8Channels);

template <int Q>
inline Vec quarter(Vec acc, Vec pixels, const std::int8_t* w) {
  return dot4(acc, repeat_lane<Q>(pixels), repeat16(w + 16 * Q));
}

// Four outputs of `bytes` / 16 pixels, at most kPixels.
inline Vec sums(const Head3x3S8Args& a, std::ptrdiff_t at, int bytes, const std::byte* panel) {
  const auto* w = reinterpret_cast<const std::int8_t*>(panel + 16);
  Vec acc = repeat16(panel), odd = zero();  // two chains of sums: one alone would wait for itself
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j, w += 64) {
      const Vec x = load_bytes(a.rows[i] + (a.x0 + at + j - 1) * kPixelBytes, bytes);
      acc = quarter<0>(acc, x, w);
      odd = quarter<1>(odd, x, w);
      acc = quarter<2>(acc, x, w);
      odd = quarter<3>(odd, x, w);
    }
  return add(acc, odd);
}

inline void head3x3(const Head3x3S8Args& a) {
  for (std::ptrdiff_t at = 0; at < a.pixels; at += kPixels) {
    const int pixels = a.pixels - at < kPixels ? static_cast<int>(a.pixels - at) : kPixels;
    std::int32_t largest[kPixels];
    int best[kPixels];
    for (int first = 0; first < a.outputs; first += 4) {
      std::int32_t sum[kLanes];
      store(sum, sums(a, at, pixels * kPixelBytes, a.packed + first / 4 * kPanelBytes));
      const int outputs = a.outputs - first < 4 ? a.outputs - first : 4;
      for (int p = 0; p < kPixels; ++p)
        for (int n = 0; n < outputs; ++n) {
          const bool larger = first + n == 0 || sum[4 * p + n] > largest[p];
          best[p] = larger ? first + n : best[p];
          largest[p] = larger ? sum[4 * p + n] : largest[p];
        }
    }
    for (int p = 0; p < pixels; ++p) a.classes[at + p] = static_cast<std::uint8_t>(best[p]);
  }
}
