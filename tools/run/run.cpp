// SPDX-License-Identifier: Apache-2.0
#include "tools/run/run.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <new>

#include "io/host/failure.h"
#include "io/host/folder_lock.h"
#include "io/host/openmp.h"
#include "io/host/output_file.h"
#include "tools/run/job.h"
#include "tools/run/job_identity.h"
#include "tools/run/run_state.h"

namespace dtacs {

namespace {

// Best first.
constexpr RowsAtOnce kRowsAtOnce[] = {{48, 0}, {16, 0}, {16, 16}, {8, 8}, {8, 4}, {8, 2}};

bool is_leanest(const Parallel& parallel, const RowsAtOnce& rows) {
  return parallel.workers == 1 && &rows == std::end(kRowsAtOnce) - 1;
}

// What any way of running needs, however many threads it has.
struct Prepared {
  const RunOptions& options;
  ChosenWeights weights;
  std::unique_ptr<Product> product;
  std::string identity;

  explicit Prepared(const RunOptions& o)
      : options(o),
        weights(choose_weights(o)),
        product(open_product(o.product, o.hints)),
        identity(job_identity(o, product->info(), weights)) {}

  std::unique_ptr<Job> job(const Parallel& parallel, const RowsAtOnce& rows) const {
    return std::make_unique<Job>(options, weights, *product, parallel, rows);
  }
};

// From here on the folder is the run's; before, nothing in it was touched.
std::string run_in_folder(const Prepared& prepared, const Parallel& parallel, const RowsAtOnce& rows,
                          std::unique_ptr<Job> job) {
  const RunOptions& options = prepared.options;
  const FolderLock lock(options.folder);
  try {
    job->open_outputs();
    try {
      if (options.resume)
        if (auto state = read_run_state(options.folder, prepared.identity)) job->go_on(*state);
    } catch (const StateRefused& refused) {
      std::fprintf(stderr, "dtacs: starting afresh: %s\n", refused.what());
      job.reset();
      remove_run_state(options.folder);
      job = prepared.job(parallel, rows);
      job->prepare();
      job->open_outputs();
    }
    job->run(prepared.identity);
    return job->warning();
  } catch (const Failure& f) {
    // When a disk was full, a state of before is as good as ever.
    const bool to_go_on = f.exit() == Exit::interrupted || f.exit() == Exit::time_budget ||
                          (f.exit() == Exit::io_error && has_run_state(options.folder));
    if (options.resume && !to_go_on) remove_run_state(options.folder);
    throw;
  }
}

}  // namespace

std::string run(const RunOptions& options) {
  // More than a few per core only wait for each other, and the system may not give them.
  const int most = options.threads > 0 ? std::min(options.threads, 4 * available_threads()) : available_threads();
  if (options.resume) note_signals();
  const Prepared prepared(options);
  std::size_t least = SIZE_MAX;
  std::string warning;
  const auto run_if_it_fits = [&](const Parallel& parallel, const RowsAtOnce& rows) {
    std::unique_ptr<Job> job;
    try {
      job = prepared.job(parallel, rows);
      least = std::min(least, job->memory());
      if (options.max_memory != 0 && job->memory() > options.max_memory) return false;
      job->prepare();
    } catch (const std::bad_alloc&) {  // less than the cap is there; a leaner way may still do
      if (options.max_memory == 0 || is_leanest(parallel, rows)) throw;
      return false;
    }
    warning = run_in_folder(prepared, parallel, rows, std::move(job));
    return true;
  };
  // Under a memory cap: fewer rows at a time first, they cost a few percent; then fewer threads.
  bool done = false;
  for (int threads = most; !done; threads = (threads + 1) / 2) {
    with_threads(threads, [&](const Parallel& parallel) {
      for (const RowsAtOnce& rows : kRowsAtOnce)
        if ((done = run_if_it_fits(parallel, rows))) break;
    });
    if (!done && threads == 1)
      throw Failure(Exit::memory_cap, options.product + ": needs " + std::to_string(least) +
                                          " bytes of memory at the least, " + std::to_string(options.max_memory) +
                                          " are allowed");
  }
  return warning;
}

}  // namespace dtacs
