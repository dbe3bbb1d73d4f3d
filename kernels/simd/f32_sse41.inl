// SPDX-License-Identifier: Apache-2.0
// The vocabulary of simd/README.md for SSE4.1: 16 registers of 4 floats, no FMA.

struct V {
  static constexpr int kLanes = 4;
  __m128 v;

  static V zero() { return {_mm_setzero_ps()}; }
  static V set1(float x) { return {_mm_set1_ps(x)}; }
  static V broadcast(const float* p) { return {_mm_load1_ps(p)}; }
  static V load(const float* p) { return {_mm_loadu_ps(p)}; }
  static V load_n(const float* p, int n) {
    if (n >= kLanes) return load(p);
    if (n == 1) return {_mm_load_ss(p)};
    const __m128 two = _mm_loadl_pi(_mm_setzero_ps(), reinterpret_cast<const __m64*>(p));
    return {n == 2 ? two : _mm_movelh_ps(two, _mm_load_ss(p + 2))};
  }
  void store(float* p) const { _mm_storeu_ps(p, v); }
  void store_n(float* p, int n) const {
    if (n >= kLanes) return store(p);
    if (n == 1) return _mm_store_ss(p, v);
    _mm_storel_pi(reinterpret_cast<__m64*>(p), v);
    if (n == 3) _mm_store_ss(p + 2, _mm_movehl_ps(v, v));
  }

  static V from_u16(const std::uint16_t* p) {
    return {_mm_cvtepi32_ps(_mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
  }
  void to_u16(std::uint16_t* p) const {
    const __m128i i = _mm_cvttps_epi32(v);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi32(i, i));
  }
};

inline V operator+(V a, V b) {
  return {_mm_add_ps(a.v, b.v)};
}
inline V operator-(V a, V b) {
  return {_mm_sub_ps(a.v, b.v)};
}
inline V operator*(V a, V b) {
  return {_mm_mul_ps(a.v, b.v)};
}
inline V operator/(V a, V b) {
  return {_mm_div_ps(a.v, b.v)};
}
inline V mul_add(V a, V b, V c) {
  return a * b + c;
}
inline V min(V a, V b) {
  return {_mm_min_ps(a.v, b.v)};
}
inline V max(V a, V b) {
  return {_mm_max_ps(a.v, b.v)};
}

inline void sum_lanes(const V (&v)[4], float* to) {
  _mm_storeu_ps(to, _mm_hadd_ps(_mm_hadd_ps(v[0].v, v[1].v), _mm_hadd_ps(v[2].v, v[3].v)));
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

// 2 x 6 sums, 2 broadcasts, a weight and its product: a broadcast costs two
// instructions, so that few rows and many columns are better than the reverse.
constexpr int kRegisters = 16;
constexpr int kVectors = 6;
constexpr int block_rows(int vectors) {
  return vectors >= 4 ? 2 : vectors == 3 ? 3 : vectors == 2 ? 6 : 8;
}
