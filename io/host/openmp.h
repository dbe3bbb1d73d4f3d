// SPDX-License-Identifier: Apache-2.0
// io/parallel.h on OpenMP threads: jobs are handed out one by one, so that long
// and short ones mix.
#pragma once

#include "io/parallel.h"

namespace dtacs {

// threads < 1 counts as 1.  The result owns nothing and may be copied freely.
Parallel openmp(int threads) noexcept;

}  // namespace dtacs
