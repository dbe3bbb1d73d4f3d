// SPDX-License-Identifier: Apache-2.0
// Contexts and states by tables in memory.
#include <immintrin.h>

#include "io/jp2/block_contexts.h"
#include "io/jp2/block_group.h"

namespace dtacs::jp2 {
namespace {

#include "io/jp2/lanes_avx2.inl"

// By state: Qe at bit 47; bits 0..7 and 8..15 to_next() after an MPS and an LPS, bits 16..
// the shift that brings Qe to the top.
constexpr int kLps = 8, kShift = 16;
// zero_coding_context() by orientation and neighbours: columns in bits 0..2, 6 and 8, 3..5.
// sign_coding() by the bits 1, 6, 8, 13 of the view of what is significant, and three higher of
// what is negative, the upper half folded onto the lower.
struct alignas(64) Data {
  u64 states[128];
  unsigned char zero[4 * 512];
  unsigned char sign[1024];
};
constexpr int fold_sign(int x) {
  return (x ^ x >> 8) & 0x3ff;
}
constexpr Data make_data() {
  Data t{};
  for (int s = 0; s < 94; ++s) {
    const u64 qe = kMqRows[s / 2].qe;
    u64 shift = 0;
    while ((qe << shift & 0x8000) == 0) ++shift;
    t.states[s] =
        qe << 47 | static_cast<u64>(to_next(s, false)) | static_cast<u64>(to_next(s, true)) << kLps | shift << kShift;
  }
  const auto bit = [](int v, int b) { return v >> b & 1; };
  for (int o = 0; o < 4; ++o)
    for (int i = 0; i < 512; ++i) {
      const int left_right = bit(i, 1) + bit(i, 4), above_below = bit(i, 6) + bit(i, 8);
      const int d = bit(i, 0) + bit(i, 2) + bit(i, 3) + bit(i, 5);
      const int c =
          zero_coding_context(o == 3, o == 1 ? above_below : left_right, o == 1 ? left_right : above_below, d);
      t.zero[512 * o + i] = static_cast<unsigned char>(kField * c);
    }
  for (int i = 0; i < 256; ++i) {
    constexpr int kPlaces[4] = {1, 13, 6, 8};  // left, right, above, below
    int x = 0, sum[2] = {};
    for (int k = 0; k < 4; ++k) {
      const int significant = bit(i, k), negative = bit(i, 4 + k);
      x |= significant << kPlaces[k] | negative << (kPlaces[k] + 3);
      if (significant != 0) sum[k / 2] += negative != 0 ? -1 : 1;
    }
    t.sign[fold_sign(x)] = static_cast<unsigned char>(sign_coding(sum[0], sum[1]));
  }
  return t;
}
constexpr Data kData = make_data();

struct Tables {};

#include "io/jp2/block_group.inl"

// By single loads: a gather instruction is no faster, and very slow where processors are
// patched against reading other people's data with it.
template <class T>
[[gnu::always_inline]] inline V look_up(const T* table, V i) {
  const __m128i low = _mm256_castsi256_si128(i), high = _mm256_extracti128_si256(i, 1);
  const auto at = [table](long long k) { return static_cast<long long>(table[k]); };
  return _mm256_set_epi64x(at(_mm_extract_epi64(high, 1)), at(_mm_cvtsi128_si64(high)), at(_mm_extract_epi64(low, 1)),
                           at(_mm_cvtsi128_si64(low)));
}

[[gnu::always_inline]] inline Mask decide(Decoder& q, V state, V shift, Mask on, const Tables&, V& change) {
  const V e = look_up(kData.states, both(state, set1(127)));
  const V qe = both(both(e, on), set1(u64{0xffff} << 47));
  const V a = sub(q.a, qe), c = sub(q.c, qe);
  const Mask lower = less(q.c, qe), exchange = less(a, qe), lps = differ(lower, exchange);
  // A is at least 0x8000 - 0x5601 after an MPS: a shift by two at most.
  const V small = add(less(a, set1(u64{1} << 62)), less(a, set1(u64{1} << 61)));
  const V n = choose(lower, both(shr<kShift>(e), set1(15)), sub(set1(0), small));
  q.a = shl(choose(lower, qe, a), n);
  q.c = both(shl(choose(lower, q.c, c), n), set1(~u64{0} >> kSpare));  // only damaged data reach the bit above
  q.ahead = sub(q.ahead, n);
  const V next = both(choose(lps, shr<kLps>(e), e), set1(127));
  change = shl(where(set_bits(n), next), shift);
  return both(on, differ(lps, sub(set1(0), both(state, set1(1)))));
}

[[gnu::always_inline]] inline V zero_context(const Group& g, int lane, V view, const Tables&) {
  const V around = both(view, set1(kCross | kDiagonal));
  const V i = both(either(around, shr<9>(around)), set1(0x17f));
  return look_up(kData.zero, either(i, load(g.orientation[0] + lane)));
}

void set_orientation(Group& g, int lane, int orientation) {
  g.orientation[0][lane] = static_cast<u64>(512 * orientation);
}

[[gnu::always_inline]] inline V sign_context(V significant, V negative, const Tables&) {
  const V x = either(both(significant, set1(kCross)), shl<3>(both(negative, set1(kCross))));
  return look_up(kData.sign, both(differ(x, shr<8>(x)), set1(0x3ff)));
}

void write_word(const Group& g, int lane, int word, u64 significant, u64 negative, u64 older, int last, int planes,
                bool whole, int rows, int columns, std::int32_t* out, std::ptrdiff_t stride) {
  // Columns in 32-bit elements: four of them from the lower half of a word, four from the upper.
  const auto spread_columns = [](u64 x) {
    const auto half = [](u64 h) { return _mm_set1_epi32(static_cast<int>(h)); };
    return _mm256_set_m128i(half(x >> 31), half(x >> 7));
  };
  const V first_row = _mm256_setr_epi32(0, 6, 12, 18, 0, 6, 12, 18), one = _mm256_set1_epi32(1);
  V magnitude[4] = {set1(0), set1(0), set1(0), set1(0)};
  for (int p = planes - 1; p >= last; --p) {
    const V bits = spread_columns(g.plane[p][word][lane]);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const V b = both(_mm256_srlv_epi32(bits, _mm256_add_epi32(first_row, _mm256_set1_epi32(r))), one);
      magnitude[r] = _mm256_add_epi32(_mm256_add_epi32(magnitude[r], magnitude[r]), b);
    }
  }
  const V s = spread_columns(significant), m = spread_columns(negative), o = spread_columns(older);
  const V existing = _mm256_cmpgt_epi32(_mm256_set1_epi32(columns), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  const V half = _mm256_set1_epi32(1 << last);
  const auto all = [&](V x, int r) {  // ones where the sample's bit is set
    const V b = both(_mm256_srlv_epi32(x, _mm256_add_epi32(first_row, _mm256_set1_epi32(r))), one);
    return _mm256_sub_epi32(_mm256_setzero_si256(), b);
  };
  for (int r = 0; r < rows; ++r) {
    V x = _mm256_slli_epi32(magnitude[r], last + 1);
    x = _mm256_add_epi32(x, both(all(s, r), half));
    x = _mm256_add_epi32(x, both(all(o, r), half));
    if (whole) x = _mm256_srli_epi32(x, 1);
    const V minus = all(m, r);
    x = _mm256_sub_epi32(differ(x, minus), minus);
    _mm256_maskstore_epi32(out + r * stride, existing, x);
  }
}

}  // namespace

void block_group_avx2(const BlockGroupArgs& args) noexcept {
  decode_group(args);
}

}  // namespace dtacs::jp2
