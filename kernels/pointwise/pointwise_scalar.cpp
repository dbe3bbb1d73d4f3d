// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise/pointwise.h"

namespace dtacs {

// The reference: the formula in the header, in its order.  A panel of outputs
// shares each input value; their sums do not mix.
void pointwise_f32_scalar(const PointwiseArgs& a) noexcept {
  constexpr int kPanel = 16;
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    const float* in = a.in + p * a.depth;
    const float* w = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel) {
      float acc[kPanel];
      for (float& sum : acc) sum = *w++;
      for (int k = 0; k < a.depth; ++k, w += kPanel) {
#pragma GCC unroll 1  // left a loop, it is vectorised: twice as fast
        for (int n = 0; n < kPanel; ++n) acc[n] += in[k] * w[n];
      }
      for (int n = 0; n < kPanel && first + n < a.outputs; ++n) {
        const std::ptrdiff_t at = p * a.outputs + first + n;
        float v = acc[n] < a.lo ? a.lo : acc[n];
        v = v > a.hi ? a.hi : v;
        a.out[at] = a.add == nullptr ? v : v + a.add[at];
      }
    }
  }
}

}  // namespace dtacs
