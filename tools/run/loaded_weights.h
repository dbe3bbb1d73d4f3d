// SPDX-License-Identifier: Apache-2.0
// Weights a run uses: from files named on the command line, else those built in.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/model.h"
#include "weights/weights_file.h"

namespace dtacs {

struct LoadedWeights {
  std::string name;                   // the path, or "built-in classification"
  std::shared_ptr<const void> bytes;  // the mapped file, or memory; whatever holds them
  WeightsFile weights;
  Model model;
};

// Weights in memory that outlives the result.  Throws Failure(bad_weights).
LoadedWeights open_weights(const std::string& name, std::span<const std::byte> bytes);

// A weights file, packed or not.  Throws Failure: missing_input, bad_weights.
LoadedWeights load_weights(const std::string& path);

// The default weights inside this binary; nothing when it was built without.
std::optional<LoadedWeights> built_in_classification(bool int8);
std::optional<LoadedWeights> built_in_correction();

}  // namespace dtacs
