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

// rows x columns in jobs of at most `area` (where a single column is not more already),
// and while they are few, of a number that all workers share evenly.  Rows stay
// together as long as they fit: neighbours share input and weights.
constexpr Cut cut(int rows, int columns, int area, int workers) noexcept {
  Cut c;
  c.runs = (columns + area - 1) / area;
  const int wide = (columns + c.runs - 1) / c.runs, high = area / wide > 0 ? area / wide : 1;
  c.groups = (rows + high - 1) / high;
  while (c.jobs() < 4 * workers && c.jobs() % workers != 0) {
    if (c.groups < rows)
      ++c.groups;
    else if (c.runs < columns)
      ++c.runs;
    else
      break;
  }
  return c;
}

}  // namespace dtacs
