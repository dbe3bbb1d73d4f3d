// SPDX-License-Identifier: Apache-2.0
#include "bench/peak.h"

#include <span>
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
// leave registers for the operands; every loop over them is unrolled, else they lie
// in memory, and the compiler knows no value, else it finds them all alike.  Where
// multiply and add are two instructions, a sum is scaled and moved on, so that no
// product can be hoisted out of the loop.
constexpr int kSums = 12, kSteps = 20000;
constexpr int kPairSums = 6;  // where a sum takes a product of pairs, and its registers

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
#pragma GCC unroll 16
  for (float& s : sums) {
    s = 1.0f;
    DTACS_OPAQUE(s);
  }
  for (int i = 0; i < kSteps; ++i) {
    DTACS_OPAQUE(x);
    DTACS_OPAQUE(y);
#pragma GCC unroll 16
    for (float& s : sums) {
      s = s * x + y;
      DTACS_OPAQUE(s);  // keeps the loop scalar
    }
  }
}

void peak_s8_scalar() noexcept {
  int sums[kSums], x = 3, y = 5;
#pragma GCC unroll 16
  for (int& s : sums) {
    s = 0;
    __asm__ volatile("" : "+r"(s));
  }
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 16
    for (int& s : sums) {
      __asm__ volatile("" : "+r"(x), "+r"(y));  // a product of its own for each sum
      s = static_cast<int>(static_cast<unsigned>(s) + static_cast<unsigned>(x * y));
      __asm__ volatile("" : "+r"(s));
    }
  }
}

#if defined(__x86_64__)

__attribute__((target("sse4.1"))) void peak_sse41() noexcept {
  __m128 sums[kSums], x = _mm_set1_ps(1.0f), y = _mm_setzero_ps();
#pragma GCC unroll 16
  for (__m128& s : sums) {
    s = x;
    DTACS_OPAQUE(s);
  }
  for (int i = 0; i < kSteps; ++i) {
    DTACS_OPAQUE(x);
    DTACS_OPAQUE(y);
#pragma GCC unroll 16
    for (__m128& s : sums) {
      s = _mm_add_ps(_mm_mul_ps(s, x), y);
      DTACS_OPAQUE(s);
    }
  }
}

__attribute__((target("avx2,fma"))) void peak_avx2() noexcept {
  __m256 sums[kSums], x = _mm256_set1_ps(1.0f), y = _mm256_setzero_ps();
#pragma GCC unroll 16
  for (__m256& s : sums) {
    s = x;
    DTACS_OPAQUE(s);
  }
  for (int i = 0; i < kSteps; ++i) {
    DTACS_OPAQUE(x);
    DTACS_OPAQUE(y);
#pragma GCC unroll 16
    for (__m256& s : sums) {
      s = _mm256_fmadd_ps(s, x, y);
      DTACS_OPAQUE(s);
    }
  }
}

__attribute__((target("avx512f"))) void peak_avx512() noexcept {
  __m512 sums[kSums], x = _mm512_set1_ps(1.0f), y = _mm512_setzero_ps();
#pragma GCC unroll 16
  for (__m512& s : sums) {
    s = x;
    __asm__ volatile("" : "+v"(s));
  }
  for (int i = 0; i < kSteps; ++i) {
    __asm__ volatile("" : "+v"(x), "+v"(y));
#pragma GCC unroll 16
    for (__m512& s : sums) {
      s = _mm512_fmadd_ps(s, x, y);
      __asm__ volatile("" : "+v"(s));
    }
  }
}

__attribute__((target("sse4.1"))) void peak_s8_sse41() noexcept {
  __m128i sums[kPairSums], x = _mm_set1_epi8(3), y = _mm_set1_epi8(5), ones = _mm_set1_epi16(1);
#pragma GCC unroll 16
  for (__m128i& s : sums) {
    s = _mm_setzero_si128();
    DTACS_OPAQUE(s);
  }
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 16
    for (__m128i& s : sums) {
      DTACS_OPAQUE(x);
      s = _mm_add_epi32(s, _mm_madd_epi16(_mm_maddubs_epi16(x, y), ones));
      DTACS_OPAQUE(s);
    }
  }
}

__attribute__((target("avx2"))) void peak_s8_avx2() noexcept {
  __m256i sums[kPairSums], x = _mm256_set1_epi8(3), y = _mm256_set1_epi8(5), ones = _mm256_set1_epi16(1);
#pragma GCC unroll 16
  for (__m256i& s : sums) {
    s = _mm256_setzero_si256();
    DTACS_OPAQUE(s);
  }
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 16
    for (__m256i& s : sums) {
      DTACS_OPAQUE(x);
      s = _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), ones));
      DTACS_OPAQUE(s);
    }
  }
}

__attribute__((target("avxvnni"))) void peak_s8_avxvnni() noexcept {
  __m256i sums[kSums], x = _mm256_set1_epi8(3), y = _mm256_set1_epi8(5);
#pragma GCC unroll 16
  for (__m256i& s : sums) {
    s = _mm256_setzero_si256();
    DTACS_OPAQUE(s);
  }
  for (int i = 0; i < kSteps; ++i) {
    DTACS_OPAQUE(x);
    DTACS_OPAQUE(y);
#pragma GCC unroll 16
    for (__m256i& s : sums) {
      s = _mm256_dpbusd_avx_epi32(s, x, y);
      DTACS_OPAQUE(s);
    }
  }
}

