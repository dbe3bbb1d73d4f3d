// SPDX-License-Identifier: Apache-2.0
// Weights a run uses: from files named on the command line, else those built in.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/isa.h"
#include "net/model.h"
#include "weights/weights_file.h"

namespace dtacs {

struct LoadedWeights {
  std::string name;                   // the path, or "built-in classification"
  std::shared_ptr<const void> bytes;  // the mapped file, or memory; whatever holds them
  std::size_t memory = 0;             // bytes of that memory: of what was packed
  WeightsFile weights;
  Model model;
};

// Weights in memory that outlives the result.  Throws Failure(bad_weights).
LoadedWeights open_weights(const std::string& name, std::span<const std::byte> bytes);

// A weights file, packed or not.  Throws Failure: missing_input, bad_weights, memory_cap for a packed one of more than
// `most` bytes.
LoadedWeights load_weights(const std::string& path, std::uint64_t most = std::numeric_limits<std::uint64_t>::max());

// Whether int8 weights are the default: with SSE4.1 alone, and on ARM with dot products.
// Time and memory are short there, and int8 takes less of both (bench/RESULTS.md).  With
// wider vectors float32 is fast enough, and one pixel in a hundred of another class buys too
// little; on NEON without dot products, and without any vectors, int8 is the slower one.
bool int8_by_default(IsaSet isa);

// The default weights inside this binary; nothing when it was built without.
std::optional<LoadedWeights> built_in_classification(bool int8);
std::optional<LoadedWeights> built_in_correction();

}  // namespace dtacs
