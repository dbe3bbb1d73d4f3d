// SPDX-License-Identifier: Apache-2.0
// What the 8-bit kernels need of 256-bit registers, with AVX-VNNI where the file is
// compiled for it.  See s8_sse41.inl.

using Vec = __m256i;
constexpr int kLanes = 8;
#ifdef __AVXVNNI__
constexpr int kBlock1 = 12, kBlock2 = 6;
#else
constexpr int kBlock1 = 8, kBlock2 = 4;
#endif

inline Vec load(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
inline void store(void* p, Vec v) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), v);
}
inline Vec add(Vec a, Vec b) {
  return _mm256_add_epi32(a, b);
}
inline Vec times128(Vec v) {
  return _mm256_slli_epi32(v, 7);
}
inline void settle(Vec& v) {
  asm("" : "+x"(v));
}
inline Vec zero() {
  return _mm256_setzero_si256();
}
inline Vec repeat4(const void* p) {
  std::int32_t four;
  __builtin_memcpy(&four, p, 4);
  return _mm256_set1_epi32(four);
}
inline Vec dot4(Vec acc, Vec x, Vec w) {
#ifdef __AVXVNNI__
  return _mm256_dpbusd_avx_epi32(acc, x, w);
#else
  return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1)));
#endif
}
inline Vec dot2(Vec acc, Vec x, Vec w) {
#ifdef __AVXVNNI__
  return _mm256_dpwssd_avx_epi32(acc, x, w);
#else
  return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w));
#endif
}
inline Vec add_product(Vec acc, Vec x, Vec w) {
  return dot2(acc, x, w);
}

struct Multiplier {
  Vec even, odd;
};
inline Multiplier load_multiplier(const std::int32_t* m) {
  const Vec twice = _mm256_add_epi32(load(m), load(m));
  return {twice, _mm256_srli_epi64(twice, 32)};
}
inline Vec scale(Vec acc, Multiplier m) {
  const Vec even = _mm256_mul_epi32(acc, m.even), odd = _mm256_mul_epi32(_mm256_srli_epi64(acc, 32), m.odd);
  return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

inline Vec load_u8(const std::uint8_t* p, int) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
inline Vec pack4(const Vec (&v)[4]) {  // bytes4() within each half
  return _mm256_packus_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
}
inline Vec bytes4(const Vec (&v)[4]) {
  return _mm256_permutevar8x32_epi32(pack4(v), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
template <int kParts, int I>
inline void store_part(std::uint8_t* p, Vec v, int) {
  const __m128i half = I * 2 < kParts ? _mm256_castsi256_si128(v) : _mm256_extracti128_si256(v, 1);
  if constexpr (kParts == 2)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), half);
  else if constexpr (I % 2 == 0)
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), half);
  else
    _mm_storeh_pi(reinterpret_cast<__m64*>(p), _mm_castsi128_ps(half));
}

inline Vec load_bytes(const void* p, int bytes) {
  return bytes >= 32 ? load(p) : _mm256_zextsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}
inline Vec repeat16(const void* p) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}
inline Vec sum4(const Vec (&v)[4]) {
  const Vec sums = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
  return _mm256_permutevar8x32_epi32(sums, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
inline void keep_larger(Vec& largest, Vec& best, Vec v, int n) {
  const Vec larger = _mm256_cmpgt_epi32(v, largest);
  largest = _mm256_max_epi32(largest, v);
  best = _mm256_blendv_epi8(best, _mm256_set1_epi32(n), larger);
}
inline void interleave4(const Vec (&in)[4], Vec (&out)[4]) {
  const Vec lo01 = _mm256_unpacklo_epi8(in[0], in[1]), hi01 = _mm256_unpackhi_epi8(in[0], in[1]);
  const Vec lo23 = _mm256_unpacklo_epi8(in[2], in[3]), hi23 = _mm256_unpackhi_epi8(in[2], in[3]);
  out[0] = _mm256_unpacklo_epi16(lo01, lo23);
  out[1] = _mm256_unpackhi_epi16(lo01, lo23);
  out[2] = _mm256_unpacklo_epi16(hi01, hi23);
  out[3] = _mm256_unpackhi_epi16(hi01, hi23);
}
inline Vec next_tap(Vec w) {
  return _mm256_slli_epi32(w, 8);
}
inline void store_interleaved(std::uint8_t* p, const Vec (&v)[4], int bytes) {
  const Vec all = pack4(v);
  if (bytes >= 32)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), all);
  else
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(all));
}
