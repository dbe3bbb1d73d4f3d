// SPDX-License-Identifier: Apache-2.0
// All tables fit in registers: a decision takes no load.
#include <immintrin.h>

#include "io/jp2/block_contexts.h"
#include "io/jp2/block_group.h"

namespace dtacs::jp2 {
namespace {

#include "io/jp2/lanes_avx512vbmi.inl"

// HH goes by d and h + v alone, and has a part of the table of its own.
constexpr int kOffsetHH = 88;

struct alignas(64) Data {
  unsigned short qe[64];             // by row of table C.2; then zeros
  unsigned char mps[128], lps[128];  // to_next(), by state
  unsigned char zero[128];           // shift of the field, by offset + d + 8 * v + 32 * h
  unsigned char sign[64];            // sign_coding(), by 2 + h + 8 * (2 + v)
};
constexpr Data make_data() {
  Data t{};
  for (int i = 0; i < 47; ++i) t.qe[i] = kMqRows[i].qe;
  for (int s = 0; s < 94; ++s) {
    t.mps[s] = static_cast<unsigned char>(to_next(s, false));
    t.lps[s] = static_cast<unsigned char>(to_next(s, true));
  }
  for (int d = 0; d <= 4; ++d) {
    for (int h = 0; h <= 2; ++h)
      for (int v = 0; v <= 2; ++v)
        t.zero[d + 8 * v + 32 * h] = static_cast<unsigned char>(kField * zero_coding_context(false, h, v, d));
    for (int v = 0; v <= 4; ++v)
      t.zero[kOffsetHH + d + 8 * v] = static_cast<unsigned char>(kField * zero_coding_context(true, 0, v, d));
  }
  for (int h = -2; h <= 2; ++h)
    for (int v = -2; v <= 2; ++v) t.sign[2 + h + 8 * (2 + v)] = static_cast<unsigned char>(sign_coding(h, v));
  return t;
}
constexpr Data kData = make_data();

struct Tables {
  V qe0 = load(kData.qe), qe1 = load(kData.qe + 32);
  V mps0 = load(kData.mps), mps1 = load(kData.mps + 64), lps0 = load(kData.lps), lps1 = load(kData.lps + 64);
  V zero0 = load(kData.zero), zero1 = load(kData.zero + 64), sign = load(kData.sign);
};
#include "io/jp2/block_group.inl"

constexpr __mmask64 kLowByte = 0x0101010101010101;
constexpr __mmask32 kHighWord = 0x88888888;

[[gnu::always_inline]] inline Mask decide(Decoder& q, V state, V shift, Mask on, const Tables& t, V& change) {
  const V qe = _mm512_maskz_permutex2var_epi16(kHighWord, t.qe0, shl<47>(state), t.qe1);
  const V a = _mm512_mask_sub_epi64(q.a, on, q.a, qe), c = _mm512_mask_sub_epi64(q.c, on, q.c, qe);
  const Mask lower = _mm512_mask_cmplt_epu64_mask(on, q.c, qe);
  const Mask exchange = _mm512_mask_cmplt_epu64_mask(on, a, qe);
  const V a2 = choose(lower, qe, a), c2 = _mm512_min_epu64(c, q.c);  // C - Qe wraps round where it is lower
  const Mask lps = differ_masks(lower, exchange);
  const V n = _mm512_lzcnt_epi64(a2);
  q.a = shl(a2, n);
  q.c = shl(c2, n);
  q.ahead = sub(q.ahead, n);
  const V next = choose(lps, _mm512_maskz_permutex2var_epi8(kLowByte, t.lps0, state, t.lps1),
                        _mm512_maskz_permutex2var_epi8(kLowByte, t.mps0, state, t.mps1));
  change = _mm512_maskz_sllv_epi64(set_bits(n), next, shift);
  return differ_masks(_mm512_mask_test_epi64_mask(on, state, set1(1)), lps);
}

[[gnu::always_inline]] inline V zero_context(const Group& g, int lane, V view, const Tables& t) {
  const V h = _mm512_popcnt_epi64(both(view, load(g.orientation[0] + lane)));
  const V v = _mm512_popcnt_epi64(both(view, load(g.orientation[1] + lane)));
  const V d = _mm512_popcnt_epi64(both(view, set1(kDiagonal)));
  const V i = add(add(d, load(g.orientation[2] + lane)), either(shl<3>(v), shl<5>(h)));
  return _mm512_maskz_permutex2var_epi8(kLowByte, t.zero0, i, t.zero1);
}

void set_orientation(Group& g, int lane, int orientation) {
  const bool hl = orientation == 1, hh = orientation == 3;
  g.orientation[0][lane] = hh ? 0 : hl ? kAboveBelow : kLeftRight;
  g.orientation[1][lane] = hh ? kCross : hl ? kLeftRight : kAboveBelow;
  g.orientation[2][lane] = hh ? kOffsetHH : 0;
}

[[gnu::always_inline]] inline V sign_context(V significant, V negative, const Tables& t) {
  constexpr u64 kMinus = kCross >> 3;
  const V cross = set1(kCross);
  const V plus = _mm512_ternarylogic_epi64(significant, negative, cross, 0x20);  // s & ~n & cross
  const V minus = shr<3>(_mm512_ternarylogic_epi64(significant, negative, cross, 0x80));
  // Counting what is positive, and what is not negative, gives 2 + h and 2 + v.
  const V x = _mm512_ternarylogic_epi64(plus, minus, set1(kMinus), 0x56);  // (p | m) ^ kMinus
  const V h = _mm512_popcnt_epi64(both(x, set1(kLeftRight | kLeftRight >> 3)));
  const V v = _mm512_popcnt_epi64(both(x, set1(kAboveBelow | kAboveBelow >> 3)));
  return _mm512_maskz_permutexvar_epi8(kLowByte, either(h, shl<3>(v)), t.sign);
}

// Bits of a word as a mask: sample (r, c) is bit 31 - (4 c + r).
[[gnu::always_inline]] inline unsigned compressed(u64 word) {
  return static_cast<unsigned>(_pext_u64(word, kSamples));
}

void write_word(const Group& g, int lane, int word, u64 significant, u64 negative, u64 older, int last, int planes,
                bool whole, int rows, int columns, std::int32_t* out, std::ptrdiff_t stride) {
  const auto existing = static_cast<__mmask8>((1u << columns) - 1);
  const unsigned minus = compressed(negative);
  if (whole && planes <= 15) {  // 16 bits are enough
    V x = _mm512_setzero_si512();
    const auto add_where = [&](u64 bits, int value) {
      x = _mm512_mask_add_epi16(x, compressed(bits), x, _mm512_set1_epi16(static_cast<short>(value)));
    };
    for (int p = last; p < planes; ++p) add_where(g.plane[p][word][lane], 2 << p);
    add_where(significant & ~older, 1 << last);
    if (older != 0) add_where(older, 2 << last);
    x = _mm512_srli_epi16(x, 1);
    x = _mm512_mask_sub_epi16(x, minus, _mm512_setzero_si512(), x);
    constexpr auto by_rows = [](int i) { return static_cast<short>(31 - (4 * (i % 8) + i / 8)); };
    alignas(64) static constexpr short kByRows[32] = {
        by_rows(0),  by_rows(1),  by_rows(2),  by_rows(3),  by_rows(4),  by_rows(5),  by_rows(6),  by_rows(7),
        by_rows(8),  by_rows(9),  by_rows(10), by_rows(11), by_rows(12), by_rows(13), by_rows(14), by_rows(15),
        by_rows(16), by_rows(17), by_rows(18), by_rows(19), by_rows(20), by_rows(21), by_rows(22), by_rows(23),
        by_rows(24), by_rows(25), by_rows(26), by_rows(27), by_rows(28), by_rows(29), by_rows(30), by_rows(31)};
    x = _mm512_permutexvar_epi16(load(kByRows), x);
    const auto put = [&](int r, __m128i values) {
      if (r < rows) _mm256_mask_storeu_epi32(out + r * stride, existing, _mm256_cvtepi16_epi32(values));
    };
    put(0, _mm512_castsi512_si128(x));
    put(1, _mm512_extracti64x2_epi64(x, 1));
    put(2, _mm512_extracti64x2_epi64(x, 2));
    put(3, _mm512_extracti64x2_epi64(x, 3));
    return;
  }
  V low = _mm512_setzero_si512(), high = low;  // of sixteen samples each
  const auto add_where = [&](u64 bits, int value) {
    const unsigned k = compressed(bits);
    const V x = _mm512_set1_epi32(value);
    low = _mm512_mask_add_epi32(low, static_cast<__mmask16>(k), low, x);
    high = _mm512_mask_add_epi32(high, static_cast<__mmask16>(k >> 16), high, x);
  };
  for (int p = last; p < planes; ++p) add_where(g.plane[p][word][lane], 2 << p);
  add_where(significant & ~older, 1 << last);
  if (older != 0) add_where(older, 2 << last);
  if (whole) {
    low = _mm512_srli_epi32(low, 1);
    high = _mm512_srli_epi32(high, 1);
  }
  low = _mm512_mask_sub_epi32(low, static_cast<__mmask16>(minus), _mm512_setzero_si512(), low);
  high = _mm512_mask_sub_epi32(high, static_cast<__mmask16>(minus >> 16), _mm512_setzero_si512(), high);
  for (int r = 0; r < rows; ++r) {
    const V index =
        _mm512_sub_epi32(_mm512_setr_epi32(31, 27, 23, 19, 15, 11, 7, 3, 0, 0, 0, 0, 0, 0, 0, 0), _mm512_set1_epi32(r));
    _mm256_mask_storeu_epi32(out + r * stride, existing,
                             _mm512_castsi512_si256(_mm512_permutex2var_epi32(low, index, high)));
  }
}

}  // namespace

void block_group_avx512vbmi(const BlockGroupArgs& args) noexcept {
  decode_group(args);
}

}  // namespace dtacs::jp2
