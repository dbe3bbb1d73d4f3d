// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise_s8/pointwise_s8.h"

#include <immintrin.h>

namespace dtacs {

namespace {

#include "kernels/simd/s8_avx512vnni.inl"

#include "kernels/block_s8.inl"

#include "kernels/simd/tiles_s8.inl"

template <int V>
void block(const PointwiseS8Args& a, const std::int32_t* head, int first, std::ptrdiff_t pixel, std::ptrdiff_t some) {
  const auto* w = reinterpret_cast<const std::int8_t*>(head + 3 * kPanel);
  const std::uint8_t* in = a.in + pixel * a.depth;
  const TileSums<V> tiles(some, a.pixels - pixel - some);
  typename TileSums<V>::Stored high, sums;
  tiles.set_zero();
  if (a.wide) {
    tiles.accumulate(in, a.depth, w, a.depth);
    tiles.keep(high);
    tiles.set_zero();
    w += whole_tiles(a.depth) * kPanel;
  }
  tiles.accumulate(in, a.depth, w, a.depth);
  tiles.keep(sums);
  Vec bias[V], factor[V];
  for (int v = 0; v < V; ++v) {
    bias[v] = load(head + v * kLanes);
    factor[v] = load(head + 2 * kPanel + v * kLanes);
  }
  const int outputs = a.outputs - first;
  const std::ptrdiff_t to = pixel * a.outputs + first;
  tiles.store_bytes(head + kPanel, a.out + to, a.outputs, outputs, [&](std::ptrdiff_t p, int v) {
    Vec sum = add(load(sums.of[p] + v * kLanes), bias[v]);
    if (a.wide) sum = add(sum, times128(load(high.of[p] + v * kLanes)));
    if (a.add == nullptr) return sum;
    return add_product(sum, load_u8(a.add + to + p * a.outputs + v * kLanes, outputs - v * kLanes), factor[v]);
  });
}

}  // namespace

void pointwise_s8_amxint8(const PointwiseS8Args& a) noexcept {
  // Input that all panels walk over before the next pixels come: half of a small L2.
  constexpr std::ptrdiff_t kChunkBytes = 128 * 1024;
  const TileUse use;
  const std::ptrdiff_t panel_size = (12 + (a.wide ? 2 : 1) * whole_tiles(a.depth)) * kPanel;
  std::ptrdiff_t chunk = kChunkBytes / a.depth / kTilePixels * kTilePixels;
  if (chunk < 2 * kTilePixels) chunk = 2 * kTilePixels;
  for (std::ptrdiff_t begin = 0; begin < a.pixels; begin += chunk) {
    const std::ptrdiff_t end = a.pixels - begin < chunk ? a.pixels : begin + chunk;
    const std::byte* packed = a.packed;
    for (int first = 0; first < a.outputs; first += kPanel, packed += panel_size) {
      const auto* head = reinterpret_cast<const std::int32_t*>(packed);
      for (std::ptrdiff_t pixel = begin; pixel < end; pixel += kTilePixels) {
        const std::ptrdiff_t some = end - pixel < kTilePixels ? end - pixel : kTilePixels;
        if (half_panel(a.outputs - first))
          block<1>(a, head, first, pixel, some);
        else
          block<2>(a, head, first, pixel, some);
      }
    }
  }
}

}  // namespace dtacs
