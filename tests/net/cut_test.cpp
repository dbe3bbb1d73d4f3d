// SPDX-License-Identifier: Apache-2.0
#include "net/cut.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

namespace dtacs::test {

TEST_CASE("cut: the jobs cover the rows and columns once, within the area") {
  for (const int rows : {1, 2, 3, 7, 64})
    for (const int columns : {1, 2, 5, 86, 2752})
      for (const int area : {1, 3, 16, 1000})
        for (const int workers : {1, 2, 3, 8}) {
          CAPTURE(rows);
          CAPTURE(columns);
          CAPTURE(area);
          CAPTURE(workers);
          const Cut c = cut(rows, columns, area, workers);
          std::vector<int> seen(static_cast<std::size_t>(rows * columns));
          bool right = true;
          for (int job = 0; job < c.jobs(); ++job) {
            const int group = job / c.runs, run = job % c.runs;
            const int y0 = part_begin(rows, c.groups, group), y1 = part_begin(rows, c.groups, group + 1);
            const int x0 = part_begin(columns, c.runs, run), x1 = part_begin(columns, c.runs, run + 1);
            right = right && y1 > y0 && x1 > x0 && (y1 - y0) * (x1 - x0) <= area;
            for (int y = y0; y < y1; ++y)
              for (int x = x0; x < x1; ++x) ++seen[static_cast<std::size_t>(y * columns + x)];
          }
          for (const int n : seen) right = right && n == 1;
          CHECK(right);
        }
}

TEST_CASE("cut: workers get equal shares where rows or columns can be dealt out evenly") {
  for (const int workers : {2, 4})
    for (const std::pair<int, int>& size : {std::pair{4, 8}, {3, 8}, {1, 16}, {7, 20}, {4, 1}}) {
      const int rows = size.first, columns = size.second;
      const Cut c = cut(rows, columns, 1000, workers);
      CAPTURE(rows);
      CAPTURE(columns);
      CHECK(c.jobs() % workers == 0);
      CHECK(rows % c.groups == 0);
      CHECK(columns % c.runs == 0);
    }
  CHECK(cut(3, 8, 1000, 1).jobs() == 1);
  CHECK(cut(8, 4, 16, 1).groups == 2);  // whole rows, as many as fit
}

}  // namespace dtacs::test
