// SPDX-License-Identifier: Apache-2.0
// pixelnet over the vocabulary of simd/README.md and the register block of
// panel_f32.inl: outputs of a layer by pixels, a tile of kPanel pixels at a time.
// Include it inside an anonymous namespace.

using Plane = float[kPanel];  // one band or one hidden value of a tile

// out(r) = bias(r) + sum_{k < count} in(k) * w(r, k), and max(0, .) if `relu`.
struct Layer {
  Plane* out;
  const Plane* in;
  const float *w, *bias;
  int count;
  bool relu;

  template <int P>
  void run(std::ptrdiff_t at) const {
    V acc[P][kVectors];
    const float* weights[P];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      weights[p] = w + (at + p) * count;
#pragma GCC unroll 16
      for (int n = 0; n < kVectors; ++n) acc[p][n] = V::broadcast(bias + at + p);
    }
    accumulate(acc, weights, *in, count);
    float* const to = out[at];  // a member would be read again after every store
    if (relu) {
      const V zero = V::zero();
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
        for (int n = 0; n < kVectors; ++n) acc[p][n] = max(acc[p][n], zero);
    }
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
      for (int n = 0; n < kVectors; ++n) acc[p][n].store(to + p * kPanel + n * V::kLanes);
  }
};

// The tile of pixels from `at` on, all of it in memory.
void tile(const PixelNetArgs& a, std::ptrdiff_t at) {
  alignas(64) Plane x[kPixelNetMaxBands];
  alignas(64) Plane h[kPixelNetMaxHidden];
  alignas(64) Plane f[kPixelNetMaxBands];

  // A real division, as the reference divides: times 1/10000 rounds differently.
  const V quantification = V::set1(a.quantification);
  for (int c = 0; c < a.inputs; ++c) {
    const V offset = V::broadcast(a.offset + c);
#pragma GCC unroll 16
    for (int n = 0; n < kVectors; ++n)
      ((V::from_u16(a.in[c] + at + n * V::kLanes) + offset) / quantification).store(x[c] + n * V::kLanes);
  }

  if (a.hidden > 0) {
    for_blocks<block_rows(kVectors)>(a.hidden, Layer{h, x, a.w1, a.b1, a.inputs, true});
    for_blocks<block_rows(kVectors)>(a.outputs, Layer{f, h, a.w2, a.b2, a.hidden, false});
  } else {
    for_blocks<block_rows(kVectors)>(a.outputs, Layer{f, x, a.w2, a.b2, a.inputs, false});
  }

  const V zero = V::zero(), two = V::set1(2.0f), scale = V::set1(10000.0f);
  for (int m = 0; m < a.outputs; ++m) {
#pragma GCC unroll 16
    for (int n = 0; n < kVectors; ++n) {
      V y = V::load(f[m] + n * V::kLanes);
      if (a.residual != nullptr) y = V::load(x[a.residual[m]] + n * V::kLanes) - y;
      // In this order NaN becomes 0: here on x86, in the conversion on ARM.
      (min(max(y, zero), two) * scale).to_u16(a.out[m] + at + n * V::kLanes);
    }
  }
}

inline void pixelnet(const PixelNetArgs& a) {
  std::ptrdiff_t p = 0;
  for (; p + kPanel <= a.pixels; p += kPanel) tile(a, p);
  if (p == a.pixels) return;

  // The last pixels, as a tile of their own with zeros behind them.
  std::uint16_t in[kPixelNetMaxBands][kPanel] = {}, out[kPixelNetMaxBands][kPanel];
  PixelNetArgs last = a;
  for (int c = 0; c < a.inputs; ++c) {
    for (std::ptrdiff_t i = 0; p + i < a.pixels; ++i) in[c][i] = a.in[c][p + i];
    last.in[c] = in[c];
  }
  for (int m = 0; m < a.outputs; ++m) last.out[m] = out[m];
  tile(last, 0);
  for (int m = 0; m < a.outputs; ++m)
    for (std::ptrdiff_t i = 0; p + i < a.pixels; ++i) a.out[m][p + i] = out[m][i];
}
