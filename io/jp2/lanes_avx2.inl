// SPDX-License-Identifier: Apache-2.0
// Words of 64 bits, four to a vector, bits counted from the bottom, where x & -x finds the
// first: the vocabulary of block_group.inl for AVX2.  The arithmetic decoder leaves the
// top bit free, so that signed comparisons serve.

using u64 = unsigned long long;
using V = __m256i;
using Mask = __m256i;  // all ones or zero
constexpr int kWidth = 4, kVectors = 2, kSpare = 1;

constexpr u64 place(int k) {
  return u64{1} << k;
}

inline V set1(u64 x) {
  return _mm256_set1_epi64x(static_cast<long long>(x));
}
inline V load(const void* p) {
  return _mm256_load_si256(static_cast<const V*>(p));
}
inline void store(void* p, V x) {
  _mm256_store_si256(static_cast<V*>(p), x);
}
inline void store_where(Mask m, void* p, V x) {
  _mm256_maskstore_epi64(static_cast<long long*>(p), m, x);
}
inline V add(V a, V b) {
  return _mm256_add_epi64(a, b);
}
inline V sub(V a, V b) {
  return _mm256_sub_epi64(a, b);
}
inline V both(V a, V b) {
  return _mm256_and_si256(a, b);
}
inline V but_not(V a, V b) {
  return _mm256_andnot_si256(b, a);
}
inline V either(V a, V b) {
  return _mm256_or_si256(a, b);
}
inline V either3(V a, V b, V c) {
  return either(either(a, b), c);
}
inline V differ(V a, V b) {
  return _mm256_xor_si256(a, b);
}
template <int n>
inline V shl(V a) {
  return _mm256_slli_epi64(a, n);
}
template <int n>
inline V shr(V a) {
  return _mm256_srli_epi64(a, n);
}
inline V shl(V a, V n) {
  return _mm256_sllv_epi64(a, n);
}
inline V shr(V a, V n) {
  return _mm256_srlv_epi64(a, n);
}
template <int n>
inline V sooner(V a) {
  return shr<n>(a);
}
template <int n>
inline V later(V a) {
  return shl<n>(a);
}
inline V sooner(V a, V n) {
  return shr(a, n);
}
inline V later(V a, V n) {
  return shl(a, n);
}
inline u64 later_by_six(u64 a) {
  return a << 6;
}
inline V first_bit(V x) {
  return both(x, sub(set1(0), x));
}
inline V first_bit(V x, V) {
  return first_bit(x);
}
// The number of bits below the first one.
inline V first(V x) {
  const V below = sub(first_bit(x), set1(1)), nibble = _mm256_set1_epi8(15);
  const V ones =
      _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const V count = _mm256_add_epi8(_mm256_shuffle_epi8(ones, both(below, nibble)),
                                  _mm256_shuffle_epi8(ones, both(shr<4>(below), nibble)));
  return _mm256_sad_epu8(count, set1(0));
}
inline V whole_column(V bit) {
  return sub(shl<4>(bit), bit);
}
inline V through(V from, V to) {
  return sub(add(to, to), from);
}
inline V where(Mask m, V x) {
  return both(m, x);
}
inline V choose(Mask m, V yes, V no) {
  return _mm256_blendv_epi8(no, yes, m);
}
inline Mask less(V a, V b) {
  return _mm256_cmpgt_epi64(b, a);
}
inline Mask at_most(V a, V b) {
  return differ(less(b, a), set1(~u64{0}));
}
inline V least(V a, V b) {
  return choose(less(a, b), a, b);
}
inline Mask set_bits(V a) {
  return less(set1(0), a);
}
inline Mask hits(V a, V b) {
  return set_bits(both(a, b));
}
inline Mask misses(V a, V b) {
  return _mm256_cmpeq_epi64(both(a, b), set1(0));
}
inline bool any_bit(V a) {
  return _mm256_testz_si256(a, a) == 0;
}
inline bool any(Mask m) {
  return any_bit(m);
}
inline unsigned bits_of(Mask m) {
  return static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(m)));
}
inline Mask both_masks(Mask a, Mask b) {
  return both(a, b);
}
inline Mask but_not_mask(Mask a, Mask b) {
  return but_not(a, b);
}
inline Mask differ_masks(Mask a, Mask b) {
  return differ(a, b);
}
inline V gather(Mask m, V addresses) {
  return _mm256_mask_i64gather_epi64(set1(0), static_cast<const long long*>(nullptr), addresses, m, 1);
}
inline V reverse_bytes(V x) {
  return _mm256_shuffle_epi8(x, _mm256_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2,
                                                 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
}
inline Mask no_byte_is_ff(V x) {
  return _mm256_cmpeq_epi64(_mm256_cmpeq_epi8(x, set1(~u64{0})), set1(0));
}
