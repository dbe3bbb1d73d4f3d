// SPDX-License-Identifier: Apache-2.0
// The same suites the tests walk, timed on one core.  Names read family/isa/shape;
// "op" counts a multiply-add as two, and fma_peak/ is what the machine can reach:
//   bench_kernels --benchmark_filter='conv3x3|peak'
#include <benchmark/benchmark.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tests/kernels/conv3x3_s8_suite.h"
#include "tests/kernels/conv3x3_suite.h"
#include "tests/kernels/dwconv3x3_s8_suite.h"
#include "tests/kernels/dwconv3x3_suite.h"
#include "tests/kernels/head3x3_s8_suite.h"
#include "tests/kernels/head3x3_suite.h"
#include "tests/kernels/pixelnet_suite.h"
#include "tests/kernels/pointwise_s8_suite.h"
#include "tests/kernels/pointwise_suite.h"
#include "tests/kernels/stem3x3_s16_suite.h"
#include "tests/kernels/upconv3x3_suite.h"
#include "tests/kernels/winograd3x3_s8_suite.h"
#include "tests/kernels/winograd3x3_suite.h"

namespace dtacs::test {
namespace {

using benchmark::Counter;

template <KernelSuite S>
void bench_family() {
  for (const auto& shape : S::bench_shapes()) {
    for (const auto& kernel : S::family()) {
      if (!runs_on(kernel.needs, detect_isa())) continue;
      const std::string name = std::string(S::family().name) + "/" + kernel.name + "/" + S::describe(shape);
      benchmark::RegisterBenchmark(name.c_str(), [shape, &kernel](benchmark::State& state) {
        typename S::Case c(shape, 1, Fill::random);
        for (auto _ : state) {
          c.run(kernel);
          benchmark::ClobberMemory();
        }
        const Work w = S::work(shape);
        state.counters["op"] = Counter(w.ops, Counter::kIsIterationInvariantRate);
        state.counters["byte"] = Counter(w.bytes, Counter::kIsIterationInvariantRate);
      });
    }
  }
}

#if defined(__x86_64__)
// Twelve independent sums, as many as the convolutions keep, and no memory.
__attribute__((target("avx2,fma"))) void fma_peak_avx2(benchmark::State& state) {
  constexpr int kSums = 12, kSteps = 1000;
  __m256 acc[kSums];
  for (__m256& sum : acc) sum = _mm256_set1_ps(1.0f);
  __m256 x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(0.25f);
  for (auto _ : state) {
    for (int i = 0; i < kSteps; ++i) {
      __asm__ volatile("" : "+x"(x), "+x"(y));
      for (__m256& sum : acc) sum = _mm256_fmadd_ps(sum, x, y);
    }
  }
  __m256 total = _mm256_setzero_ps();
  for (const __m256& sum : acc) total = _mm256_add_ps(total, sum);
  benchmark::DoNotOptimize(total);
  state.counters["op"] = Counter(2.0 * 8 * kSums * kSteps, Counter::kIsIterationInvariantRate);
}
__attribute__((target("avx512f"))) void fma_peak_avx512(benchmark::State& state) {
  constexpr int kSums = 28, kSteps = 1000;
  __m512 acc[kSums];
  for (__m512& sum : acc) sum = _mm512_set1_ps(1.0f);
  __m512 x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(0.25f);
  for (auto _ : state) {
    for (int i = 0; i < kSteps; ++i) {
      __asm__ volatile("" : "+v"(x), "+v"(y));
#pragma GCC unroll 28
      for (__m512& sum : acc) sum = _mm512_fmadd_ps(sum, x, y);
    }
  }
  __m512 total = _mm512_setzero_ps();
#pragma GCC unroll 28
  for (const __m512& sum : acc) total = _mm512_add_ps(total, sum);
  benchmark::DoNotOptimize(total);
  state.counters["op"] = Counter(2.0 * 16 * kSums * kSteps, Counter::kIsIterationInvariantRate);
}
#endif

}  // namespace
}  // namespace dtacs::test

int main(int argc, char** argv) {
  using namespace dtacs;
  using namespace dtacs::test;
#if defined(__x86_64__)
  if (runs_on(isa::avx2, detect_isa())) benchmark::RegisterBenchmark("fma_peak/avx2", fma_peak_avx2);
  if (runs_on(isa::avx512, detect_isa())) benchmark::RegisterBenchmark("fma_peak/avx512", fma_peak_avx512);
#endif
  bench_family<Conv3x3Suite>();
  bench_family<Winograd3x3Suite>();
  bench_family<Upconv3x3Suite>();
  bench_family<Dwconv3x3Suite>();
  bench_family<PointwiseSuite>();
  bench_family<Head3x3Suite>();
  bench_family<PixelNetSuite>();
  bench_family<Stem3x3S16Suite>();
  bench_family<Conv3x3S8Suite>();
  bench_family<Winograd3x3S8Suite>();
  bench_family<Dwconv3x3S8Suite>();
  bench_family<PointwiseS8Suite>();
  bench_family<Head3x3S8Suite>();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
