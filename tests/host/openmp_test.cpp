// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sched.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "io/host/openmp.h"

namespace dtacs::test {

TEST_CASE("workers: every job once, no two at a time with one worker, and the batches in order") {
  for (const int threads : {-1, 0, 1, 2, 5}) {
    CAPTURE(threads);
    with_threads(threads, [&](const Parallel& parallel) {
      const int workers = threads < 1 ? 1 : threads;
      CHECK(parallel.workers == workers);
      std::vector<std::atomic<int>> busy(static_cast<std::size_t>(workers));
      std::atomic<int> overlaps{0}, strangers{0};
      std::vector<int> done(100);
      for (int batch = 1; batch <= 300; ++batch) {
        parallel.for_each(batch % 3 == 0 ? 1 : 100, [&](int i, int worker) noexcept {
          if (worker < 0 || worker >= workers) {
            ++strangers;
            return;
          }
          if (busy[static_cast<std::size_t>(worker)]++ != 0) ++overlaps;
          ++done[static_cast<std::size_t>(i)];
          --busy[static_cast<std::size_t>(worker)];
        });
      }
      CHECK(overlaps == 0);
      CHECK(strangers == 0);
      CHECK(done[0] == 300);
      for (std::size_t i = 1; i < done.size(); ++i) CHECK(done[i] == 200);
    });
  }
}

TEST_CASE("workers: what the work throws is thrown on") {
  for (const int threads : {1, 3})
    CHECK_THROWS_WITH_AS(with_threads(threads,
                                      [](const Parallel& parallel) {
                                        parallel.for_each(10, [](int, int) noexcept {});
                                        throw std::runtime_error("out of tea");
                                      }),
                         "out of tea", std::runtime_error);
}

TEST_CASE("workers: no more than this process may use") {
  cpu_set_t before, one;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  CHECK(available_threads() == CPU_COUNT(&before));
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
#if !defined(__clang__)  // whose OpenMP library counts once, at the start
  CHECK(available_threads() == 1);
#endif
  CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
}

}  // namespace dtacs::test
