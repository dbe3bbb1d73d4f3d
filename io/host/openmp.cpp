// SPDX-License-Identifier: Apache-2.0
#include "io/host/openmp.h"

#include <omp.h>

#include <cstdint>

namespace dtacs {
namespace {

void run_jobs(void* self, int jobs, void* context, Parallel::Job* job) noexcept {
  const int threads = static_cast<int>(reinterpret_cast<std::intptr_t>(self));
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (int i = 0; i < jobs; ++i) job(context, i, omp_get_thread_num());
}

}  // namespace

Parallel openmp(int threads) noexcept {
  if (threads <= 1) return Parallel::serial();
  return {run_jobs, reinterpret_cast<void*>(static_cast<std::intptr_t>(threads)), threads};
}

}  // namespace dtacs
