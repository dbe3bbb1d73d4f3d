// SPDX-License-Identifier: Apache-2.0
// Cutting the rows a stage produces into jobs of about the same size.
#pragma once

namespace dtacs {

// The begin of part i when n things are dealt out to `parts` as evenly as possible.
constexpr int part_begin(int n, int parts, int i) noexcept {
  return static_cast<int>(static_cast<long long>(n) * i / parts);
}

struct Cut {
  int groups = 1;  // of rows
  int runs = 1;    // of columns
  constexpr int jobs() const noexcept { return groups * runs; }
};

// rows x columns in jobs of at most `area` (where a single column is not more already).
// Rows stay together as long as they fit: neighbours share input and weights.  Of that
// cut and those a little finer, the one with which `workers` workers end first.
constexpr Cut cut(int rows, int columns, int area, int workers) noexcept {
  const auto part = [](int n, int parts) { return (n + parts - 1) / parts; };
  const int runs = part(columns, area), high = area / part(columns, runs);
  const Cut coarsest = {part(rows, high > 0 ? high : 1), runs};
  Cut best = coarsest;
  long long least = -1;
  for (int g = coarsest.groups; g <= rows && g <= coarsest.groups + workers; ++g) {
    for (int r = coarsest.runs; r <= columns && r <= coarsest.runs + workers; ++r) {
      const long long time = static_cast<long long>(part(g * r, workers)) * part(rows, g) * part(columns, r);
      if (least >= 0 && time >= least) continue;
      least = time;
      best = {g, r};
    }
  }
  return best;
}

}  // namespace dtacs
