// SPDX-License-Identifier: Apache-2.0
// Words of 64 bits, eight to a vector, bits counted from the top: the vocabulary of
// block_group.inl for AVX-512.

using u64 = unsigned long long;
using V = __m512i;
using Mask = __mmask8;
constexpr int kWidth = 8, kVectors = 2, kSpare = 0;

constexpr u64 place(int k) {
  return u64{1} << 63 >> k;
}

inline V set1(u64 x) {
  return _mm512_set1_epi64(static_cast<long long>(x));
}
inline V load(const void* p) {
  return _mm512_load_si512(p);
}
inline void store(void* p, V x) {
  _mm512_store_si512(p, x);
}
inline void store_where(Mask m, void* p, V x) {
  _mm512_mask_store_epi64(p, m, x);
}
inline V add(V a, V b) {
  return _mm512_add_epi64(a, b);
}
inline V sub(V a, V b) {
  return _mm512_sub_epi64(a, b);
}
inline V both(V a, V b) {
  return _mm512_and_si512(a, b);
}
inline V but_not(V a, V b) {
  return _mm512_andnot_si512(b, a);
}
inline V either(V a, V b) {
  return _mm512_or_si512(a, b);
}
inline V either3(V a, V b, V c) {
  return _mm512_ternarylogic_epi64(a, b, c, 0xfe);
}
inline V differ(V a, V b) {
  return _mm512_xor_si512(a, b);
}
template <int n>
inline V shl(V a) {
  return _mm512_slli_epi64(a, n);
}
template <int n>
inline V shr(V a) {
  return _mm512_srli_epi64(a, n);
}
inline V shl(V a, V n) {
  return _mm512_sllv_epi64(a, n);
}
inline V shr(V a, V n) {
  return _mm512_srlv_epi64(a, n);
}
template <int n>
inline V sooner(V a) {
  return shl<n>(a);
}
template <int n>
inline V later(V a) {
  return shr<n>(a);
}
inline V sooner(V a, V n) {
  return shl(a, n);
}
inline V later(V a, V n) {
  return shr(a, n);
}
inline u64 later_by_six(u64 a) {
  return a >> 6;
}
inline V first(V x) {
  return _mm512_lzcnt_epi64(x);
}
inline V first_bit(V, V b) {
  return later(set1(place(0)), b);
}
inline V first_bit(V x) {
  return first_bit(x, first(x));
}
inline V whole_column(V bit) {
  return sub(add(bit, bit), shr<3>(bit));
}
inline V through(V from, V to) {
  return sub(add(from, from), to);
}
inline V least(V a, V b) {
  return _mm512_min_epi64(a, b);
}
inline Mask less(V a, V b) {
  return _mm512_cmplt_epi64_mask(a, b);
}
inline Mask at_most(V a, V b) {
  return _mm512_cmple_epu64_mask(a, b);
}
inline Mask hits(V a, V b) {
  return _mm512_test_epi64_mask(a, b);
}
inline Mask misses(V a, V b) {
  return _mm512_testn_epi64_mask(a, b);
}
inline Mask set_bits(V a) {
  return hits(a, a);
}
inline bool any_bit(V a) {
  return hits(a, a) != 0;
}
inline bool any(Mask m) {
  return m != 0;
}
inline unsigned bits_of(Mask m) {
  return m;
}
inline Mask both_masks(Mask a, Mask b) {
  return _kand_mask8(a, b);
}
inline Mask but_not_mask(Mask a, Mask b) {
  return _kandn_mask8(b, a);
}
inline Mask differ_masks(Mask a, Mask b) {
  return _kxor_mask8(a, b);
}
inline V where(Mask m, V x) {
  return _mm512_maskz_mov_epi64(m, x);
}
inline V choose(Mask m, V yes, V no) {
  return _mm512_mask_mov_epi64(no, m, yes);
}
inline V gather(Mask m, V addresses) {
  return _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), m, addresses, nullptr, 1);
}
inline V reverse_bytes(V x) {
  return _mm512_shuffle_epi8(x, _mm512_set4_epi32(0x08090a0b, 0x0c0d0e0f, 0x00010203, 0x04050607));
}
inline Mask no_byte_is_ff(V x) {
  const __mmask64 m = _mm512_cmpeq_epi8_mask(x, set1(~u64{0}));
  if (m == 0) [[likely]]
    return 0xff;
  const V bytes = _mm512_movm_epi8(m);
  return misses(bytes, bytes);
}
