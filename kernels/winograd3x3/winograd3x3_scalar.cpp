// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd3x3/winograd3x3.h"

namespace dtacs {

namespace {

constexpr int kPanel = 16;

// t = Bv d Bh' of one channel; d(i, j) = in[i][column[j] * channels].
void transform(const float* const* in, const std::ptrdiff_t (&column)[6], std::ptrdiff_t channels, float (&t)[24]) {
  for (int k = 0; k < 4; ++k) {
    float d[6];
    for (int j = 0; j < 6; ++j) {
      const std::ptrdiff_t at = column[j] * channels;
      if (k == 0) d[j] = in[0][at] - in[2][at];
      if (k == 1) d[j] = in[1][at] + in[2][at];
      if (k == 2) d[j] = in[2][at] - in[1][at];
      if (k == 3) d[j] = in[1][at] - in[3][at];
    }
    float* row = t + k * 6;
    row[0] = 4 * d[0] + (d[4] - 5 * d[2]);
    row[1] = (d[4] - 4 * d[2]) + (d[3] - 4 * d[1]);
    row[2] = (d[4] - 4 * d[2]) - (d[3] - 4 * d[1]);
    row[3] = (d[4] - d[2]) + 2 * (d[3] - d[1]);
    row[4] = (d[4] - d[2]) - 2 * (d[3] - d[1]);
    row[5] = 4 * d[1] + (d[5] - 5 * d[3]);
  }
}

// y = Av m Ah' of output n; m(k, l) = sums[k * 6 + l][n].
void inverse(const float (&sums)[24][kPanel], int n, float (&y)[2][4]) {
  for (int i = 0; i < 2; ++i) {
    float m[6];
    for (int l = 0; l < 6; ++l) {
      const float a = sums[6 + l][n], b = sums[12 + l][n];
      m[l] = i == 0 ? sums[l][n] + (a + b) : (a - b) - sums[18 + l][n];
    }
    y[i][0] = m[0] + ((m[1] + m[2]) + (m[3] + m[4]));
    y[i][1] = (m[1] - m[2]) + 2 * (m[3] - m[4]);
    y[i][2] = (m[1] + m[2]) + 4 * (m[3] + m[4]);
    y[i][3] = ((m[1] - m[2]) + 8 * (m[3] - m[4])) + m[5];
  }
}

}  // namespace

// The reference: the formulas in the header, tile by tile.  A panel of outputs shares
// each input value; their sums do not mix.
void winograd3x3_f32_scalar(const Winograd3x3Args& a) noexcept {
  const std::ptrdiff_t channels = a.channels;
  for (int pair = 0; pair < a.pairs; ++pair) {
    for (int x = a.x0; x < a.x0 + a.pixels; x += 4) {
      std::ptrdiff_t column[6];
      for (int j = 0; j < 6; ++j) column[j] = x + j - 1 < a.width ? x + j - 1 : a.width;  // zeros stand there
      for (std::ptrdiff_t c = 0; c < channels; ++c) {
        const float* in[4];
        for (int i = 0; i < 4; ++i) in[i] = a.in[2 * pair + i] + c;
        float t[24];
        transform(in, column, channels, t);
        for (int k = 0; k < 24; ++k) a.scratch[k * channels + c] = t[k];
      }
      const float* w = a.packed;
      for (int first = 0; first < a.outputs; first += kPanel) {
        const float* bias = w;
        w += kPanel;
        float sums[24][kPanel] = {};
        for (int k = 0; k < 24; ++k) {
          for (std::ptrdiff_t c = 0; c < channels; ++c, w += kPanel) {
#pragma GCC unroll 1  // left a loop, it is vectorised
            for (int n = 0; n < kPanel; ++n) sums[k][n] += a.scratch[k * channels + c] * w[n];
          }
        }
        for (int n = 0; n < kPanel && first + n < a.outputs; ++n) {
          float y[2][4];
          inverse(sums, n, y);
          for (int i = 0; i < 2; ++i) {
            for (int j = 0; j < 4 && x + j < a.x0 + a.pixels; ++j) {
              float* out = a.out[2 * pair + i] + static_cast<std::ptrdiff_t>(x + j) * a.outputs + first + n;
              float v = y[i][j] + bias[n];
              if (a.add) v += *out;
              v = v < a.lo ? a.lo : v;
              *out = v > a.hi ? a.hi : v;
            }
          }
        }
      }
    }
  }
}

}  // namespace dtacs
