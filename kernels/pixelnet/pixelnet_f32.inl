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
    const V zero = V::zero();
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
      for (int n = 0; n < kVectors; ++n) (relu ? max(acc[p][n], zero) : acc[p][n]).store(out[at + p] + n * V::kLanes);
  }
};

// One tile; in and out are whole tiles in memory.
void tile(const PixelNetArgs& a, const std::uint16_t* const* in, std::uint16_t* const* out) {
  alignas(64) Plane x[kPixelNetMaxBands];
  alignas(64) Plane h[kPixelNetMaxHidden];
  alignas(64) Plane f[kPixelNetMaxBands];

  // A real division, as the reference divides: times 1/10000 rounds differently.
  const V quantification = V::set1(a.quantification);
  for (int c = 0; c < a.inputs; ++c) {
    const V offset = V::broadcast(a.offset + c);
#pragma GCC unroll 16
    for (int n = 0; n < kVectors; ++n)
      ((V::from_u16(in[c] + n * V::kLanes) + offset) / quantification).store(x[c] + n * V::kLanes);
  }

  if (a.hidden > 0) {
    for_blocks<kVectors>(a.hidden, Layer{h, x, a.w1, a.b1, a.inputs, true});
    for_blocks<kVectors>(a.outputs, Layer{f, h, a.w2, a.b2, a.hidden, false});
  } else {
    for_blocks<kVectors>(a.outputs, Layer{f, x, a.w2, a.b2, a.inputs, false});
  }

  const V zero = V::zero(), two = V::set1(2.0f), scale = V::set1(10000.0f);
  for (int m = 0; m < a.outputs; ++m) {
#pragma GCC unroll 16
    for (int n = 0; n < kVectors; ++n) {
      V y = V::load(f[m] + n * V::kLanes);
      if (a.residual != nullptr) y = V::load(x[a.residual[m]] + n * V::kLanes) - y;
      // In this order NaN becomes 0: here on x86, in the conversion on ARM.
      (min(max(y, zero), two) * scale).to_u16(out[m] + n * V::kLanes);
    }
  }
}

inline void pixelnet(const PixelNetArgs& a) {
  const std::uint16_t* in[kPixelNetMaxBands];
  std::uint16_t* out[kPixelNetMaxBands];
  std::ptrdiff_t p = 0;
  for (; p + kPanel <= a.pixels; p += kPanel) {
    for (int c = 0; c < a.inputs; ++c) in[c] = a.in[c] + p;
    for (int m = 0; m < a.outputs; ++m) out[m] = a.out[m] + p;
    tile(a, in, out);
  }
  if (p == a.pixels) return;

  // The last pixels, as a tile of their own with zeros behind them.
  std::uint16_t last_in[kPixelNetMaxBands][kPanel] = {}, last_out[kPixelNetMaxBands][kPanel];
  for (int c = 0; c < a.inputs; ++c) {
    for (std::ptrdiff_t i = 0; p + i < a.pixels; ++i) last_in[c][i] = a.in[c][p + i];
    in[c] = last_in[c];
  }
  for (int m = 0; m < a.outputs; ++m) out[m] = last_out[m];
  tile(a, in, out);
  for (int m = 0; m < a.outputs; ++m)
    for (std::ptrdiff_t i = 0; p + i < a.pixels; ++i) a.out[m][p + i] = last_out[m][i];
}
