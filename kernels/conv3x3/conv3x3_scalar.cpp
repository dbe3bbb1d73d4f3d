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
      for (const Conv3x3Source& s : a.source) {
        for (int i = 0; i < 3 && s.channels > 0; ++i) {
          for (int j = 0; j < 3; ++j) {
            const std::ptrdiff_t x = (a.x0 + p) * a.stride + j - 1;
            const float* in = s.rows[i] + (s.up2 ? x >> 1 : x) * s.channels;
            for (int c = 0; c < s.channels; ++c, w += kPanel) {
#pragma GCC unroll 1  // left a loop, it is vectorised: twice as fast
              for (int n = 0; n < kPanel; ++n) acc[n] += in[c] * w[n];
            }
          }
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
