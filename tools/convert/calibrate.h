// SPDX-License-Identifier: Apache-2.0
// Networks at work on scenes, watched: what their tensors hold, and how far two
// versions of one network are apart.
#pragma once

#include <string>
#include <vector>

#include "tools/convert/quantise.h"
#include "tools/run/loaded_weights.h"

namespace dtacs {

// How a channel's range is chosen from what it held.
enum class RangeRule {
  largest,     // everything fits
  percentile,  // 99.99 % of the values do
  squares,     // the mean squared error of rounding and saturating is least
};

// scenes: products as `dtacs run` reads them, at least one.  weights: of float32, for
// classification.  Throws Failure: model_mismatch as bands_to_read() has it; bad_weights where
// a layer's values are infinite or not a number.
std::vector<TensorRanges> calibrate(const LoadedWeights& weights, const std::vector<std::string>& scenes,
                                    RangeRule rule);

// Runs both over the scenes and prints the relative rms distance of each layer's output
// and the share of valid pixels in the same class, which is the result.  Two weights files
// of one network.
double compare_weights(const std::string& first, const std::string& second, const std::vector<std::string>& scenes);

}  // namespace dtacs
