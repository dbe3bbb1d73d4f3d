// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "kernels/dwconv3x3/dwconv3x3.h"

namespace dtacs {

// The reference: the formula in the header, in its order, nothing else.
void dwconv3x3_f32_scalar(const Dwconv3x3Args& a) noexcept {
  const std::ptrdiff_t channels = a.channels;
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    const std::ptrdiff_t left = ((a.x0 + p) * a.stride - 1) * channels;
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
      float acc = a.bias[c];
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) acc += a.rows[i][left + j * channels + c] * a.weights[(i * 3 + j) * channels + c];
      acc = acc < a.lo ? a.lo : acc;
      a.out[p * channels + c] = acc > a.hi ? a.hi : acc;
    }
  }
}

}  // namespace dtacs
