// SPDX-License-Identifier: Apache-2.0
// Where each activation lives inside one arena, decided before running.
//
// Greedy by size (the TensorFlow Lite Micro rule): place the largest tensor
// first; put each next one at the lowest offset that does not collide with a
// placed tensor alive at the same time.  constexpr, so a firmware build gets
// its arena size from the compiler:
//
//   constexpr auto plan = plan_memory(kUnetSc, 256, 256, sizeof(float));
//   alignas(64) std::byte arena[plan.bytes];
#pragma once

#include <cstddef>

#include "net/layer.h"

namespace dtacs {

inline constexpr std::size_t kAlign = 64;

struct MemoryPlan {
  std::size_t offset[Net::kMax] = {};  // by tensor
  std::size_t bytes = 0;               // arena size
  std::size_t live_peak = 0;           // lower bound: most bytes alive at once
};

// height, width: of tensor 0, multiples of 32.  element: bytes per value.
constexpr MemoryPlan plan_memory(const Net& net, int height, int width, std::size_t element) {
  struct Life {
    std::size_t bytes = 0;
    int first = 0, last = 0;  // layers between which the tensor must stay
    bool placed = false;
  };
  Life life[Net::kMax];
  for (int t = 0; t < net.tensor_count; ++t) {
    const Tensor& x = net.tensors[t];
    const std::size_t rows = static_cast<std::size_t>(height >> x.shift);
    const std::size_t row = static_cast<std::size_t>(width >> x.shift) * static_cast<std::size_t>(x.channels);
    life[t].bytes = (rows * row * element + kAlign - 1) / kAlign * kAlign;
  }
  for (int i = 0; i < net.layer_count; ++i) {
    const Layer& l = net.layers[i];
    life[l.out].first = i;
    const int uses[] = {l.in, l.skip, l.add, l.out};
    for (const int t : uses)
      if (t != kNoTensor) life[t].last = i;
  }

  MemoryPlan plan;
  for (int i = 0; i < net.layer_count; ++i) {
    std::size_t live = 0;
    for (int t = 0; t < net.tensor_count; ++t)
      if (life[t].first <= i && i <= life[t].last) live += life[t].bytes;
    plan.live_peak = live > plan.live_peak ? live : plan.live_peak;
  }
  for (int n = 0; n < net.tensor_count; ++n) {
    int big = -1;
    for (int t = 0; t < net.tensor_count; ++t)
      if (!life[t].placed && (big < 0 || life[t].bytes > life[big].bytes)) big = t;

    Life& me = life[big];
    std::size_t at = 0;
    for (bool moved = true; moved;) {  // slide past every collision, lowest first
      moved = false;
      for (int t = 0; t < net.tensor_count; ++t) {
        const Life& other = life[t];
        const bool together = other.placed && other.first <= me.last && me.first <= other.last;
        const std::size_t end = plan.offset[t] + other.bytes;
        if (together && at < end && plan.offset[t] < at + me.bytes) {
          at = end;
          moved = true;
        }
      }
    }
    plan.offset[big] = at;
    me.placed = true;
    plan.bytes = at + me.bytes > plan.bytes ? at + me.bytes : plan.bytes;
  }
  return plan;
}

}  // namespace dtacs
