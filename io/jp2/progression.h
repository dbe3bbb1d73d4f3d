// SPDX-License-Identifier: Apache-2.0
// The order of packets in a tile (T.800 B.12): for each of the five progressions,
// the sequence of (component, resolution, precinct, layer).
#pragma once

#include <algorithm>
#include <cstdint>

#include "io/jp2/tile.h"

namespace dtacs::jp2 {

// The grid positions of one resolution's precincts, on the reference grid.
struct PrecinctSteps {
  std::uint64_t x, y;

  static PrecinctSteps of(const TileComponent& c, int r) noexcept {
    const Resolution& res = c.resolution[r];
    const int n = c.levels - r;
    return {static_cast<std::uint64_t>(c.dx) << (res.width_log2 + n), static_cast<std::uint64_t>(c.dy)
                                                                          << (res.height_log2 + n)};
  }
};

// Index of the precinct column (or row) that begins at `at`, or -1.  The first one
// begins at the tile's edge when the edge cuts it.
inline std::int64_t precinct_at(std::uint64_t at, std::uint64_t tile_edge, std::uint64_t step, int sampling,
                                int halvings, int size_log2, std::uint32_t resolution_edge) noexcept {
  const bool starts = at % step == 0;
  const bool cut =
      at == tile_edge &&
      (static_cast<std::uint64_t>(resolution_edge) << halvings) % (std::uint64_t{1} << (size_log2 + halvings)) != 0;
  if (!starts && !cut) return -1;
  const auto d = static_cast<std::uint64_t>(sampling);
  const std::uint64_t sample = ceil_shift((at + d - 1) / d, halvings);
  return static_cast<std::int64_t>(sample >> size_log2) - static_cast<std::int64_t>(resolution_edge >> size_log2);
}

enum class Visit { go_on, stop };

// Visits positions in the order y, x, component, resolution; F: Visit(component, resolution, precinct).
// `budget` bounds the steps: hostile headers can make nearly all of them idle.
template <class F>
Visit visit_positions(const Tile& tile, std::uint32_t c0, std::uint32_t c1, std::uint32_t r0, std::uint32_t r1,
                      std::uint64_t& budget, F&& visit) noexcept {
  const Rect& t = tile.rect;
  const auto last = [&](const TileComponent& c) { return std::min(r1, static_cast<std::uint32_t>(c.levels + 1)); };
  for (std::uint64_t y = t.y0, next_y; y < t.y1; y = next_y) {
    next_y = t.y1;
    for (std::uint64_t x = t.x0, next_x; x < t.x1; x = next_x) {
      next_x = t.x1;
      for (std::uint32_t c = c0; c < c1; ++c) {
        const TileComponent& tc = tile.component[c];
        for (std::uint32_t ri = r0; ri < last(tc); ++ri) {
          if (budget == 0) return Visit::stop;
          --budget;
          const int r = static_cast<int>(ri), n = tc.levels - r;
          const Resolution& res = tc.resolution[r];
          if (res.across == 0 || res.down == 0) continue;
          const PrecinctSteps step = PrecinctSteps::of(tc, r);
          if (x == t.x0) next_y = std::min(next_y, (y / step.y + 1) * step.y);
          const std::int64_t row = precinct_at(y, t.y0, step.y, tc.dy, n, res.height_log2, res.rect.y0);
          if (row < 0 || row >= res.down) continue;
          next_x = std::min(next_x, (x / step.x + 1) * step.x);
          const std::int64_t column = precinct_at(x, t.x0, step.x, tc.dx, n, res.width_log2, res.rect.x0);
          if (column < 0 || column >= res.across) continue;
          if (visit(c, r, static_cast<std::uint32_t>(row * res.across + column)) == Visit::stop) return Visit::stop;
        }
      }
    }
  }
  return Visit::go_on;
}

// Visits the packets of one progression; F: Visit(component, resolution, precinct, layer).
template <class F>
Visit visit_packets(const Tile& tile, const Progression& p, std::uint64_t& budget, F&& visit) noexcept {
  std::uint32_t resolutions = 0;
  for (std::uint32_t c = p.component_begin; c < p.component_end; ++c)
    resolutions = std::max(resolutions, static_cast<std::uint32_t>(tile.component[c].levels + 1));
  const std::uint32_t r1 = std::min(p.resolution_end, resolutions);
  const std::uint32_t layers = std::min<std::uint32_t>(p.layer_end, tile.parameters->layers);

  // All precincts of (r, c) in one layer.
  const auto precincts = [&](std::uint32_t c, std::uint32_t r, std::uint32_t layer) {
    const TileComponent& tc = tile.component[c];
    if (budget == 0) return Visit::stop;
    --budget;
    if (r >= static_cast<std::uint32_t>(tc.levels + 1)) return Visit::go_on;
    const Resolution& res = tc.resolution[r];
    for (std::uint32_t k = 0; k < res.across * res.down; ++k)
      if (visit(c, static_cast<int>(r), k, layer) == Visit::stop) return Visit::stop;
    return Visit::go_on;
  };
  // All layers of the precinct at a position.
  const auto all_layers = [&](std::uint32_t c, int r, std::uint32_t k) {
    for (std::uint32_t layer = 0; layer < layers; ++layer)
      if (visit(c, r, k, layer) == Visit::stop) return Visit::stop;
    return Visit::go_on;
  };

  switch (p.order) {
    case Order::lrcp:
      for (std::uint32_t layer = 0; layer < layers; ++layer)
        for (std::uint32_t r = p.resolution_begin; r < r1; ++r)
          for (std::uint32_t c = p.component_begin; c < p.component_end; ++c)
            if (precincts(c, r, layer) == Visit::stop) return Visit::stop;
      break;
    case Order::rlcp:
      for (std::uint32_t r = p.resolution_begin; r < r1; ++r)
        for (std::uint32_t layer = 0; layer < layers; ++layer)
          for (std::uint32_t c = p.component_begin; c < p.component_end; ++c)
            if (precincts(c, r, layer) == Visit::stop) return Visit::stop;
      break;
    case Order::rpcl:
      for (std::uint32_t r = p.resolution_begin; r < r1; ++r)
        if (visit_positions(tile, p.component_begin, p.component_end, r, r + 1, budget, all_layers) == Visit::stop)
          return Visit::stop;
      break;
    case Order::pcrl:
      return visit_positions(tile, p.component_begin, p.component_end, p.resolution_begin, r1, budget, all_layers);
    case Order::cprl:
      for (std::uint32_t c = p.component_begin; c < p.component_end; ++c)
        if (visit_positions(tile, c, c + 1, p.resolution_begin, r1, budget, all_layers) == Visit::stop)
          return Visit::stop;
      break;
  }
  return Visit::go_on;
}

}  // namespace dtacs::jp2
