// SPDX-License-Identifier: Apache-2.0
// The kernel in portable C++, which the compiler makes vectors of as wide as the file's instruction set has; include it
// inside an anonymous namespace.

constexpr int kRun = 128;  // pixels of a band before the next one: one after the other, cache lines come too late

using Rows = std::int16_t[PixelsS16Args::kMost][kRun];

// A number's two steps in loops of their own: of one, GCC makes masks of conditions that it then converts from type to
// type.
template <class F>
inline void round_run(int pixels, std::int16_t* out, F&& value) {
  float within[kRun];
  for (int i = 0; i < pixels; ++i) {
    const float raised = value(i) + 32768.5f, above = raised > 0.0f ? raised : 0.0f;
    within[i] = above < 65535.0f ? above : 65535.0f;
  }
  for (int i = 0; i < pixels; ++i)  // rounds down, as it is not negative
    out[i] = static_cast<std::int16_t>(static_cast<int>(within[i]) - 32768);
}

inline void reflectance_run(const float* in, int pixels, std::int16_t* out) {
  round_run(pixels, out, [=](int i) { return in[i] * static_cast<float>(kPixelsS16Unit); });
}

inline void numbers_run(const std::uint16_t* in, float offset, float quantification, int pixels, std::int16_t* out) {
  // In the input's own unit what floats would round to (the error of n * unit / unit is below 0.01).
  const int whole = offset > -32768.0f && offset < 32768.0f ? static_cast<int>(offset) : 0;
  const auto most = static_cast<std::uint16_t>(32767 - whole);
  if (quantification == static_cast<float>(kPixelsS16Unit) && static_cast<float>(whole) == offset)
    for (int i = 0; i < pixels; ++i) out[i] = static_cast<std::int16_t>((in[i] < most ? in[i] : most) + whole);
  else
    round_run(pixels, out, [=](int i) {
      return (static_cast<float>(in[i]) + offset) * static_cast<float>(kPixelsS16Unit) / quantification;
    });
}

constexpr int kWords = 8;
using Words = std::int16_t __attribute__((vector_size(2 * kWords)));

// Channels to pixels: three times the lower and the upper halves side by side.
inline void transpose(Words (&w)[kWords]) {
  for (int round = 0; round < 3; ++round) {
    Words next[kWords];
    for (int i = 0; i < 4; ++i) {
      next[2 * i] = __builtin_shufflevector(w[i], w[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      next[2 * i + 1] = __builtin_shufflevector(w[i], w[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < kWords; ++i) w[i] = next[i];
  }
}

inline void interleave(const Rows& rows, int channels, int pixels, std::int16_t* out, std::ptrdiff_t step) {
  if (channels < kWords) {
    for (int c = 0; c < channels; ++c)
      for (int i = 0; i < pixels; ++i) out[i * step + c] = rows[c][i];
    return;
  }
  for (int c = 0; c < channels; c += kWords) {
    const int first = c + kWords <= channels ? c : channels - kWords;  // some a second time
    for (int i = 0; i < pixels; i += kWords) {
      Words w[kWords];
      for (int k = 0; k < kWords; ++k) __builtin_memcpy(&w[k], rows[first + k] + i, sizeof(Words));
      transpose(w);
      const int some = pixels - i < kWords ? pixels - i : kWords;
      for (int k = 0; k < some; ++k) __builtin_memcpy(out + (i + k) * step + first, &w[k], sizeof(Words));
    }
  }
}

inline void pixels_s16_rows(const PixelsS16Args& a) {
  Rows rows = {};
  for (int x = 0; x < a.pixels; x += kRun) {
    const int run = a.pixels - x < kRun ? a.pixels - x : kRun;
    for (int c = 0; c < a.channels; ++c) {
      const PixelsS16Band& band = a.bands[c];
      if (band.reflectance != nullptr)
        reflectance_run(band.reflectance + x, run, rows[c]);
      else
        numbers_run(band.numbers + x, band.offset, a.quantification, run, rows[c]);
    }
    interleave(rows, a.channels, run, a.out + x * a.step, a.step);
  }
}
