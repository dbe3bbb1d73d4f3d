// SPDX-License-Identifier: Apache-2.0
// U-Net with a MobileNetV2 encoder, as segmentation_models_pytorch builds it,
// batch norms folded.  Keys: e0 stem; e1..e17 inverted residuals (.exp .dw .prj);
// e18 last encoder layer; d0..d4 decoder blocks (.c1 .c2); head.
#pragma once

#include "net/layer.h"

namespace dtacs {

constexpr Net unet_mobilenet_v2(int in_channels, int out_channels) {
  Net net;
  int x = net.tensor(in_channels, 0);
  x = net.add({.key = "e0", .op = Op::conv3x3, .act = Act::relu6, .stride = 2, .in = x}, 32);

  struct Stage {
    int expand, channels, repeat, stride;
  };
  constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                               {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  int skips[6] = {};  // by shift: the last tensor of that size
  int channels = 32, block = 0;
  for (const Stage& s : kStages) {
    for (int k = 0; k < s.repeat; ++k) {
      ++block;
      const int stride = k == 0 ? s.stride : 1;
      const int wide = channels * s.expand;
      const int residual = stride == 1 && channels == s.channels ? x : kNoTensor;
      if (s.expand != 1) x = net.add({.key = {"e", block, ".exp"}, .act = Act::relu6, .in = x, .inner = true}, wide);
      x = net.add({.key = {"e", block, ".dw"},
                   .op = Op::dwconv3x3,
                   .act = Act::relu6,
                   .stride = stride,
                   .in = x,
                   .inner = true},
                  wide);
      x = net.add({.key = {"e", block, ".prj"}, .in = x, .add = residual}, s.channels);
      channels = s.channels;
      skips[net.tensors[x].shift] = x;
    }
  }
  x = net.add({.key = "e18", .act = Act::relu6, .in = x}, 1280);

  constexpr int kDecoder[] = {256, 128, 64, 32, 16};
  for (int d = 0; d < 5; ++d) {
    const int skip = d < 4 ? skips[4 - d] : kNoTensor;
    x = net.add({.key = {"d", d, ".c1"}, .op = Op::conv3x3, .act = Act::relu, .up2 = true, .in = x, .skip = skip},
                kDecoder[d]);
    x = net.add({.key = {"d", d, ".c2"}, .op = Op::conv3x3, .act = Act::relu, .in = x}, kDecoder[d]);
  }
  net.add({.key = "head", .op = Op::head3x3, .in = x}, out_channels);
  return net;
}

inline constexpr Net kUnetSc = unet_mobilenet_v2(13, 4);

}  // namespace dtacs
