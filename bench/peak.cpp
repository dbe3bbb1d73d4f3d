// SPDX-License-Identifier: Apache-2.0
#include "bench/peak.h"

#include <span>
#include <string_view>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace dtacs {

namespace {

constexpr int kSteps = 20000;

// Tells the compiler that the value, in a register of this kind, may have changed, else it finds all sums alike.
#define DTACS_OPAQUE(v) __asm__ volatile("" : DTACS_REGISTER(v))

// Where multiply and add are two instructions a sum of floats is scaled and moved on, and
// where a sum of bytes takes a product of pairs it needs its registers.
namespace scalar_s8 {
#define DTACS_ON
#define DTACS_REGISTER "+r"
using Sum = int;
using Factor = int;
constexpr int kSums = 12;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return static_cast<int>(static_cast<unsigned>(s) + static_cast<unsigned>(x * y));
}
#include "bench/peak_loop.inl"
#undef DTACS_REGISTER
}  // namespace scalar_s8

#if defined(__x86_64__)
#define DTACS_REGISTER "+v"
#elif defined(__arm__) || defined(__aarch64__)
#define DTACS_REGISTER "+w"
#else
#define DTACS_REGISTER "+f"
#endif

namespace scalar {
#define DTACS_ON
using Sum = float;
using Factor = float;
constexpr int kSums = 12;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return s * x + y;
}
#include "bench/peak_loop.inl"
}  // namespace scalar

#if defined(__x86_64__)

namespace sse41 {
#define DTACS_ON __attribute__((target("sse4.1")))
using Sum = __m128;
using Factor = __m128;
constexpr int kSums = 14;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return _mm_add_ps(_mm_mul_ps(s, x), y);
}
#include "bench/peak_loop.inl"
}  // namespace sse41
namespace avx2 {
#define DTACS_ON __attribute__((target("avx2,fma")))
using Sum = __m256;
using Factor = __m256;
constexpr int kSums = 12;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return _mm256_fmadd_ps(s, x, y);
}
#include "bench/peak_loop.inl"
}  // namespace avx2
namespace avx512 {
#define DTACS_ON __attribute__((target("avx512f")))
using Sum = __m512;
using Factor = __m512;
constexpr int kSums = 12;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return _mm512_fmadd_ps(s, x, y);
}
#include "bench/peak_loop.inl"
}  // namespace avx512
namespace sse41_s8 {
#define DTACS_ON __attribute__((target("sse4.1")))
using Sum = __m128i;
using Factor = __m128i;
constexpr int kSums = 6;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return _mm_add_epi32(s, _mm_madd_epi16(_mm_maddubs_epi16(x, y), _mm_set1_epi16(1)));
}
#include "bench/peak_loop.inl"
}  // namespace sse41_s8
namespace avx2_s8 {
#define DTACS_ON __attribute__((target("avx2")))
using Sum = __m256i;
using Factor = __m256i;
constexpr int kSums = 6;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), _mm256_set1_epi16(1)));
}
#include "bench/peak_loop.inl"
}  // namespace avx2_s8
namespace avxvnni_s8 {
#define DTACS_ON __attribute__((target("avxvnni")))
using Sum = __m256i;
using Factor = __m256i;
constexpr int kSums = 12;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return _mm256_dpbusd_avx_epi32(s, x, y);
}
#include "bench/peak_loop.inl"
}  // namespace avxvnni_s8
namespace avx512vnni_s8 {
#define DTACS_ON __attribute__((target("avx512f,avx512vnni")))
using Sum = __m512i;
using Factor = __m512i;
constexpr int kSums = 12;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return _mm512_dpbusd_epi32(s, x, y);
}
#include "bench/peak_loop.inl"
}  // namespace avx512vnni_s8

#elif defined(__ARM_NEON)

namespace neon {
#define DTACS_ON
using Sum = float32x4_t;
using Factor = float32x4_t;
constexpr int kSums = 12;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
#if defined(__ARM_FEATURE_FMA)
  return vfmaq_f32(s, x, y);
#else
  return vmlaq_f32(s, x, y);
#endif
}
#include "bench/peak_loop.inl"
}  // namespace neon
namespace neon_s8 {
#define DTACS_ON
using Sum = int32x4_t;
using Factor = int8x8_t;
constexpr int kSums = 12;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return vpadalq_s16(s, vmlal_s8(vmull_s8(x, y), x, y));
}
#include "bench/peak_loop.inl"
}  // namespace neon_s8
#if defined(__aarch64__)
namespace dotprod_s8 {
#define DTACS_ON __attribute__((target("arch=armv8.2-a+dotprod")))
using Sum = int32x4_t;
using Factor = int8x16_t;
constexpr int kSums = 12;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return vdotq_s32(s, x, y);
}
#include "bench/peak_loop.inl"
}  // namespace dotprod_s8
namespace i8mm_s8 {
#define DTACS_ON __attribute__((target("arch=armv8.2-a+i8mm")))
using Sum = int32x4_t;
using Factor = int8x16_t;
constexpr int kSums = 12;
DTACS_ON inline Sum add(Sum s, Factor x, Factor y) {
  return vmmlaq_s32(s, x, y);
}
#include "bench/peak_loop.inl"
}  // namespace i8mm_s8
#endif

#endif

// products: of one step and sum.
constexpr double ops(int products, int sums) noexcept {
  return 2.0 * products * sums * kSteps;
}

// Both ascending.
constexpr PeakLoop kFloatLoops[] = {
    {"scalar", ops(1, scalar::kSums), scalar::loop},
#if defined(__x86_64__)
    {"sse41", ops(4, sse41::kSums), sse41::loop},
    {"avx2", ops(8, avx2::kSums), avx2::loop},
    {"avx512", ops(16, avx512::kSums), avx512::loop},
#elif defined(__ARM_NEON)
    {"neon", ops(4, neon::kSums), neon::loop},
#endif
};

constexpr PeakLoop kInt8Loops[] = {
    {"scalar", ops(1, scalar_s8::kSums), scalar_s8::loop},
#if defined(__x86_64__)
    {"sse41", ops(16, sse41_s8::kSums), sse41_s8::loop},
    {"avx2", ops(32, avx2_s8::kSums), avx2_s8::loop},
    {"avxvnni", ops(32, avxvnni_s8::kSums), avxvnni_s8::loop},
    {"avx512vnni", ops(64, avx512vnni_s8::kSums), avx512vnni_s8::loop},
#elif defined(__ARM_NEON)
    {"neon", ops(16, neon_s8::kSums), neon_s8::loop},
#if defined(__aarch64__)
    {"dotprod", ops(16, dotprod_s8::kSums), dotprod_s8::loop},
    {"i8mm", ops(32, i8mm_s8::kSums), i8mm_s8::loop},
#endif
#endif
};

}  // namespace

const PeakLoop& peak_loop(IsaSet isa, bool int8) noexcept {
  const std::span<const PeakLoop> loops = int8 ? std::span<const PeakLoop>(kInt8Loops) : kFloatLoops;
  const PeakLoop* best = &loops[0];
  for (const PeakLoop& loop : loops)
    for (const IsaName& i : kIsaNames)
      if (std::string_view(i.name) == loop.isa && runs_on(i.set, isa)) best = &loop;
  return *best;
}

}  // namespace dtacs
