// SPDX-License-Identifier: Apache-2.0
// How the core runs independent jobs without knowing about threads: the caller
// hands in a way to run them.  Firmware passes serial(), the host OpenMP.
#pragma once

#include <type_traits>

namespace dtacs {

struct Parallel {
  // Calls job(context, index, worker) once for each index in [0, jobs) and returns
  // when all are done.  worker is in [0, workers) and no two calls with the same
  // worker overlap: it names scratch memory.
  using Job = void(void* context, int index, int worker) noexcept;
  using Run = void(void* self, int jobs, void* context, Job* job) noexcept;

  Run* run_jobs;
  void* self;
  int workers;  // >= 1

  // F: void(int index, int worker) noexcept
  template <class F>
  void for_each(int jobs, F&& f) const noexcept {
    using Fn = std::remove_reference_t<F>;
    if (jobs > 0)
      run_jobs(self, jobs, const_cast<void*>(static_cast<const void*>(&f)),
               [](void* context, int index, int worker) noexcept { (*static_cast<Fn*>(context))(index, worker); });
  }

  static Parallel serial() noexcept {
    return {[](void*, int jobs, void* context, Job* job) noexcept {
              for (int i = 0; i < jobs; ++i) job(context, i, 0);
            },
            nullptr, 1};
  }
};

}  // namespace dtacs
