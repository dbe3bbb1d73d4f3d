// SPDX-License-Identifier: Apache-2.0
// The register block of the integer convolutions: P pixels by V vectors of outputs.
// Needs one of the simd/s8_*.inl; include both inside an anonymous namespace.
//
// A panel of kPanel outputs is packed as its biases, its multipliers, and weights as
// [k / group][output][k % group], a group being the bytes that one lane multiplies.

constexpr int kPanel = 2 * kLanes;
constexpr std::ptrdiff_t kPanelHead = 2 * kPanel * 4;  // bytes before the weights

// Outputs come in eights, so that a panel of eight is a whole one and needs no code for its half.
inline bool half_panel(int outputs) {
  return kPanel > 8 && outputs <= kLanes;
}

template <int V>
constexpr int kBlock = V == 1 ? kBlock1 : kBlock2;

template <int P, int V>
inline void set_bias(Vec (&acc)[P][V], const std::int32_t* bias) {
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v)
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][v] = load(bias + v * kLanes);
}

template <int P, int V>
inline void set_zero(Vec (&acc)[P][V]) {
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v)
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][v] = zero();
}
// acc = 128 acc + bias: between the high and the low part of wide weights.
template <int P, int V>
inline void raise(Vec (&acc)[P][V], const std::int32_t* bias) {
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v)
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][v] = add(times128(acc[p][v]), load(bias + v * kLanes));
}

struct Dot4 {
  static Vec dot(Vec acc, Vec x, Vec w) { return dot4(acc, x, w); }
};
struct Dot2 {
  static Vec dot(Vec acc, Vec x, Vec w) { return dot2(acc, x, w); }
};

// acc(p, n) += sum over `bytes` bytes of in + p * step times the weights.  Three pixels
// share a pointer: [base], [base + step], [base + 2 step] cost no register of their own.
// The sums are local here: reached through a reference, they might be what `in` points to,
// and each would be stored after every product.
template <class Dot, int P, int V>
inline void accumulate(Vec (&acc)[P][V], const std::uint8_t* in, std::ptrdiff_t step, const std::int8_t* w,
                       std::ptrdiff_t bytes) {
  constexpr int kBases = (P + 2) / 3;
  const std::uint8_t* base[kBases];
  Vec sum[P][V];
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v)
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) sum[p][v] = acc[p][v];
#pragma GCC unroll 16
  for (int b = 0; b < kBases; ++b) base[b] = in + 3 * b * step;
  for (std::ptrdiff_t k = 0; k < bytes; k += 4, w += kPanel * 4) {
    Vec weight[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) weight[v] = load(w + v * kLanes * 4);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const Vec x = repeat4(base[p / 3] + p % 3 * step);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[p][v] = Dot::dot(sum[p][v], x, weight[v]);
    }
#pragma GCC unroll 16
    for (int b = 0; b < kBases; ++b) base[b] += 4;
  }
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v)
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][v] = sum[p][v];
}

// out(p) = saturate(floor(acc * multiplier / 2^31)), `outputs` of them per pixel.
template <int P, int V>
inline void store_block(const Vec (&acc)[P][V], const std::int32_t* multipliers, std::uint8_t* out, std::ptrdiff_t step,
                        int outputs) {
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) {
    const Multiplier m = load_multiplier(multipliers + v * kLanes);
    const int n = outputs - v * kLanes;
    if (n <= 0) return;
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) store_u8(out + p * step + v * kLanes, scale(acc[p][v], m), n);
  }
}

// Cuts `pixels` into as few blocks as possible of nearly the same size.
// body.template run<P>(first pixel)
template <int V, class Body>
inline void for_blocks(std::ptrdiff_t pixels, const Body& body) {
  if (pixels == 0) return;
  const std::ptrdiff_t blocks = (pixels + kBlock<V> - 1) / kBlock<V>;
  const std::ptrdiff_t size = pixels / blocks;
  std::ptrdiff_t larger = pixels % blocks;
  for (std::ptrdiff_t p = 0; p < pixels;) {
    const std::ptrdiff_t n = larger-- > 0 ? size + 1 : size;
    if constexpr (kBlock < V >> 8) {
      if (n == 12) body.template run<12>(p);
      if (n == 11) body.template run<11>(p);
      if (n == 10) body.template run<10>(p);
      if (n == 9) body.template run<9>(p);
    }
    if constexpr (kBlock < V >> 6) {
      if (n == 8) body.template run<8>(p);
      if (n == 7) body.template run<7>(p);
    }
    if constexpr (kBlock < V >> 4) {
      if (n == 6) body.template run<6>(p);
      if (n == 5) body.template run<5>(p);
    }
    switch (n) {
      case 4: body.template run<4>(p); break;
      case 3: body.template run<3>(p); break;
      case 2: body.template run<2>(p); break;
      case 1: body.template run<1>(p); break;
      default: break;
    }
    p += n;
  }
}
