// SPDX-License-Identifier: Apache-2.0
#include "kernels/upconv3x3/upconv3x3.h"

namespace dtacs {

// The reference: the formulas in the header, tile by tile.  A panel of outputs shares
// each input value; their sums do not mix.
void upconv3x3_f32_scalar(const Upconv3x3Args& a) noexcept {
  constexpr int kPanel = 16;
  const std::ptrdiff_t channels = a.channels;
  for (int pair = 0; pair < a.pairs; ++pair) {
    for (std::ptrdiff_t x = a.x0; x < a.x0 + a.pixels; ++x) {
      for (std::ptrdiff_t c = 0; c < channels; ++c) {
        float d[3][3];  // after differences down, columns x - 1, x, x + 1
        for (int j = 0; j < 3; ++j) {
          const std::ptrdiff_t at = (x + j - 1) * channels + c;
          const float p = a.in[pair][at], q = a.in[pair + 1][at], r = a.in[pair + 2][at];
          d[0][j] = q - p;
          d[1][j] = q;
          d[2][j] = r - q;
        }
        for (int k = 0; k < 3; ++k) {
          float* t = a.scratch + k * 3 * channels + c;
          t[0] = d[k][1] - d[k][0];
          t[channels] = d[k][1];
          t[2 * channels] = d[k][2] - d[k][1];
        }
      }
      const float* w = a.packed;
      for (int first = 0; first < a.outputs; first += kPanel) {
        const float* bias = w;
        w += kPanel;
        float m[9][kPanel] = {};
        for (int k = 0; k < 9; ++k) {
          for (std::ptrdiff_t c = 0; c < channels; ++c, w += kPanel) {
#pragma GCC unroll 1  // left a loop, it is vectorised
            for (int n = 0; n < kPanel; ++n) m[k][n] += a.scratch[k * channels + c] * w[n];
          }
        }
        for (int i = 0; i < 2; ++i) {
          for (int j = 0; j < 2; ++j) {
            float* out = a.out[2 * pair + i] + (2 * x + j) * a.outputs + first;
            const int k = i * 3 + j;
            for (int n = 0; n < kPanel && first + n < a.outputs; ++n) {
              float v = ((m[k][n] + m[k + 3][n]) + (m[k + 1][n] + m[k + 4][n])) + bias[n];
              v = v < a.lo ? a.lo : v;
              out[n] = v > a.hi ? a.hi : v;
            }
          }
        }
      }
    }
  }
}

}  // namespace dtacs
