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
inline void settle(V& v) {
  asm volatile("" : "+x"(v.v));
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
constexpr int kRegisters = 15;  // of 16
constexpr int kVectors = 6;
constexpr int block_rows(int vectors) {
  return vectors >= 3 ? 2 : vectors == 2 ? 6 : 8;
}

// The same sums in one piece of assembly a k: PSHUFD broadcasts out of memory in one instruction, but a
// compiler that sees it load four factors keeps all of them, and spills sums.  Takes k by fours where all
// is aligned to registers, and returns how many.
#define DTACS_BROADCASTS "pshufd %[lane], %[x0], %%xmm12; pshufd %[lane], %[x1], %%xmm13; "
#define DTACS_PRODUCTS(n)                                                                      \
  "movaps 16*" #n                                                                              \
  "(%[w]), %%xmm14; movaps %%xmm14, %%xmm15; mulps %%xmm12, %%xmm14; mulps %%xmm13, %%xmm15; " \
  "addps %%xmm14, %[a" #n "]; addps %%xmm15, %[b" #n "]; "
#define DTACS_LAST_PRODUCTS(n) \
  "mulps 16*" #n "(%[w]), %%xmm12; mulps 16*" #n "(%[w]), %%xmm13; addps %%xmm12, %[a" #n "]; addps %%xmm13, %[b" #n "]"
#define DTACS_SUMS(n) [a##n] "+x"(acc[0][n].v), [b##n] "+x"(acc[1][n].v)
#define DTACS_FACTORS                                                      \
  [lane] "i"(I * 0x55), [x0] "m"(*reinterpret_cast<const __m128*>(in[0])), \
      [x1] "m"(*reinterpret_cast<const __m128*>(in[1])), [w] "r"(w),       \
      "m"(*reinterpret_cast<const float(*)[4 * kVectors]>(w))
template <int I>
inline void accumulate_lane(V (&acc)[2][6], const float* const (&in)[2], const float* w) {
  asm(DTACS_BROADCASTS DTACS_PRODUCTS(0) DTACS_PRODUCTS(1) DTACS_PRODUCTS(2) DTACS_PRODUCTS(3) DTACS_PRODUCTS(4)
          DTACS_LAST_PRODUCTS(5)
      : DTACS_SUMS(0), DTACS_SUMS(1), DTACS_SUMS(2), DTACS_SUMS(3), DTACS_SUMS(4), DTACS_SUMS(5)
      : DTACS_FACTORS
      : "xmm12", "xmm13", "xmm14", "xmm15");
}
template <int I>
inline void accumulate_lane(V (&acc)[2][4], const float* const (&in)[2], const float* w) {
  asm(DTACS_BROADCASTS DTACS_PRODUCTS(0) DTACS_PRODUCTS(1) DTACS_PRODUCTS(2) DTACS_LAST_PRODUCTS(3)
      : DTACS_SUMS(0), DTACS_SUMS(1), DTACS_SUMS(2), DTACS_SUMS(3)
      : DTACS_FACTORS
      : "xmm12", "xmm13", "xmm14", "xmm15");
}
#undef DTACS_BROADCASTS
#undef DTACS_PRODUCTS
#undef DTACS_LAST_PRODUCTS
#undef DTACS_SUMS
#undef DTACS_FACTORS
template <int N>
requires(N == 4 || N == 6) inline std::ptrdiff_t
    accumulate_fours(V (&acc)[2][N], const float* const (&in)[2], const float* w, std::ptrdiff_t count) {
  const auto bits = [](const float* p) { return reinterpret_cast<std::uintptr_t>(p); };
  if ((bits(in[0]) | bits(in[1]) | bits(w)) % sizeof(V) != 0) return 0;
  constexpr int kPanel = kVectors * V::kLanes;
  std::ptrdiff_t k = 0;
  for (; k + 4 <= count; k += 4, w += 4 * kPanel) {
    const float* const four[] = {in[0] + k, in[1] + k};
    accumulate_lane<0>(acc, four, w);
    accumulate_lane<1>(acc, four, w + kPanel);
    accumulate_lane<2>(acc, four, w + 2 * kPanel);
    accumulate_lane<3>(acc, four, w + 3 * kPanel);
  }
  return k;
}
