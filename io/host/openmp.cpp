// SPDX-License-Identifier: Apache-2.0
#include "io/host/openmp.h"

#include <omp.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace dtacs {

namespace {

// A batch is open while `epoch` is odd.  A worker counts itself into `inside` before
// it looks whether the batch it saw is still open, and the owner closes the batch
// before it looks whether anybody is inside: one of the two always sees the other, so
// no worker ever reads the fields of a batch while the next one is being set up.
class Team {
 public:
  Parallel parallel(int workers) {
    return {[](void* self, int jobs, void* context, Parallel::Job* job) noexcept {
              static_cast<Team*>(self)->run(jobs, context, job);
            },
            this, workers};
  }

  void serve(int worker) noexcept {
    for (int seen = epoch_.load(); seen != kStop; seen = epoch_.load()) {
      if (seen % 2 == 1) {
        inside_.fetch_add(1);
        if (epoch_.load() == seen) take_jobs(worker);
        if (inside_.fetch_sub(1) == 1) inside_.notify_one();
      }
      wait_while(epoch_, seen);
    }
  }

  void stop() noexcept {
    epoch_.store(kStop);
    epoch_.notify_all();
  }

 private:
  static constexpr int kStop = -1;
  static constexpr int kSpins = 2000;  // about 20 us: the usual gap between two layers

  static void wait_while(const std::atomic<int>& value, int old) noexcept {
    for (int i = 0; i < kSpins; ++i) {
      if (value.load(std::memory_order_relaxed) != old) return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    value.wait(old);
  }

  void take_jobs(int worker) noexcept {
    for (int i = next_.fetch_add(1); i < jobs_; i = next_.fetch_add(1)) job_(context_, i, worker);
  }

  void run(int jobs, void* context, Parallel::Job* job) noexcept {
    job_ = job;
    context_ = context;
    jobs_ = jobs;
    next_.store(0);
    const int opened = epoch_.load() + 1;
    epoch_.store(opened);
    if (jobs > 1) epoch_.notify_all();
    take_jobs(0);
    epoch_.store(opened == kLastEpoch ? 0 : opened + 1);
    for (int n = inside_.load(); n != 0; n = inside_.load()) wait_while(inside_, n);
  }

  static constexpr int kLastEpoch = 0x7ffffffd;  // odd

  std::atomic<int> epoch_{0}, inside_{0}, next_{0};
  Parallel::Job* job_ = nullptr;
  void* context_ = nullptr;
  int jobs_ = 0;
};

// How many of the threads wanted the system lets run at once; where that is fewer, half of them, as OpenMP's library
// and what the threads do need memory too.  The library ends the program when it gets fewer than it asks for.
int threads_given(int wanted) noexcept {
  std::vector<std::thread> others;
  std::mutex all_there;
  try {
    const std::lock_guard lock(all_there);
    while (1 + static_cast<int>(others.size()) < wanted)
      others.emplace_back([&] { const std::lock_guard until(all_there); });
  } catch (const std::exception&) {
    // no more than these
  }
  for (std::thread& t : others) t.join();
  const int given = 1 + static_cast<int>(others.size());
  return given < wanted ? (given + 1) / 2 : given;
}

}  // namespace

namespace detail {

void run_with_threads(int threads, void (*body)(void* context, const Parallel&), void* context) {
  threads = threads_given(threads);
  if (threads <= 1) return body(context, Parallel::serial());
  Team team;
  std::exception_ptr thrown;
#pragma omp parallel num_threads(threads)
  {
    if (omp_get_thread_num() != 0) {
      team.serve(omp_get_thread_num());
    } else {
      try {
        body(context, team.parallel(omp_get_num_threads()));
      } catch (...) {
        thrown = std::current_exception();
      }
      team.stop();
    }
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace detail

int available_threads() {
  return omp_get_num_procs();
}

}  // namespace dtacs
