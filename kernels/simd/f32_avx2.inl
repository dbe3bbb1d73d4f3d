// SPDX-License-Identifier: Apache-2.0
// The vocabulary of simd/README.md for AVX2 and FMA: 16 registers of 8 floats.

struct V {
  static constexpr int kLanes = 8;
  __m256 v;

  static V zero() { return {_mm256_setzero_ps()}; }
  static V set1(float x) { return {_mm256_set1_ps(x)}; }
  static V broadcast(const float* p) { return {_mm256_broadcast_ss(p)}; }
  static V load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static V load_n(const float* p, int n) { return n >= kLanes ? load(p) : V{_mm256_maskload_ps(p, lanes_below(n))}; }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  void store_n(float* p, int n) const {
    if (n >= kLanes)
      store(p);
    else
      _mm256_maskstore_ps(p, lanes_below(n), v);
  }

  static V from_u16(const std::uint16_t* p) {
    return {_mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
  }
  void to_u16(std::uint16_t* p) const {
    const __m256i i = _mm256_cvttps_epi32(v);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packus_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1)));
  }

 private:
  static __m256i lanes_below(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

inline V operator+(V a, V b) {
  return {_mm256_add_ps(a.v, b.v)};
}
inline V operator-(V a, V b) {
  return {_mm256_sub_ps(a.v, b.v)};
}
inline V operator*(V a, V b) {
  return {_mm256_mul_ps(a.v, b.v)};
}
inline V operator/(V a, V b) {
  return {_mm256_div_ps(a.v, b.v)};
}
inline V mul_add(V a, V b, V c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
inline void settle(V& v) {
  asm volatile("" : "+x"(v.v));
}
inline V min(V a, V b) {
  return {_mm256_min_ps(a.v, b.v)};
}
inline V max(V a, V b) {
  return {_mm256_max_ps(a.v, b.v)};
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
  const __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(v[0].v, v[1].v), _mm256_hadd_ps(v[2].v, v[3].v));
  _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
}

// 6 x 2 sums, 2 weights and a broadcast fill the registers, and 12 sums in flight
// cover the latency of two FMA a cycle; with one vector, 8 sums are needed for that.
constexpr int kRegisters = 16;
constexpr int kVectors = 2;
constexpr int block_rows(int vectors) {
  return vectors == 1 ? 8 : 6;
}
