// SPDX-License-Identifier: Apache-2.0
#include "kernels/pixelnet/pixelnet.h"

namespace dtacs {

namespace {

float dot(float bias, const float* a, const float* b, int count) noexcept {
  for (int i = 0; i < count; ++i) bias += a[i] * b[i];
  return bias;
}

}  // namespace

// The reference: the formula in the header, in its order, nothing else.
// Comparisons are written so that NaN fails them and becomes 0.
void pixelnet_u16_scalar(const PixelNetArgs& a) noexcept {
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    float x[kPixelNetMaxBands], h[kPixelNetMaxHidden];
    for (int c = 0; c < a.inputs; ++c) x[c] = (static_cast<float>(a.in[c][p]) + a.offset[c]) / a.quantification;
    for (int k = 0; k < a.hidden; ++k) {
      const float v = dot(a.b1[k], x, a.w1 + k * a.inputs, a.inputs);
      h[k] = v > 0.0f ? v : 0.0f;
    }
    for (int m = 0; m < a.outputs; ++m) {
      const float f = a.hidden > 0 ? dot(a.b2[m], h, a.w2 + m * a.hidden, a.hidden)
                                   : dot(a.b2[m], x, a.w2 + m * a.inputs, a.inputs);
      float y = a.residual != nullptr ? x[a.residual[m]] - f : f;
      y = y > 0.0f ? y : 0.0f;
      y = y < 2.0f ? y : 2.0f;
      a.out[m][p] = static_cast<std::uint16_t>(y * 10000.0f);
    }
  }
}

}  // namespace dtacs
