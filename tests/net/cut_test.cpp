// SPDX-License-Identifier: Apache-2.0
#include "net/cut.h"

#include <doctest/doctest.h>

#include <vector>

namespace dtacs::test {

TEST_CASE("cut: the jobs cover the rows and columns once, within the area, for all workers alike") {
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
          const bool fine = c.groups == rows && c.runs == columns;  // nothing left to cut
          CHECK((c.jobs() >= 4 * workers || c.jobs() % workers == 0 || fine));
        }
}

}  // namespace dtacs::test
