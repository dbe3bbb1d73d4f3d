// SPDX-License-Identifier: Apache-2.0
// The kernel over the lanes of one instruction set; include it inside an anonymous
// namespace after simd/s8_*.inl.
//
// A vector of bytes holds the 16 channels of kLanes / 4 neighbouring pixels, four such vectors
// make kLanes sums of one output: a lane for each pixel.

constexpr int kPixels = kLanes / 4;  // of a vector of bytes
constexpr int kPixelBytes = kHead3x3S8Channels;

// One output of the kLanes pixels from column x on, of which `pixels` exist.
inline Vec sums(const Head3x3S8Args& a, std::ptrdiff_t x, int pixels, const std::byte* output) {
  const auto* w = reinterpret_cast<const std::int8_t*>(output + sizeof(std::int32_t));
  Vec acc[4] = {zero(), zero(), zero(), zero()};
#pragma GCC unroll 16
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < 3; ++j, w += kPixelBytes) {
      const Vec weights = repeat16(w);
#pragma GCC unroll 16
      for (int g = 0; g < 4; ++g) {
        const int first = g * kPixels < pixels ? g * kPixels : 0;  // sums of pixels that do not exist are not used
        const std::uint8_t* in = a.rows[i] + (x + first + j - 1) * kPixelBytes;
        acc[g] = dot4(acc[g], load_bytes(in, (pixels - first) * kPixelBytes), weights);
      }
    }
  return add(sum4(acc), repeat4(output));
}

// Inlined twice, so that whole vectors ask no question.
[[gnu::always_inline]] inline void some(const Head3x3S8Args& a, std::ptrdiff_t at, int pixels) {
  constexpr std::ptrdiff_t kOutputBytes = sizeof(std::int32_t) + 9 * kPixelBytes;
  Vec largest = sums(a, a.x0 + at, pixels, a.packed), best = zero();
  for (int n = 1; n < a.outputs; ++n)
    keep_larger(largest, best, sums(a, a.x0 + at, pixels, a.packed + n * kOutputBytes), n);
  std::uint8_t classes[4 * kLanes];
  store(classes, bytes4({best, best, best, best}));
  __builtin_memcpy(a.classes + at, classes, static_cast<std::size_t>(pixels));
}

inline void head3x3(const Head3x3S8Args& a) {
  std::ptrdiff_t at = 0;
  for (; at + kLanes <= a.pixels; at += kLanes) some(a, at, kLanes);
  if (at < a.pixels) some(a, at, static_cast<int>(a.pixels - at));
}
