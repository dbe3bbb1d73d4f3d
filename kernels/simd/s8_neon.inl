// SPDX-License-Identifier: Apache-2.0
// What the 8-bit kernels need of NEON, of AArch64 and of ARMv7, with dot products where
// the file is compiled for them.  See s8_sse41.inl.  There is no product of u8 and s8:
// inputs are taken less 128 (the kernels' offset), which flips their upper bit.  The extension of
// matrix products has them.

using Vec = int32x4_t;
constexpr int kLanes = 4;
#ifdef __aarch64__
constexpr int kBlock1 = 12, kBlock2 = 8;
#else
constexpr int kBlock1 = 4, kBlock2 = 2;
#endif

inline Vec load(const void* p) {
  return vreinterpretq_s32_u8(vld1q_u8(static_cast<const std::uint8_t*>(p)));
}
inline void store(void* p, Vec v) {
  vst1q_u8(static_cast<std::uint8_t*>(p), vreinterpretq_u8_s32(v));
}
inline Vec add(Vec a, Vec b) {
  return vaddq_s32(a, b);
}
inline Vec times128(Vec v) {
  return vshlq_n_s32(v, 7);
}
inline void settle(Vec& v) {
  asm("" : "+w"(v));
}
inline Vec zero() {
  return vdupq_n_s32(0);
}
inline Vec repeat4(const void* p) {
  std::int32_t four;
  __builtin_memcpy(&four, p, 4);
  return vdupq_n_s32(four);
}
// Sums of neighbours: of `low` in the lower half, of `high` in the upper.
inline int16x8_t add_pairs(int16x8_t low, int16x8_t high) {
#ifdef __aarch64__
  return vpaddq_s16(low, high);
#else
  return vcombine_s16(vpadd_s16(vget_low_s16(low), vget_high_s16(low)),
                      vpadd_s16(vget_low_s16(high), vget_high_s16(high)));
#endif
}
inline int32x4_t add_pairs(int32x4_t low, int32x4_t high) {
#ifdef __aarch64__
  return vpaddq_s32(low, high);
#else
  return vcombine_s32(vpadd_s32(vget_low_s32(low), vget_high_s32(low)),
                      vpadd_s32(vget_low_s32(high), vget_high_s32(high)));
#endif
}
inline Vec dot4(Vec acc, Vec x, Vec w) {
#if defined(__ARM_FEATURE_MATMUL_INT8)
  return vusdotq_s32(acc, vreinterpretq_u8_s32(x), vreinterpretq_s8_s32(w));
#else
  const int8x16_t a = veorq_s8(vreinterpretq_s8_s32(x), vdupq_n_s8(-128)), b = vreinterpretq_s8_s32(w);
#if defined(__ARM_FEATURE_DOTPROD)
  return vdotq_s32(acc, a, b);
#else
  // 2 * 128 * 127 fits in 16 bits: no pair can overflow.
  const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b)), high = vmull_s8(vget_high_s8(a), vget_high_s8(b));
  return vpadalq_s16(acc, add_pairs(low, high));
