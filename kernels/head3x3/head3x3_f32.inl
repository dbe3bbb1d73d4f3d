// SPDX-License-Identifier: Apache-2.0
// head3x3 over the vocabulary of simd/README.md: there are too few outputs to fill
// a register with, so the lanes are channels, summed at the end.  Include it inside
// an anonymous namespace.

// kPixels x kOutputs sums, kPixels inputs and a weight fill the registers.
constexpr int kOutputs = 4;
constexpr int kPixels = (kRegisters - 1) / (kOutputs + 1);

using Sums = V[kPixels][kOutputs];
using Lanes = float[V::kLanes];  // a bias in the first, zeros in the others

inline void step(Sums& acc, const float* const (&in)[kPixels], const float* const (&w)[kOutputs], std::ptrdiff_t k,
                 int lanes) {
  V x[kPixels];
#pragma GCC unroll 16
  for (int p = 0; p < kPixels; ++p) x[p] = V::load_n(in[p] + k, lanes);
#pragma GCC unroll 16
  for (int n = 0; n < kOutputs; ++n) {
    const V weight = V::load_n(w[n] + k, lanes);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) acc[p][n] = mul_add(x[p], weight, acc[p][n]);
  }
}

// Up to kPixels pixels from `at` and up to 4 outputs from `first`; where there are
// fewer, the last ones are computed again and not stored.
void block(const Head3x3Args& a, const Lanes* bias, std::ptrdiff_t at, int pixels, int first, int outputs) {
  // The three pixels under the kernel are one run in memory, and so are their weights.
  const std::ptrdiff_t run = 3 * static_cast<std::ptrdiff_t>(a.channels);
  Sums acc;
#pragma GCC unroll 16
  for (int n = 0; n < kOutputs; ++n) {
    const V start = V::load(bias[first + (n < outputs ? n : outputs - 1)]);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) acc[p][n] = start;
  }
  for (int i = 0; i < 3; ++i) {
    const float* in[kPixels];
    const float* w[kOutputs];
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) in[p] = a.rows[i] + (a.x0 + at + (p < pixels ? p : pixels - 1) - 1) * a.channels;
#pragma GCC unroll 16
    for (int n = 0; n < kOutputs; ++n) w[n] = a.weights + ((first + (n < outputs ? n : outputs - 1)) * 3 + i) * run;
    std::ptrdiff_t k = 0;
#pragma GCC unroll 4
    for (; k + V::kLanes <= run; k += V::kLanes) step(acc, in, w, k, V::kLanes);
    if (k < run) step(acc, in, w, k, static_cast<int>(run - k));
  }
#pragma GCC unroll 16
  for (int p = 0; p < kPixels; ++p) {
    if (p >= pixels) break;
    float sums[kOutputs], *logits = a.logits + (at + p) * a.outputs + first;
    sum_lanes(acc[p], outputs == kOutputs ? logits : sums);
    for (int n = 0; outputs < kOutputs && n < outputs; ++n) logits[n] = sums[n];
  }
}

inline void head3x3(const Head3x3Args& a) {
  Lanes bias[kHead3x3MaxOutputs] = {};
  for (int n = 0; n < a.outputs; ++n) bias[n][0] = a.bias[n];
  for (std::ptrdiff_t at = 0; at < a.pixels; at += kPixels) {
    const int pixels = a.pixels - at < kPixels ? static_cast<int>(a.pixels - at) : kPixels;
    for (int first = 0; first < a.outputs; first += kOutputs)
      block(a, bias, at, pixels, first, a.outputs - first < kOutputs ? a.outputs - first : kOutputs);
    for (int p = 0; p < pixels; ++p) {
      const float* logits = a.logits + (at + p) * a.outputs;
      float largest = logits[0];
      int best = 0;
      for (int n = 1; n < a.outputs; ++n) {
        best = logits[n] > largest ? n : best;
        largest = logits[n] > largest ? logits[n] : largest;
      }
      a.classes[at + p] = static_cast<std::uint8_t>(best);
    }
  }
}
