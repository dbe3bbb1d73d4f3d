// SPDX-License-Identifier: Apache-2.0
// The vocabulary of simd/README.md for AVX-512 F, BW, DQ and VL: 32 registers of 16 floats.

struct V {
  static constexpr int kLanes = 16;
  __m512 v;

  static V zero() { return {_mm512_setzero_ps()}; }
  static V set1(float x) { return {_mm512_set1_ps(x)}; }
  static V broadcast(const float* p) { return {_mm512_set1_ps(*p)}; }
  static V load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static V load_n(const float* p, int n) { return n >= kLanes ? load(p) : V{_mm512_maskz_loadu_ps(lanes_below(n), p)}; }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store_n(float* p, int n) const {
    if (n >= kLanes)
      store(p);
    else
      _mm512_mask_storeu_ps(p, lanes_below(n), v);
  }

  static V from_u16(const std::uint16_t* p) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))))};
  }
  void to_u16(std::uint16_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtusepi32_epi16(_mm512_cvttps_epi32(v)));
  }

 private:
  static __mmask16 lanes_below(int n) { return static_cast<__mmask16>((1u << n) - 1u); }
};

inline V operator+(V a, V b) {
  return {_mm512_add_ps(a.v, b.v)};
}
inline V operator-(V a, V b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
inline V operator*(V a, V b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
inline V operator/(V a, V b) {
  return {_mm512_div_ps(a.v, b.v)};
}
inline V mul_add(V a, V b, V c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
inline void settle(V& v) {
  asm volatile("" : "+v"(v.v));
}
inline V min(V a, V b) {
  return {_mm512_min_ps(a.v, b.v)};
}
inline V max(V a, V b) {
  return {_mm512_max_ps(a.v, b.v)};
}

struct Few {
  static constexpr int kCount = 1;
  V all;
  static Few load(const float* p) { return {V::broadcast(p)}; }
};
template <int I>
inline V mul_add(V a, Few b, V c) {
  return mul_add(a, b.all, c);
}

inline void sum_lanes(const V (&v)[4], float* to) {
  const __m512 a = _mm512_add_ps(_mm512_unpacklo_ps(v[0].v, v[1].v), _mm512_unpackhi_ps(v[0].v, v[1].v));
  const __m512 b = _mm512_add_ps(_mm512_unpacklo_ps(v[2].v, v[3].v), _mm512_unpackhi_ps(v[2].v, v[3].v));
  const __m512 fours = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(fours), _mm512_extractf32x8_ps(fours, 1));
  _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}

// 14 x 2 sums, 2 weights and a broadcast: 31 registers.  With one vector a broadcast is
// part of the multiply-add; more than 8 rows need more addresses than there are registers.
constexpr int kRegisters = 32;
constexpr int kVectors = 2;
constexpr int block_rows(int vectors) {
  return vectors == 1 ? 8 : 14;
}
