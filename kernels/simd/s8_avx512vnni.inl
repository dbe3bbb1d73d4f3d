// SPDX-License-Identifier: Apache-2.0
// What the 8-bit kernels need of 512-bit registers.  See s8_sse41.inl.

using Vec = __m512i;
constexpr int kLanes = 16;
constexpr int kBlock1 = 12, kBlock2 = 12;

inline Vec load(const void* p) {
  return _mm512_loadu_si512(p);
}
inline void store(void* p, Vec v) {
  _mm512_storeu_si512(p, v);
}
inline Vec add(Vec a, Vec b) {
  return _mm512_add_epi32(a, b);
}
inline Vec times128(Vec v) {
  return _mm512_slli_epi32(v, 7);
}
inline void settle(Vec& v) {
  asm("" : "+v"(v));
}
inline Vec zero() {
  return _mm512_setzero_si512();
}
inline Vec repeat4(const void* p) {
  std::int32_t four;
  __builtin_memcpy(&four, p, 4);
  return _mm512_set1_epi32(four);
}
inline Vec dot4(Vec acc, Vec x, Vec w) {
  return _mm512_dpbusd_epi32(acc, x, w);
}
inline Vec dot2(Vec acc, Vec x, Vec w) {
  return _mm512_dpwssd_epi32(acc, x, w);
}
inline Vec add_product(Vec acc, Vec x, Vec w) {
  return dot2(acc, x, w);
}

struct Multiplier {
  Vec even, odd;
};
inline Multiplier load_multiplier(const std::int32_t* m) {
  const Vec twice = _mm512_add_epi32(load(m), load(m));
  return {twice, _mm512_srli_epi64(twice, 32)};
}
inline Vec scale(Vec acc, Multiplier m) {
  const Vec even = _mm512_mul_epi32(acc, m.even), odd = _mm512_mul_epi32(_mm512_srli_epi64(acc, 32), m.odd);
  return _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
}

inline Vec load_u8(const std::uint8_t* p, int n) {
  return _mm512_cvtepu8_epi32(n >= kLanes ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))
                                          : _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
inline __mmask64 first_bytes(int n) {
  return n >= 64 ? ~__mmask64{0} : (__mmask64{1} << n) - 1;
}
inline Vec pack4(const Vec (&v)[4]) {  // bytes4() within each quarter
  return _mm512_packus_epi16(_mm512_packs_epi32(v[0], v[1]), _mm512_packs_epi32(v[2], v[3]));
}
inline Vec bytes4(const Vec (&v)[4]) {
  return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), pack4(v));
}
template <int kParts, int I>
inline void store_part(std::uint8_t* p, Vec v, int bytes) {
  if constexpr (kParts == 2) {
    const __m256i part = _mm512_extracti64x4_epi64(v, I);
    if (bytes >= 32)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), part);
    else
      _mm256_mask_storeu_epi8(p, static_cast<__mmask32>(first_bytes(bytes)), part);
  } else {
    const __m128i part = _mm512_extracti32x4_epi32(v, I);
    if (bytes >= 16)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), part);
    else
      _mm_storel_epi64(reinterpret_cast<__m128i*>(p), part);
  }
}
inline Vec load_bytes(const void* p, int bytes) {
  return bytes >= 64 ? load(p) : _mm512_maskz_loadu_epi8(first_bytes(bytes), p);
}
inline Vec repeat16(const void* p) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}
inline Vec sum4(const Vec (&v)[4]) {
  const auto pairs = [](Vec a, Vec b) {  // of each 4 lanes: a0 + a2, b0 + b2, a1 + a3, b1 + b3
    return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  };
  const Vec first = pairs(v[0], v[1]), second = pairs(v[2], v[3]);
  const Vec sums = _mm512_add_epi32(_mm512_unpacklo_epi64(first, second), _mm512_unpackhi_epi64(first, second));
  return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), sums);
}
inline void keep_larger(Vec& largest, Vec& best, Vec v, int n) {
  best = _mm512_mask_blend_epi32(_mm512_cmpgt_epi32_mask(v, largest), best, _mm512_set1_epi32(n));
  largest = _mm512_max_epi32(largest, v);
}
inline void interleave4(const Vec (&in)[4], Vec (&out)[4]) {
  const Vec lo01 = _mm512_unpacklo_epi8(in[0], in[1]), hi01 = _mm512_unpackhi_epi8(in[0], in[1]);
  const Vec lo23 = _mm512_unpacklo_epi8(in[2], in[3]), hi23 = _mm512_unpackhi_epi8(in[2], in[3]);
  out[0] = _mm512_unpacklo_epi16(lo01, lo23);
  out[1] = _mm512_unpackhi_epi16(lo01, lo23);
  out[2] = _mm512_unpacklo_epi16(hi01, hi23);
  out[3] = _mm512_unpackhi_epi16(hi01, hi23);
}
inline void store_interleaved(std::uint8_t* p, const Vec (&v)[4], int bytes) {
  const Vec all = pack4(v);
  if (bytes >= 64)
    _mm512_storeu_si512(p, all);
  else
    _mm512_mask_storeu_epi8(p, first_bytes(bytes), all);
}
