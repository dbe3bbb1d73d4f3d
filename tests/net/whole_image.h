// SPDX-License-Identifier: Apache-2.0
// The network as one would write it down: every tensor whole in memory, upsampling
// and concatenation done for real, direct loops.  What the row-streaming plan must
// equal to the bit when both use the scalar order of summation, and closely otherwise.
#pragma once

#include <vector>

#include "net/layer.h"
#include "weights/weights_file.h"

namespace dtacs::test {

struct Image {
  int height = 0, width = 0, channels = 0;
  std::vector<float> values;  // (height, width, channels)
  const float* at(int y, int x) const {
    return values.data() +
           (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) *
               static_cast<std::size_t>(channels);
  }
};

// Every tensor of the net, tensor 0 being the input.
std::vector<Image> run_whole_image(const Net& net, const WeightsFile& weights, const Image& input);

}  // namespace dtacs::test
