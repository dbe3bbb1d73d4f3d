// SPDX-License-Identifier: Apache-2.0
#include "bench/peak.h"

#include <string_view>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "bench/bench.h"

namespace dtacs {

namespace {

// Independent sums enough to hide the latency of what they add, and few enough to
// leave registers for the operands.  Where multiply and add are two instructions, a
// sum is scaled and moved on, so that no product can be hoisted out of the loop.
constexpr int kSums = 12, kSteps = 20000;

// Tells the compiler that the value may have changed.
#if defined(__x86_64__)
#define DTACS_OPAQUE(v) __asm__ volatile("" : "+x"(v))
#elif defined(__arm__) || defined(__aarch64__)
#define DTACS_OPAQUE(v) __asm__ volatile("" : "+w"(v))
#else
#define DTACS_OPAQUE(v) __asm__ volatile("" : "+f"(v))
#endif

void peak_scalar() noexcept {
  float sums[kSums], x = 1.0f, y = 0.0f;
  for (float& s : sums) s = 1.0f;
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 16
    for (float& s : sums) {
      s = s * x + y;
      DTACS_OPAQUE(s);  // keeps the loop scalar
    }
  }
}

#if defined(__x86_64__)

__attribute__((target("sse4.1"))) void peak_sse41() noexcept {
  __m128 sums[kSums], x = _mm_set1_ps(1.0f), y = _mm_setzero_ps();
  for (__m128& s : sums) s = x;
  for (int i = 0; i < kSteps; ++i) {
    DTACS_OPAQUE(x);
    DTACS_OPAQUE(y);
#pragma GCC unroll 16
    for (__m128& s : sums) s = _mm_add_ps(_mm_mul_ps(s, x), y);
  }
  for (__m128& s : sums) DTACS_OPAQUE(s);
}

__attribute__((target("avx2,fma"))) void peak_avx2() noexcept {
  __m256 sums[kSums], x = _mm256_set1_ps(1.0f), y = _mm256_setzero_ps();
  for (__m256& s : sums) s = x;
  for (int i = 0; i < kSteps; ++i) {
    DTACS_OPAQUE(x);
    DTACS_OPAQUE(y);
#pragma GCC unroll 16
    for (__m256& s : sums) s = _mm256_fmadd_ps(s, x, y);
  }
  for (__m256& s : sums) DTACS_OPAQUE(s);
}

__attribute__((target("avx512f"))) void peak_avx512() noexcept {
  __m512 sums[kSums], x = _mm512_set1_ps(1.0f), y = _mm512_setzero_ps();
  for (__m512& s : sums) s = x;
  for (int i = 0; i < kSteps; ++i) {
    __asm__ volatile("" : "+v"(x), "+v"(y));
#pragma GCC unroll 16
    for (__m512& s : sums) s = _mm512_fmadd_ps(s, x, y);
  }
  for (__m512& s : sums) __asm__ volatile("" : "+v"(s));
}

#elif defined(__ARM_NEON)

void peak_neon() noexcept {
  float32x4_t sums[kSums], x = vdupq_n_f32(1.0f), y = vdupq_n_f32(0.0f);
  for (float32x4_t& s : sums) s = x;
  for (int i = 0; i < kSteps; ++i) {
    DTACS_OPAQUE(x);
    DTACS_OPAQUE(y);
#pragma GCC unroll 16
    for (float32x4_t& s : sums) {
#if defined(__ARM_FEATURE_FMA)
      s = vfmaq_f32(s, x, y);
#else
      s = vmlaq_f32(s, x, y);
#endif
    }
  }
  for (float32x4_t& s : sums) DTACS_OPAQUE(s);
}

#endif

constexpr double flop(int lanes) noexcept {
  return 2.0 * lanes * kSums * kSteps;
}

constexpr PeakLoop kLoops[] = {
    // ascending
    {"scalar", flop(1), peak_scalar},
#if defined(__x86_64__)
    {"sse41", flop(4), peak_sse41},
    {"avx2", flop(8), peak_avx2},
    {"avx512", flop(16), peak_avx512},
#elif defined(__ARM_NEON)
    {"neon", flop(4), peak_neon},
#endif
};

}  // namespace

const PeakLoop& peak_loop(IsaSet isa) noexcept {
  const PeakLoop* best = &kLoops[0];
  for (const PeakLoop& loop : kLoops)
    for (const IsaName& i : kIsaNames)
      if (std::string_view(i.name) == loop.isa && runs_on(i.set, isa)) best = &loop;
  return *best;
}

double measure_peak(const PeakLoop& loop) noexcept {
  constexpr double kSeconds = 5e-3;
  const double begin = thread_cpu_seconds();
  double calls = 0, seconds = 0;
  do {
    loop.run();
    ++calls;
    seconds = thread_cpu_seconds() - begin;
  } while (seconds < kSeconds);
  return calls * loop.flop / seconds / 1e9;
}

}  // namespace dtacs
