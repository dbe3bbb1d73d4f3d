// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3x3/conv3x3.h"

namespace dtacs {

// The reference: the formula in the header, in its order.  A panel of outputs
// shares each input value; their sums do not mix.
void conv3x3_f32_scalar(const Conv3x3Args& a) noexcept {
  constexpr int kPanel = 16;
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    const float* w = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel) {
      float acc[kPanel];
      for (float& sum : acc) sum = *w++;
      for (int i = 0; i < 3; ++i) {
        const float* in = a.rows[i] + ((a.x0 + p) * a.stride - 1) * a.channels;
        for (int k = 0; k < 3 * a.channels; ++k, w += kPanel) {  // j, c: three pixels are one run in memory
#pragma GCC unroll 1                                             // left a loop, it is vectorised: twice as fast
          for (int n = 0; n < kPanel; ++n) acc[n] += in[k] * w[n];
        }
      }
      for (int n = 0; n < kPanel && first + n < a.outputs; ++n) {
        const float v = acc[n] < a.lo ? a.lo : acc[n];
        a.out[p * a.outputs + first + n] = v > a.hi ? a.hi : v;
      }
    }
  }
}

}  // namespace dtacs
