// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "kernels/head3x3/head3x3.h"

namespace dtacs {

// The reference: the formula in the header, nothing else.
void head3x3_f32_scalar(const Head3x3Args& a) noexcept {
  const std::ptrdiff_t channels = a.channels;
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    float* logits = a.logits + p * a.outputs;
    for (int n = 0; n < a.outputs; ++n) {
      float acc = a.bias[n];
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
          const float* in = a.rows[i] + (a.x0 + p + j - 1) * channels;
          const float* w = a.weights + ((n * 3 + i) * 3 + j) * channels;
          for (std::ptrdiff_t c = 0; c < channels; ++c) acc += in[c] * w[c];
        }
      }
      logits[n] = acc;
    }
    int best = 0;
    for (int n = 1; n < a.outputs; ++n)
      if (logits[n] > logits[best]) best = n;
    a.classes[p] = static_cast<std::uint8_t>(best);
  }
}

}  // namespace dtacs
