// SPDX-License-Identifier: Apache-2.0
// What the 8-bit kernels need of 128-bit registers.  Include it inside an anonymous
// namespace; s8_avx2.inl and the others offer the same names.

using Vec = __m128i;
constexpr int kLanes = 4;
constexpr int kBlock1 = 8, kBlock2 = 4;  // most pixels in a block of 1 and 2 vectors of outputs

inline Vec load(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
inline void store(void* p, Vec v) {
  _mm_storeu_si128(static_cast<__m128i*>(p), v);
}
inline Vec add(Vec a, Vec b) {
  return _mm_add_epi32(a, b);
}
inline Vec times128(Vec v) {
  return _mm_slli_epi32(v, 7);
}
// Has the compiler compute v here.
inline void settle(Vec& v) {
  asm("" : "+x"(v));
}
inline Vec zero() {
  return _mm_setzero_si128();
}
// The same four bytes in every lane.
inline Vec repeat4(const void* p) {
  std::int32_t four;
  __builtin_memcpy(&four, p, 4);
  return _mm_set1_epi32(four);
}
// acc + the dot products of 4 unsigned with 4 signed bytes.  maddubs saturates: weights
// are such that no pair can reach 16 bits.
inline Vec dot4(Vec acc, Vec x, Vec w) {
  return _mm_add_epi32(acc, _mm_madd_epi16(_mm_maddubs_epi16(x, w), _mm_set1_epi16(1)));
}
// acc + the dot products of 2 with 2 signed 16-bit numbers.
inline Vec dot2(Vec acc, Vec x, Vec w) {
  return _mm_add_epi32(acc, _mm_madd_epi16(x, w));
}
// acc + x * w for 0 <= x < 256, 0 <= w < 32768
inline Vec add_product(Vec acc, Vec x, Vec w) {
  return dot2(acc, x, w);
}

struct Multiplier {
  Vec even, odd;  // doubled, so that the product's upper half is the result
};
inline Multiplier load_multiplier(const std::int32_t* m) {
  const Vec twice = _mm_add_epi32(load(m), load(m));
  return {twice, _mm_srli_epi64(twice, 32)};
}
// floor(acc * m / 2^31)
inline Vec scale(Vec acc, Multiplier m) {
  const Vec even = _mm_mul_epi32(acc, m.even), odd = _mm_mul_epi32(_mm_srli_epi64(acc, 32), m.odd);
  return _mm_blend_epi16(_mm_srli_epi64(even, 32), odd, 0xcc);
}

// The next kLanes bytes, widened.
inline Vec load_u8(const std::uint8_t* p, int) {
  std::int32_t four;
  __builtin_memcpy(&four, p, 4);
  return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
}
// Four vectors of numbers, saturated to bytes, one behind the other.
inline Vec bytes4(const Vec (&v)[4]) {
  return _mm_packus_epi16(_mm_packs_epi32(v[0], v[1]), _mm_packs_epi32(v[2], v[3]));
}
// Part I of kParts (2 or 4) of such bytes; of the part, `bytes` are stored.
template <int kParts, int I>
inline void store_part(std::uint8_t* p, Vec v, int) {
  if constexpr (kParts == 4) {
    const std::int32_t four = _mm_extract_epi32(v, I);
    __builtin_memcpy(p, &four, 4);
  } else if constexpr (I == 0) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), v);
  } else {
    _mm_storeh_pi(reinterpret_cast<__m64*>(p), _mm_castsi128_ps(v));
  }
}

// 16 bytes for every 4 lanes, of which `bytes` exist.
inline Vec load_bytes(const void* p, int) {
  return load(p);
}
// The same 16 bytes for every 4 lanes.
inline Vec repeat16(const void* p) {
  return load(p);
}
// The sums of each 4 lanes, of four vectors one behind the other.
inline Vec sum4(const Vec (&v)[4]) {
  return _mm_hadd_epi32(_mm_hadd_epi32(v[0], v[1]), _mm_hadd_epi32(v[2], v[3]));
}
// Where v is above the largest so far, it is that now, and n is best.
inline void keep_larger(Vec& largest, Vec& best, Vec v, int n) {
  const Vec larger = _mm_cmpgt_epi32(v, largest);
  largest = _mm_max_epi32(largest, v);
  best = _mm_blendv_epi8(best, _mm_set1_epi32(n), larger);
}
// Byte b of four vectors side by side: out[q] holds bytes 4q..4q+3 of each 16.
inline void interleave4(const Vec (&in)[4], Vec (&out)[4]) {
  const Vec lo01 = _mm_unpacklo_epi8(in[0], in[1]), hi01 = _mm_unpackhi_epi8(in[0], in[1]);
  const Vec lo23 = _mm_unpacklo_epi8(in[2], in[3]), hi23 = _mm_unpackhi_epi8(in[2], in[3]);
  out[0] = _mm_unpacklo_epi16(lo01, lo23);
  out[1] = _mm_unpackhi_epi16(lo01, lo23);
  out[2] = _mm_unpacklo_epi16(hi01, hi23);
  out[3] = _mm_unpackhi_epi16(hi01, hi23);
}
// Weights of three taps moved one tap on; only where dwconv3x3_s8.inl is used.
inline Vec next_tap(Vec w) {
  return _mm_slli_epi32(w, 8);
}
// Saturates out[q] of interleave4's order to bytes, `bytes` of which are stored.
inline void store_interleaved(std::uint8_t* p, const Vec (&v)[4], int) {
  store(p, bytes4(v));
}
