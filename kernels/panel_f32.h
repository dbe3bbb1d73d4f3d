// SPDX-License-Identifier: Apache-2.0
// Packing that the float32 convolutions share: panels of `panel` outputs, each its biases
// and then its weights in the order of accumulation, [group][c][output].  Outputs that do not
// exist are zeros.
#pragma once

#include <cstddef>

namespace dtacs {

constexpr std::size_t packed_size_f32(int panel, int outputs, int groups, int channels) noexcept {
  const auto columns = static_cast<std::size_t>((outputs + panel - 1) / panel * panel);
  return columns * (1 + static_cast<std::size_t>(groups) * static_cast<std::size_t>(channels));
}

// bias: (outputs), or nullptr for zeros.  weight(n, group, c) of each output that exists.
template <class Weight>
void pack_f32(int panel, const float* bias, int outputs, int groups, int channels, const Weight& weight,
              float* packed) noexcept {
  for (int first = 0; first < outputs; first += panel) {
    for (int n = first; n < first + panel; ++n) *packed++ = n < outputs && bias != nullptr ? bias[n] : 0.0f;
    for (int g = 0; g < groups; ++g)
      for (int c = 0; c < channels; ++c)
        for (int n = first; n < first + panel; ++n) *packed++ = n < outputs ? weight(n, g, c) : 0.0f;
  }
}

}  // namespace dtacs
