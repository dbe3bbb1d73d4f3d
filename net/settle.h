// SPDX-License-Identifier: Apache-2.0
// How far from its start a stream of rows is right when it starts inside the image.
//
// A plan that starts at an inner row, a multiple of 32 so that strides and pairs of rows fall
// as they would, sees zeros where rows above should be.  What depends on them is confined
// to the first rows of each tensor: a layer's row is right when every row it reads is.
#pragma once

#include <initializer_list>

#include "net/layer.h"

namespace dtacs {

// Rows of the result, counted from the start, that may differ from those of the whole image.
constexpr int rows_to_settle(const Net& net) noexcept {
  int wrong[Net::kMax] = {};  // by tensor; none of the input
  for (int i = 0; i < net.layer_count; ++i) {
    const Layer& l = net.layers[i];
    const auto first_right = [&](int tensor) {
      if (tensor == kNoTensor) return 0;
      const int w = wrong[tensor];
      if (l.op == Op::pointwise || tensor == l.add) return w;
      if (l.up2 && tensor == l.in) return 2 * w + 1;  // floor((y - 1) / 2) >= w
      return (w + 1 + l.stride - 1) / l.stride;       // stride y - 1 >= w
    };
    int most = 0;
    for (const int n : {first_right(l.in), first_right(l.skip), first_right(l.add)}) most = n > most ? n : most;
    const bool pairs = l.op == Op::conv3x3 && l.stride == 1;  // made two rows at a time
    wrong[l.out] = pairs ? (most + 1) / 2 * 2 : most;
  }
  return wrong[net.layers[net.layer_count - 1].out];
}

}  // namespace dtacs
