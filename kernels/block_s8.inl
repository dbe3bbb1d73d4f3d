// SPDX-License-Identifier: Apache-2.0
// The register block of the integer convolutions: P pixels by V vectors of outputs.
// Needs one of the simd/s8_*.inl; include both inside an anonymous namespace.
//
// A panel of kPanel outputs is packed as its biases, its multipliers, and weights as
// [k / group][output][k % group], a group being the bytes that one lane multiplies.

#include "kernels/blocks.inl"

constexpr int kPanel = 2 * kLanes;

// Outputs come in eights, so that a panel of eight is a whole one and needs no code for its half.
inline bool half_panel(int outputs) {
  return kPanel > 8 && outputs <= kLanes;
}

template <int V>
constexpr int kBlock = V == 1 ? kBlock1 : kBlock2;

// How an instruction multiplies: a group of kGroup bytes of each of kRows pixels' inputs with vectors of weights, of
// which a lane takes kLaneBytes.  The sums of V vectors of outputs for these pixels lie in kRows * V vectors.
// Where an instruction takes its group from any place of a vector, kAhead groups are loaded at once.
struct OneRow {
  static constexpr int kRows = 1, kGroup = 4, kLaneBytes = 4, kAhead = 1;
  static Vec bias(const std::int32_t* p) { return load(p); }
  static Vec weights(const std::int8_t* p) { return load(p); }
  static Vec inputs(const std::uint8_t* p, const std::uint8_t*) { return repeat4(p); }
  static Vec row(int, const Vec* acc) { return *acc; }
};
#if defined(DTACS_WORD_PRODUCTS)
struct Dot2 : OneRow, WordProducts {  // 16-bit numbers
  using WordProducts::inputs, WordProducts::kAhead, WordProducts::kGroup, WordProducts::kLaneBytes,
      WordProducts::weights;
};
#else
struct Dot2 : OneRow {  // 16-bit numbers
  static Vec dot(Vec acc, Vec x, Vec w) { return dot2(acc, x, w); }
};
#endif
#if defined(DTACS_MATRIX_PRODUCTS)
using Dot4 = MatrixProducts;
#elif defined(DTACS_LANE_PRODUCTS)
struct Dot4 : OneRow, LaneProducts {  // bytes
  using LaneProducts::kAhead;
  static Vec dot(Vec acc, Vec x, Vec w) { return dot4(acc, x, w); }
};
#else
struct Dot4 : OneRow {  // bytes
  static Vec dot(Vec acc, Vec x, Vec w) { return dot4(acc, x, w); }
};
#endif

template <class Dot, int P, int V>
struct Block {
  static constexpr int kTall = (P + Dot::kRows - 1) / Dot::kRows, kWide = V * Dot::kRows;

  void set_bias(const std::int32_t* bias) {
#pragma GCC unroll 16
    for (int n = 0; n < kWide; ++n)
#pragma GCC unroll 16
      for (int p = 0; p < kTall; ++p) acc[p][n] = Dot::bias(bias + n * kLanes / Dot::kRows);
  }
  void set_zero() {
#pragma GCC unroll 16
    for (int n = 0; n < kWide; ++n)
#pragma GCC unroll 16
      for (int p = 0; p < kTall; ++p) acc[p][n] = zero();
  }
  // acc = 128 acc + bias: between the high and the low part of wide weights.
  void raise(const std::int32_t* bias) {
#pragma GCC unroll 16
    for (int n = 0; n < kWide; ++n)
#pragma GCC unroll 16
      for (int p = 0; p < kTall; ++p) acc[p][n] = add(times128(acc[p][n]), Dot::bias(bias + n * kLanes / Dot::kRows));
  }

