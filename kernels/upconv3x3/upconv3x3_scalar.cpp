// SPDX-License-Identifier: Apache-2.0
#include "kernels/upconv3x3/upconv3x3.h"

namespace dtacs {

// The reference: the formulas in the header, tile by tile.  A panel of outputs shares
// each input value; their sums do not mix.
void upconv3x3_f32_scalar(const Upconv3x3Args& a) noexcept {
  constexpr int kPanel = 16, kInput[] = {0, 1, 2, 0, 2}, kBeside[] = {3, 0, 2, 4};
  const std::ptrdiff_t channels = a.channels;
  const int products = products_upconv3x3(a.across), end = a.x0 + a.pixels;
  for (int pair = 0; pair < a.pairs; ++pair) {
    for (std::ptrdiff_t x = a.x0; x < a.x0 + a.across * tiles_upconv3x3(a.across, a.pixels); x += a.across) {
      for (std::ptrdiff_t c = 0; c < channels; ++c) {
        float d[3][3] = {};  // after differences down, columns x - 1, x, x + 1
        for (int j = 0; j < 3; ++j) {
          if (j == 2 && x == end) continue;  // no output there is wanted
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
        float m[3][5][kPanel] = {};
        for (int k = 0; k < 3; ++k) {
          for (int l = 0; l < products; ++l) {
            const float* t = a.scratch + (k * 3 + kInput[l]) * channels;
            for (std::ptrdiff_t c = 0; c < channels; ++c, w += kPanel) {
#pragma GCC unroll 1  // left a loop, it is vectorised
              for (int n = 0; n < kPanel; ++n) m[k][l][n] += t[c] * w[n];
            }
          }
        }
        for (int i = 0; i < 2; ++i) {
          for (int j = 1 - a.across; j <= a.across; ++j) {
            const std::ptrdiff_t column = 2 * x + j;
            if (column < 2 * a.x0 || column >= 2 * end) continue;
            float* out = a.out[2 * pair + i] + column * a.outputs + first;
            const int l = kBeside[j + 1];
            for (int n = 0; n < kPanel && first + n < a.outputs; ++n) {
              float v = ((m[i][1][n] + m[i + 1][1][n]) + (m[i][l][n] + m[i + 1][l][n])) + bias[n];
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
