// SPDX-License-Identifier: Apache-2.0
// The same suites the tests walk, timed on one core.  Names read family/isa/shape;
// "op" counts a multiply-add as two, and peak/ is what one core can reach:
//   bench_kernels --benchmark_filter='conv3x3|peak'
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "bench/peak.h"
#include "tests/kernels/conv3x3_s8_suite.h"
#include "tests/kernels/conv3x3_suite.h"
#include "tests/kernels/dwconv3x3_s8_suite.h"
#include "tests/kernels/dwconv3x3_suite.h"
#include "tests/kernels/head3x3_s8_suite.h"
#include "tests/kernels/head3x3_suite.h"
#include "tests/kernels/pixelnet_suite.h"
#include "tests/kernels/pixels_s16_suite.h"
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

// peak/isa and peak_int8/isa, of the loops that this machine can run.
void bench_peaks() {
  for (const bool int8 : {false, true})
    for (const IsaName& i : kIsaNames) {
      if (!runs_on(i.set, detect_isa())) continue;
      const PeakLoop& loop = peak_loop(i.set, int8);
      if (std::string_view(loop.isa) != i.name) continue;  // that of a lesser set
      benchmark::RegisterBenchmark(std::string(int8 ? "peak_int8/" : "peak/").append(i.name).c_str(),
                                   [&loop](benchmark::State& state) {
                                     for (auto _ : state) loop.run();
                                     state.counters["op"] = Counter(loop.ops, Counter::kIsIterationInvariantRate);
                                   });
    }
}

}  // namespace
}  // namespace dtacs::test

int main(int argc, char** argv) {
  using namespace dtacs;
  using namespace dtacs::test;
  bench_peaks();
  bench_family<Conv3x3Suite>();
  bench_family<Winograd3x3Suite>();
  bench_family<Upconv3x3Suite>();
  bench_family<Dwconv3x3Suite>();
  bench_family<PointwiseSuite>();
  bench_family<Head3x3Suite>();
  bench_family<PixelNetSuite>();
  bench_family<PixelsS16Suite>();
  bench_family<Stem3x3S16Suite>();
  bench_family<Conv3x3S8Suite>();
  bench_family<Winograd3x3S8Suite>();
  bench_family<Dwconv3x3S8Suite>();
  bench_family<PointwiseS8Suite>();
  bench_family<Head3x3S8Suite>();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