  // acc(p, n) += sum over `bytes` bytes of in + p * step times the weights.  Three pixels
  // share a pointer: [base], [base + step], [base + 2 step] cost no register of their own.
  // The sums are local here: members might be what `in` points to, and each would be stored
  // after every product.
  void accumulate(const std::uint8_t* in, std::ptrdiff_t step, const std::int8_t* w, std::ptrdiff_t bytes) {
    constexpr int kBases = (P + 2) / 3;
    const std::uint8_t* base[kBases];
    Vec sum[kTall][kWide];
#pragma GCC unroll 16
    for (int n = 0; n < kWide; ++n)
#pragma GCC unroll 16
      for (int p = 0; p < kTall; ++p) sum[p][n] = acc[p][n];
#pragma GCC unroll 16
    for (int b = 0; b < kBases; ++b) base[b] = in + 3 * b * step;
    const auto pixel = [&](int p) { return base[p / 3] + p % 3 * step; };
    std::ptrdiff_t k = 0;
    if constexpr (Dot::kAhead > 1) {
      constexpr std::ptrdiff_t kBytes = Dot::kAhead * Dot::kGroup;
      for (; k + kBytes <= bytes; k += kBytes, w += kPanel * kBytes) {
        Vec x[P];
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) x[p] = Dot::inputs_ahead(pixel(p));
        add_groups<0>(sum, x, w);
#pragma GCC unroll 16
        for (int b = 0; b < kBases; ++b) base[b] += kBytes;
      }
    }
    for (; k < bytes; k += Dot::kGroup, w += kPanel * Dot::kGroup) {
      Vec weight[kWide];
#pragma GCC unroll 16
      for (int n = 0; n < kWide; ++n) weight[n] = Dot::weights(w + n * kLanes * Dot::kLaneBytes);
#pragma GCC unroll 16
      for (int p = 0; p < kTall; ++p) {
        const int first = p * Dot::kRows, last = first + Dot::kRows - 1;
        const Vec x = Dot::inputs(pixel(first), pixel(last < P ? last : P - 1));
#pragma GCC unroll 16
        for (int n = 0; n < kWide; ++n) sum[p][n] = Dot::dot(sum[p][n], x, weight[n]);
      }
#pragma GCC unroll 16
      for (int b = 0; b < kBases; ++b) base[b] += Dot::kGroup;
    }
#pragma GCC unroll 16
    for (int n = 0; n < kWide; ++n)
#pragma GCC unroll 16
      for (int p = 0; p < kTall; ++p) acc[p][n] = sum[p][n];
  }

  void sums(Vec (&to)[P][V]) const {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v)
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) to[p][v] = Dot::row(p % Dot::kRows, &acc[p / Dot::kRows][v * Dot::kRows]);
  }

  Vec acc[kTall][kWide];

 private:
  // Groups from G on of those loaded.
  template <int G>
  static void add_groups(Vec (&sum)[kTall][kWide], const Vec (&x)[P], const std::int8_t* w) {
#pragma GCC unroll 16
    for (int n = 0; n < kWide; ++n) {
      const Vec weight = Dot::weights(w + n * kLanes * Dot::kLaneBytes);
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) sum[p][n] = Dot::template dot_ahead<G>(sum[p][n], x[p], weight);
    }
    if constexpr (G + 1 < Dot::kAhead) add_groups<G + 1>(sum, x, w + kPanel * Dot::kGroup);
  }
};

// Bytes of kPixels pixels (2 or 4), of which `pixels` exist and have `outputs` each.
template <int kPixels>
inline void store_pixels(std::uint8_t* out, std::ptrdiff_t step, Vec bytes, std::ptrdiff_t pixels, int outputs) {
  store_part<kPixels, 0>(out, bytes, outputs);
  if (pixels > 1) store_part<kPixels, 1>(out + step, bytes, outputs);
  if constexpr (kPixels == 4) {
    if (pixels > 2) store_part<4, 2>(out + 2 * step, bytes, outputs);
    if (pixels > 3) store_part<4, 3>(out + 3 * step, bytes, outputs);
  }
}

// out(p) = saturate(floor(sum * multiplier / 2^31)), `outputs` of them per pixel.
template <int P, int V>
inline void store_block(const Vec (&sums)[P][V], const std::int32_t* multipliers, std::uint8_t* out,
                        std::ptrdiff_t step, int outputs) {
  constexpr int kPixels = 4 / V;  // which four vectors hold
  Vec settled[P][V];              // or GCC would spill sums in the loop that makes them, to have registers here
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      settled[p][v] = sums[p][v];
      settle(settled[p][v]);
    }
  Multiplier m[V];
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) m[v] = load_multiplier(multipliers + v * kLanes);
#pragma GCC unroll 16
  for (int p = 0; p < P; p += kPixels) {
    Vec scaled[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) scaled[i] = scale(settled[p + i / V < P ? p + i / V : P - 1][i % V], m[i % V]);
    const int pixels = P - p < kPixels ? P - p : kPixels;
    store_pixels<kPixels>(out + p * step, step, bytes4(scaled), pixels, outputs);
  }
}
