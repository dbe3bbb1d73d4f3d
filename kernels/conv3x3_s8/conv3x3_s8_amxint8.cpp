// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3x3_s8/conv3x3_s8.h"

#include <immintrin.h>

namespace dtacs {

namespace {

#include "kernels/simd/s8_avx512vnni.inl"

#include "kernels/block_s8.inl"

#include "kernels/simd/tiles_s8.inl"

// Output pixels first_x, first_x + stride, ...: all of them, or those of one parity, which share a phase.
template <int V>
struct Panel {
  const Conv3x3S8Args& a;
  const std::int32_t* head;
  int first;  // output
  std::ptrdiff_t first_x;
  int stride;
  std::ptrdiff_t pixels;

  void run() const {
    for (std::ptrdiff_t at = 0; at < pixels; at += kTilePixels) {
      const std::ptrdiff_t left = pixels - at, some = left < kTilePixels ? left : kTilePixels;
      block(first_x + at * stride, some, left - some);
    }
  }

  // As in conv3x3_s8.inl.
  void block(std::ptrdiff_t x, std::ptrdiff_t some, std::ptrdiff_t after) const {
    const std::ptrdiff_t half = a.half_channels, half_run = whole_tiles(2 * half) * kPanel;
    const std::ptrdiff_t phase = (a.y & 1) * 2 + (x & 1);
    const auto* weights = reinterpret_cast<const std::int8_t*>(head + 5 * kPanel);
    const TileSums<V> tiles(some, after);
    typename TileSums<V>::Stored high, sums;
    tiles.set_zero();
    if (a.wide) {
      weights = taps(tiles, weights, x);
      tiles.keep(high);
      tiles.set_zero();
    } else if (half > 0) {
      const std::int8_t* w = weights + phase * 2 * half_run;
      for (const std::uint8_t* row : a.half) {
        tiles.accumulate(row + ((x - 1) >> 1) * half, half, w, 2 * half);
        w += half_run;
      }
      weights += 8 * half_run;
    }
    taps(tiles, weights, x);
    tiles.keep(sums);
    Vec bias[V];
    for (int v = 0; v < V; ++v) bias[v] = load(head + phase * kPanel + v * kLanes);
    tiles.store_bytes(head + 4 * kPanel, a.out + (x - a.x0) * a.outputs + first,
                      stride * static_cast<std::ptrdiff_t>(a.outputs), a.outputs - first, [&](std::ptrdiff_t p, int v) {
                        const Vec sum = add(load(sums.of[p] + v * kLanes), bias[v]);
                        return a.wide ? add(sum, times128(load(high.of[p] + v * kLanes))) : sum;
                      });
  }

  // Where the weights end.
  const std::int8_t* taps(const TileSums<V>& tiles, const std::int8_t* w, std::ptrdiff_t x) const {
    const std::ptrdiff_t full = a.full_channels;
    if (full == 0) return w;
    for (const std::uint8_t* row : a.full) {
      tiles.accumulate(row + (x - 1) * full, stride * full, w, 3 * full);
      w += whole_tiles(3 * full) * kPanel;
    }
    return w;
  }
};

template <int V>
void one_panel(const Conv3x3S8Args& a, const std::int32_t* head, int first) {
  if (a.half_channels == 0) return Panel<V>{a, head, first, a.x0, 1, a.pixels}.run();
  Panel<V>{a, head, first, a.x0, 2, (a.pixels + 1) / 2}.run();
  Panel<V>{a, head, first, a.x0 + 1, 2, a.pixels / 2}.run();
}

}  // namespace

void conv3x3_s8_amxint8(const Conv3x3S8Args& a) noexcept {
  const TileUse use;
  const std::ptrdiff_t half = a.half_channels, full = a.full_channels;
  const std::ptrdiff_t panel_size =
      (20 + 8 * whole_tiles(2 * half) + (a.wide ? 6 : 3) * whole_tiles(3 * full)) * kPanel;
  const std::byte* packed = a.packed + a.begin / kPanel * panel_size;
  for (int first = a.begin; first < a.end; first += kPanel, packed += panel_size) {
    const auto* head = reinterpret_cast<const std::int32_t*>(packed);
    if (half_panel(a.outputs - first))
      one_panel<1>(a, head, first);
    else
      one_panel<2>(a, head, first);
  }
}

}  // namespace dtacs
