// SPDX-License-Identifier: Apache-2.0
// What a weights file says it is: which network, which bands go in, what comes out.
#pragma once

#include <cstdint>

#include "io/bands.h"
#include "io/status.h"
#include "kernels/head3x3/head3x3.h"
#include "kernels/pixelnet/pixelnet.h"
#include "net/layer.h"
#include "weights/weights_file.h"

namespace dtacs {

enum class NetKind {
  unet_mobilenet_v2,  // scene classification: logits of the classes
  unet_corrector,     // the same graph; out = x[output bands] - f(x)
  cnn_corrector,      // pixel network of two layers; out = x[output bands] - f(x)
  linear,             // pixel network of one layer; out = f(x)
};

struct Model {
  NetKind kind = NetKind::linear;
  bool int8 = false;  // the weights are integers, for Int8Plan; classification only
  int inputs = 0;
  int input_bands[kPixelNetMaxBands] = {};   // band index of each input channel
  int outputs = 0;                           // classes, or bands
  int output_bands[kPixelNetMaxBands] = {};  // correction only: band index of each output
  int residual[kPixelNetMaxBands] = {};      // correction only: input channel of that band

  bool classifies() const noexcept { return kind == NetKind::unet_mobilenet_v2; }
  bool is_unet() const noexcept { return kind == NetKind::unet_mobilenet_v2 || kind == NetKind::unet_corrector; }
};

// Reads the metadata "net", "precision", "bands" and "outputs".  unsupported: a network this
// build does not know; corrupt: the metadata contradict themselves (an unknown
// band, an output band that is no input).  Shapes are checked when a plan is bound.
Status read_model(const WeightsFile& weights, Model& model) noexcept;

// A pixel network's weights, widened.  Bound once, then read by any thread.
struct PixelNet {
  Model model;
  int hidden = 0;
  float w1[kPixelNetMaxHidden * kPixelNetMaxBands] = {};  // (hidden, inputs), dense
  float b1[kPixelNetMaxHidden] = {};
  float w2[kPixelNetMaxBands * kPixelNetMaxHidden] = {};  // (outputs, hidden); (outputs, inputs) without hidden
  float b2[kPixelNetMaxBands] = {};
};

// wrong_shape: tensors a0.w, a0.b (a1.w, a1.b) are missing or do not fit the metadata.
Status bind_pixel_net(const WeightsFile& weights, const Model& model, PixelNet& net) noexcept;

// The graph of a U-Net model.
Net unet_of(const Model& model) noexcept;

// reflectance -> digital number as the reference writes it: clamp to 0..2, times
// 10000, truncate.
inline std::uint16_t reflectance_to_dn(float y) noexcept {
  const float clamped = y > 0.0f ? (y < 2.0f ? y : 2.0f) : 0.0f;
  return static_cast<std::uint16_t>(clamped * 10000.0f);
}

}  // namespace dtacs
