// SPDX-License-Identifier: Apache-2.0
// Which weights a run uses, and whether they fit the product.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "io/host/product.h"
#include "tools/run/loaded_weights.h"
#include "tools/run/run.h"

namespace dtacs {

struct ChosenWeights {
  std::optional<LoadedWeights> classification, correction;  // of the tasks asked for

  // Those there are, the classification first.
  std::vector<const LoadedWeights*> all() const;
  std::size_t memory() const;
};

// For each task of the options the file given, else what is built in.  Throws Failure:
// missing_input, bad_weights; usage where files and options contradict each other.
ChosenWeights choose_weights(const RunOptions& options);

// The bands that the weights read, ascending.  Throws Failure where the product lacks one, or is
// of another kind than they were trained on: missing_input, model_mismatch.
std::vector<int> bands_to_read(const ProductInfo& product, const ChosenWeights& weights);

}  // namespace dtacs