#endif
#endif
}
#if defined(__ARM_FEATURE_MATMUL_INT8)
#define DTACS_MATRIX_PRODUCTS
// 8 bytes of two pixels by 8 of two outputs into a square of sums; see block_s8.inl.
struct MatrixProducts {
  static constexpr int kRows = 2, kGroup = 8, kLaneBytes = 4, kAhead = 1;
  static Vec bias(const std::int32_t* p) {
    const int32x2_t two = vld1_s32(p);
    return vcombine_s32(two, two);
  }
  static Vec weights(const std::int8_t* p) { return load(p); }
  static Vec inputs(const std::uint8_t* p, const std::uint8_t* q) {
    return vreinterpretq_s32_u8(vcombine_u8(vld1_u8(p), vld1_u8(q)));
  }
  static Vec dot(Vec acc, Vec x, Vec w) { return vusmmlaq_s32(acc, vreinterpretq_u8_s32(x), vreinterpretq_s8_s32(w)); }
  static Vec row(int r, const Vec* acc) {
    return r == 0 ? vcombine_s32(vget_low_s32(acc[0]), vget_low_s32(acc[1]))
                  : vcombine_s32(vget_high_s32(acc[0]), vget_high_s32(acc[1]));
  }
};
#elif defined(__ARM_FEATURE_DOTPROD)
#define DTACS_LANE_PRODUCTS
// Four groups of a pixel's inputs, less 128, and the product with one of them; see block_s8.inl.
struct LaneProducts {
  static constexpr int kAhead = 4;
  static Vec inputs_ahead(const std::uint8_t* p) {
    return vreinterpretq_s32_u8(veorq_u8(vld1q_u8(p), vdupq_n_u8(128)));
  }
  template <int G>
  static Vec dot_ahead(Vec acc, Vec x, Vec w) {
    return vdotq_laneq_s32(acc, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(x), G);
  }
};
#endif
#define DTACS_WORD_PRODUCTS
// Eight 16-bit inputs of a pixel, and the products of one of them with a word for each lane; see block_s8.inl.
struct WordProducts {
  static constexpr int kGroup = 2, kLaneBytes = 2, kAhead = 8;
  static Vec weights(const std::int8_t* p) { return vreinterpretq_s32_s8(vcombine_s8(vld1_s8(p), vdup_n_s8(0))); }
  static Vec inputs(const std::uint8_t* p, const std::uint8_t*) {
    std::int16_t word;
    __builtin_memcpy(&word, p, sizeof(word));
    return vreinterpretq_s32_s16(vdupq_n_s16(word));
  }
  static Vec dot(Vec acc, Vec x, Vec w) { return dot_ahead<0>(acc, x, w); }
  static Vec inputs_ahead(const std::uint8_t* p) { return load(p); }
  template <int G>
  static Vec dot_ahead(Vec acc, Vec x, Vec w) {
    const int16x8_t words = vreinterpretq_s16_s32(x);
    const int16x4_t weights = vget_low_s16(vreinterpretq_s16_s32(w));
    if constexpr (G < 4)
      return vmlal_lane_s16(acc, weights, vget_low_s16(words), G);
    else
      return vmlal_lane_s16(acc, weights, vget_high_s16(words), G - 4);
  }
};
inline Vec add_product(Vec acc, Vec x, Vec w) {
  return vmlaq_s32(acc, x, w);
}

using Multiplier = Vec;
inline Multiplier load_multiplier(const std::int32_t* m) {
  return load(m);
}
inline Vec scale(Vec acc, Multiplier m) {
  return vqdmulhq_s32(acc, m);  // the upper half of twice the product
}

inline Vec load_u8(const std::uint8_t* p, int) {
  std::uint32_t four;
  __builtin_memcpy(&four, p, 4);
  return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four))))));
}
inline Vec bytes4(const Vec (&v)[4]) {
  const int16x8_t low = vcombine_s16(vqmovn_s32(v[0]), vqmovn_s32(v[1]));
  const int16x8_t high = vcombine_s16(vqmovn_s32(v[2]), vqmovn_s32(v[3]));
  return vreinterpretq_s32_u8(vcombine_u8(vqmovun_s16(low), vqmovun_s16(high)));
}
template <int kParts, int I>
inline void store_part(std::uint8_t* p, Vec v, int) {
  if constexpr (kParts == 4) {
    const std::int32_t four = vgetq_lane_s32(v, I);
    __builtin_memcpy(p, &four, 4);
  } else {
    vst1_u8(p, vreinterpret_u8_s32(I == 0 ? vget_low_s32(v) : vget_high_s32(v)));
  }
}

inline Vec load_bytes(const void* p, int) {
  return load(p);
}
inline Vec repeat16(const void* p) {
  return load(p);
}
inline Vec sum4(const Vec (&v)[4]) {
  return add_pairs(add_pairs(v[0], v[1]), add_pairs(v[2], v[3]));
}
inline void keep_larger(Vec& largest, Vec& best, Vec v, int n) {
  best = vbslq_s32(vcgtq_s32(v, largest), vdupq_n_s32(n), best);
  largest = vmaxq_s32(largest, v);
}
inline void interleave4(const Vec (&in)[4], Vec (&out)[4]) {
  const auto bytes = [&](int i) { return vreinterpretq_u8_s32(in[i]); };
  const auto words = [](uint8x16_t v) { return vreinterpretq_u16_u8(v); };
  const uint8x16x2_t first = vzipq_u8(bytes(0), bytes(1)), second = vzipq_u8(bytes(2), bytes(3));
  const uint16x8x2_t low = vzipq_u16(words(first.val[0]), words(second.val[0]));
  const uint16x8x2_t high = vzipq_u16(words(first.val[1]), words(second.val[1]));
  out[0] = vreinterpretq_s32_u16(low.val[0]);
  out[1] = vreinterpretq_s32_u16(low.val[1]);
  out[2] = vreinterpretq_s32_u16(high.val[0]);
  out[3] = vreinterpretq_s32_u16(high.val[1]);
}
inline Vec next_tap(Vec w) {
  return vshlq_n_s32(w, 8);
}
inline void store_interleaved(std::uint8_t* p, const Vec (&v)[4], int) {
  store(p, bytes4(v));
}
