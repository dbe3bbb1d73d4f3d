// SPDX-License-Identifier: Apache-2.0
// All that the outputs of a run depend on, as text: two runs with the same identity write the
// same bytes.  Left out is what changes how a result is reached: threads, memory, time.
#pragma once

#include <string>

#include "tools/run/chosen_weights.h"
#include "tools/run/run.h"

namespace dtacs {

std::string job_identity(const RunOptions& options, const ProductInfo& product, const ChosenWeights& weights);

// All that decides whether a product can be run, but for the product itself.
std::string way_identity(const RunOptions& options, const ChosenWeights& weights);

}  // namespace dtacs