__attribute__((target("avx512f,avx512vnni"))) void peak_s8_avx512vnni() noexcept {
  __m512i sums[kSums], x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(5);
#pragma GCC unroll 16
  for (__m512i& s : sums) {
    s = _mm512_setzero_si512();
    __asm__ volatile("" : "+v"(s));
  }
  for (int i = 0; i < kSteps; ++i) {
    __asm__ volatile("" : "+v"(x), "+v"(y));
#pragma GCC unroll 16
    for (__m512i& s : sums) {
      s = _mm512_dpbusd_epi32(s, x, y);
      __asm__ volatile("" : "+v"(s));
    }
  }
}

#elif defined(__ARM_NEON)

void peak_neon() noexcept {
  float32x4_t sums[kSums], x = vdupq_n_f32(1.0f), y = vdupq_n_f32(0.0f);
#pragma GCC unroll 16
  for (float32x4_t& s : sums) {
    s = x;
    DTACS_OPAQUE(s);
  }
  for (int i = 0; i < kSteps; ++i) {
    DTACS_OPAQUE(x);
    DTACS_OPAQUE(y);
#pragma GCC unroll 16
    for (float32x4_t& s : sums) {
#if defined(__ARM_FEATURE_FMA)
      s = vfmaq_f32(s, x, y);
      DTACS_OPAQUE(s);
#else
      s = vmlaq_f32(s, x, y);
      DTACS_OPAQUE(s);
#endif
    }
  }
}

void peak_s8_neon() noexcept {
  int32x4_t sums[kSums];
  int8x8_t x = vdup_n_s8(3), y = vdup_n_s8(5);
#pragma GCC unroll 16
  for (int32x4_t& s : sums) {
    s = vdupq_n_s32(0);
    DTACS_OPAQUE(s);
  }
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 16
    for (int32x4_t& s : sums) {
      DTACS_OPAQUE(x);
      s = vpadalq_s16(s, vmlal_s8(vmull_s8(x, y), x, y));
      DTACS_OPAQUE(s);
    }
  }
}

#if defined(__aarch64__)
__attribute__((target("arch=armv8.2-a+dotprod"))) void peak_s8_dotprod() noexcept {
  int32x4_t sums[kSums];
  int8x16_t x = vdupq_n_s8(3), y = vdupq_n_s8(5);
#pragma GCC unroll 16
  for (int32x4_t& s : sums) {
    s = vdupq_n_s32(0);
    DTACS_OPAQUE(s);
  }
  for (int i = 0; i < kSteps; ++i) {
    DTACS_OPAQUE(x);
    DTACS_OPAQUE(y);
#pragma GCC unroll 16
    for (int32x4_t& s : sums) {
      s = vdotq_s32(s, x, y);
      DTACS_OPAQUE(s);
    }
  }
}

__attribute__((target("arch=armv8.2-a+i8mm"))) void peak_s8_i8mm() noexcept {
  int32x4_t sums[kSums];
  uint8x16_t x = vdupq_n_u8(3);
  int8x16_t y = vdupq_n_s8(5);
#pragma GCC unroll 16
  for (int32x4_t& s : sums) {
    s = vdupq_n_s32(0);
    DTACS_OPAQUE(s);
  }
  for (int i = 0; i < kSteps; ++i) {
    DTACS_OPAQUE(x);
    DTACS_OPAQUE(y);
#pragma GCC unroll 16
    for (int32x4_t& s : sums) {
      s = vusmmlaq_s32(s, x, y);
      DTACS_OPAQUE(s);
    }
  }
}
#endif

#endif

// products: of one step and sum.
constexpr double ops(int products, int sums = kSums) noexcept {
  return 2.0 * products * sums * kSteps;
}

// Both ascending.
constexpr PeakLoop kFloatLoops[] = {
    {"scalar", ops(1), peak_scalar},
#if defined(__x86_64__)
    {"sse41", ops(4), peak_sse41},
    {"avx2", ops(8), peak_avx2},
    {"avx512", ops(16), peak_avx512},
#elif defined(__ARM_NEON)
    {"neon", ops(4), peak_neon},
#endif
};

constexpr PeakLoop kInt8Loops[] = {
    {"scalar", ops(1), peak_s8_scalar},
#if defined(__x86_64__)
    {"sse41", ops(16, kPairSums), peak_s8_sse41}, {"avx2", ops(32, kPairSums), peak_s8_avx2},
    {"avxvnni", ops(32), peak_s8_avxvnni},        {"avx512vnni", ops(64), peak_s8_avx512vnni},
#elif defined(__ARM_NEON)
    {"neon", ops(16), peak_s8_neon},
#if defined(__aarch64__)
    {"dotprod", ops(16), peak_s8_dotprod},
    {"i8mm", ops(32), peak_s8_i8mm},
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

double measure_peak(const PeakLoop& loop) noexcept {
  constexpr double kSeconds = 5e-3;
  const double begin = thread_cpu_seconds();
  double calls = 0, seconds = 0;
  do {
    loop.run();
    ++calls;
    seconds = thread_cpu_seconds() - begin;
  } while (seconds < kSeconds);
  return calls * loop.ops / seconds / 1e9;
}

}  // namespace dtacs
