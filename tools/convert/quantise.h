// SPDX-License-Identifier: Apache-2.0
// A classification network from float32 to the integers of weights/FORMAT.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/layer.h"
#include "tools/convert/weights_writer.h"
#include "weights/weights_file.h"

namespace dtacs {

// What a channel of a tensor holds on the calibration scenes.
struct ChannelRange {
  float lo = 0, hi = 0;  // values beyond may saturate
  double mean = 0;
};
using TensorRanges = std::vector<ChannelRange>;  // by channel

struct QuantiseOptions {
  std::vector<std::string> wide = {};  // layers to give weights of 14 bits: see may_be_wide()
};

// Tensors `<layer>.w .b .m .r .s` for every layer.  ranges: by tensor of the net; those
// of the input and the result are not used.  Throws Failure(bad_weights).
std::vector<WeightsTensor> quantise(const Net& net, const WeightsFile& weights, const std::vector<TensorRanges>& ranges,
                                    const QuantiseOptions& options);

}  // namespace dtacs
