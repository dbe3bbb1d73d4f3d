// SPDX-License-Identifier: Apache-2.0
// io/parallel.h on OpenMP threads.
//
// OpenMP supplies the threads, once; jobs are then handed out over two atomics.  A
// parallel region for each batch would end in a barrier that waits for every
// thread, and a network has 63 batches a step: on a machine with other work to do,
// each barrier costs a time slice.  Here a batch waits for the jobs that were taken,
// not for threads that never came (a 512 x 512 scene on two cores with a load of 8:
// 0.7 s instead of 8.6 s).
#pragma once

#include <memory>

#include "io/parallel.h"

namespace dtacs {

namespace detail {
void run_with_threads(int threads, void (*body)(void* context, const Parallel&), void* context);
}

// Calls body(parallel) with `threads` workers, the calling thread among them, and
// returns when it does; what body throws is thrown on.  parallel must be used from
// body's thread only and not outlive the call.  threads < 1 counts as 1; where the system
// gives fewer threads there are fewer workers.
template <class F>
void with_threads(int threads, F&& body) {
  using Fn = std::remove_reference_t<F>;
  detail::run_with_threads(
      threads, [](void* context, const Parallel& parallel) { (*static_cast<Fn*>(context))(parallel); },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

// As many as this process may run at once.
int available_threads();

}  // namespace dtacs
