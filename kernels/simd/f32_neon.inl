// SPDX-License-Identifier: Apache-2.0
// The vocabulary of simd/README.md for NEON: registers of 4 floats, 32 of them and
// FMA on AArch64, 16 and none on ARMv7 (VFPv3, as in Cortex-A9).

struct V {
  static constexpr int kLanes = 4;
  float32x4_t v;

  static V zero() { return set1(0.0f); }
  static V set1(float x) { return {vdupq_n_f32(x)}; }
  static V broadcast(const float* p) { return {vld1q_dup_f32(p)}; }
  static V load(const float* p) { return {vld1q_f32(p)}; }
  static V load_n(const float* p, int n) {
    if (n >= kLanes) return load(p);
    float32x4_t v = vld1q_lane_f32(p, vdupq_n_f32(0.0f), 0);
    if (n > 1) v = vld1q_lane_f32(p + 1, v, 1);
    if (n > 2) v = vld1q_lane_f32(p + 2, v, 2);
    return {v};
  }
  void store(float* p) const { vst1q_f32(p, v); }
  void store_n(float* p, int n) const {
    if (n >= kLanes) return store(p);
    vst1q_lane_f32(p, v, 0);
    if (n > 1) vst1q_lane_f32(p + 1, v, 1);
    if (n > 2) vst1q_lane_f32(p + 2, v, 2);
  }

  static V from_u16(const std::uint16_t* p) { return {vcvtq_f32_u32(vmovl_u16(vld1_u16(p)))}; }
  void to_u16(std::uint16_t* p) const { vst1_u16(p, vmovn_u32(vcvtq_u32_f32(v))); }
};

inline V operator+(V a, V b) {
  return {vaddq_f32(a.v, b.v)};
}
inline V operator-(V a, V b) {
  return {vsubq_f32(a.v, b.v)};
}
inline V operator*(V a, V b) {
  return {vmulq_f32(a.v, b.v)};
}
inline void settle(V& v) {
  asm volatile("" : "+w"(v.v));
}
inline V min(V a, V b) {
  return {vminq_f32(a.v, b.v)};
}
inline V max(V a, V b) {
  return {vmaxq_f32(a.v, b.v)};
}

#if defined(__aarch64__)

inline V operator/(V a, V b) {
  return {vdivq_f32(a.v, b.v)};
}
inline V mul_add(V a, V b, V c) {
  return {vfmaq_f32(c.v, a.v, b.v)};
}
inline void sum_lanes(const V (&v)[4], float* to) {
  vst1q_f32(to, vpaddq_f32(vpaddq_f32(v[0].v, v[1].v), vpaddq_f32(v[2].v, v[3].v)));
}

struct Few {
  static constexpr int kCount = 4;
  float32x4_t v;
  static Few load(const float* p) { return {vld1q_f32(p)}; }
};
template <int I>
inline V mul_add(V a, Few b, V c) {
  return {vfmaq_laneq_f32(c.v, a.v, b.v, I)};
}

// 6 x 4 sums, 6 x 4 factors and 2 weights.
constexpr int kRegisters = 32;
constexpr int kVectors = 4;
constexpr int block_rows(int vectors) {
  return vectors == 4 ? 6 : vectors == 3 ? 7 : 8;
}

#else

// There is no vector division; the scalar one rounds as the reference does.
inline V operator/(V a, V b) {
  float32x4_t q = vdupq_n_f32(vgetq_lane_f32(a.v, 0) / vgetq_lane_f32(b.v, 0));
  q = vsetq_lane_f32(vgetq_lane_f32(a.v, 1) / vgetq_lane_f32(b.v, 1), q, 1);
  q = vsetq_lane_f32(vgetq_lane_f32(a.v, 2) / vgetq_lane_f32(b.v, 2), q, 2);
  return {vsetq_lane_f32(vgetq_lane_f32(a.v, 3) / vgetq_lane_f32(b.v, 3), q, 3)};
}
inline V mul_add(V a, V b, V c) {
  return {vmlaq_f32(c.v, a.v, b.v)};
}
inline float32x2_t sum_halves(V v) {
  return vadd_f32(vget_low_f32(v.v), vget_high_f32(v.v));
}
inline void sum_lanes(const V (&v)[4], float* to) {
  vst1_f32(to, vpadd_f32(sum_halves(v[0]), sum_halves(v[1])));
  vst1_f32(to + 2, vpadd_f32(sum_halves(v[2]), sum_halves(v[3])));
}

struct Few {
  static constexpr int kCount = 2;
  float32x2_t v;
  static Few load(const float* p) { return {vld1_f32(p)}; }
};
template <int I>
inline V mul_add(V a, Few b, V c) {
  return {vmlaq_lane_f32(c.v, a.v, b.v, I)};
}

// 3 x 4 sums, 3 x 2 factors in one and a half registers, and 2 weights.
constexpr int kRegisters = 16;
constexpr int kVectors = 4;
constexpr int block_rows(int vectors) {
  return vectors == 4 ? 3 : vectors == 3 ? 4 : vectors == 2 ? 5 : 8;
}

#endif
