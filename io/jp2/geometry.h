// SPDX-License-Identifier: Apache-2.0
// Where everything is (T.800 Annex B): tiles on the reference grid, tile-components,
// resolutions, sub-bands, precincts and code-blocks, all half-open rectangles.
// The only place that turns header fields into coordinates.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dtacs::jp2 {

struct Rect {
  std::uint32_t x0 = 0, y0 = 0, x1 = 0, y1 = 0;

  constexpr bool empty() const noexcept { return x1 <= x0 || y1 <= y0; }
  constexpr std::uint32_t width() const noexcept { return x1 > x0 ? x1 - x0 : 0; }
  constexpr std::uint32_t height() const noexcept { return y1 > y0 ? y1 - y0 : 0; }
  constexpr std::uint64_t area() const noexcept { return static_cast<std::uint64_t>(width()) * height(); }
};

constexpr Rect intersect(const Rect& a, const Rect& b) noexcept {
  return {std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)};
}

constexpr std::uint32_t ceil_div(std::uint32_t v, std::uint32_t d) noexcept {
  return v / d + (v % d != 0 ? 1 : 0);
}
// v / 2^n for n <= 63, rounded up and down.
constexpr std::uint32_t ceil_shift(std::uint64_t v, int n) noexcept {
  return static_cast<std::uint32_t>((v >> n) + ((v & ((std::uint64_t{1} << n) - 1)) != 0 ? 1 : 0));
}
constexpr std::uint32_t floor_shift(std::uint64_t v, int n) noexcept {
  return static_cast<std::uint32_t>(v >> n);
}

// The image and its tiling on the reference grid: the fields of SIZ.
struct Grid {
  Rect image;                      // XOsiz, YOsiz, Xsiz, Ysiz
  std::uint32_t tile_x0, tile_y0;  // XTOsiz, YTOsiz
  std::uint32_t tile_width, tile_height;
  std::uint32_t columns, rows;  // of tiles

  constexpr Rect tile(std::uint32_t column, std::uint32_t row) const noexcept {
    const auto edge = [](std::uint32_t origin, std::uint32_t size, std::uint64_t n, std::uint32_t lo,
                         std::uint32_t hi) {
      return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(origin + n * size, lo, hi));
    };
    const std::uint64_t c = column, r = row;
    return {edge(tile_x0, tile_width, c, image.x0, image.x1), edge(tile_y0, tile_height, r, image.y0, image.y1),
            edge(tile_x0, tile_width, c + 1, image.x0, image.x1),
            edge(tile_y0, tile_height, r + 1, image.y0, image.y1)};
  }
};

// A rectangle of the reference grid in the samples of a component with these steps.
constexpr Rect on_component(const Rect& r, int dx, int dy) noexcept {
  const auto x = static_cast<std::uint32_t>(dx), y = static_cast<std::uint32_t>(dy);
  return {ceil_div(r.x0, x), ceil_div(r.y0, y), ceil_div(r.x1, x), ceil_div(r.y1, y)};
}

// A tile-component after `n` halvings.
constexpr Rect reduced(const Rect& r, int n) noexcept {
  return {ceil_shift(r.x0, n), ceil_shift(r.y0, n), ceil_shift(r.x1, n), ceil_shift(r.y1, n)};
}

enum Orientation : std::uint8_t { kLL = 0, kHL = 1, kLH = 2, kHH = 3 };  // bit 0: high-pass in x, bit 1: in y

// The sub-band of a tile-component that n decompositions lead to (equation B-15).
constexpr Rect sub_band(const Rect& component, Orientation o, int n) noexcept {
  const auto edge = [n](std::uint32_t v, bool high) -> std::uint32_t {
    const std::uint64_t offset = high ? std::uint64_t{1} << (n - 1) : 0;
    return v > offset ? ceil_shift(v - offset, n) : 0;
  };
  const bool hx = (o & kHL) != 0, hy = (o & kLH) != 0;
  return {edge(component.x0, hx), edge(component.y0, hy), edge(component.x1, hx), edge(component.y1, hy)};
}

// A rectangle cut into cells of 2^wx x 2^wy that are aligned to the origin of the
// coordinates: precincts of a resolution, code-blocks of a precinct.
struct Cells {
  std::uint32_t x0 = 0, y0 = 0;  // index of the first cell
  std::uint32_t across = 0, down = 0;
};
constexpr Cells cells(const Rect& r, int wx, int wy) noexcept {
  if (r.empty()) return {};
  const std::uint32_t x0 = floor_shift(r.x0, wx), y0 = floor_shift(r.y0, wy);
  return {x0, y0, ceil_shift(r.x1, wx) - x0, ceil_shift(r.y1, wy) - y0};
}
constexpr Rect cell(const Rect& r, std::uint64_t x, std::uint64_t y, int wx, int wy) noexcept {
  const auto edge = [](std::uint64_t v, std::uint32_t lo, std::uint32_t hi) {
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(v, lo, hi));
  };
  return {edge(x << wx, r.x0, r.x1), edge(y << wy, r.y0, r.y1), edge((x + 1) << wx, r.x0, r.x1),
          edge((y + 1) << wy, r.y0, r.y1)};
}

// The part of a resolution to synthesise for `wanted` of it to be exact.  At a cut the
// filters mirror, which is wrong there: by one sample for each lifting step, of which 9/7
// has four.  Those are thrown away; at the resolution's own edges mirroring is right.
constexpr Rect synthesis_part(const Rect& wanted, const Rect& resolution) noexcept {
  constexpr std::uint32_t kReach = 4;
  if (wanted.empty()) return {};
  const auto before = [](std::uint32_t v) { return v > kReach ? v - kReach : 0; };
  return intersect({before(wanted.x0), before(wanted.y0), wanted.x1 + kReach, wanted.y1 + kReach}, resolution);
}

// The samples of a sub-band that a part of the resolution above it consists of.
constexpr Rect band_part(const Rect& part, Orientation o) noexcept {
  const auto edge = [](std::uint32_t v, bool high) { return high ? v / 2 : ceil_div(v, 2); };
  const bool hx = (o & kHL) != 0, hy = (o & kLH) != 0;
  return {edge(part.x0, hx), edge(part.y0, hy), edge(part.x1, hx), edge(part.y1, hy)};
}

// A part of a band in whole code-blocks of 2^wx x 2^wy, whose grid is that of the coordinates.
constexpr Rect whole_blocks(const Rect& part, const Rect& band, int wx, int wy) noexcept {
  if (part.empty()) return {};
  const auto up = [](std::uint32_t v, int w) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{ceil_shift(v, w)} << w, 0xffffffffu));
  };
  return intersect({part.x0 >> wx << wx, part.y0 >> wy << wy, up(part.x1, wx), up(part.y1, wy)}, band);
}

// What resolutions 0 .. kept of a tile-component contribute to `window` of resolution
// `kept`: of each but the lowest the part to synthesise, of that one the samples themselves.
constexpr void needed_parts(const Rect& component, int levels, int kept, const Rect& window, Rect* part) noexcept {
  Rect wanted = intersect(reduced(component, levels - kept), window);
  for (int r = kept; r > 0; --r) {
    part[r] = synthesis_part(wanted, reduced(component, levels - r));
    wanted = band_part(part[r], kLL);
  }
  part[0] = wanted.empty() ? Rect{} : wanted;
}

}  // namespace dtacs::jp2
