// SPDX-License-Identifier: Apache-2.0
// Where a stopped run can go on.  The rows inside a U-Net are not kept: they would be most of a
// state.  The scene is taken up some rows higher instead, at one of the rows where it was
// remembered, and what was done already is computed again and dropped.
#pragma once

#include <deque>

#include "tools/run/scene.h"

namespace dtacs {

class RestartPoints {
 public:
  // Points that are enough where one comes every `every` rows and the answer is at most `back` rows above.
  static int enough(int every, int back) { return back / every + 2; }

  // The scene as it is now, at rows_read() > 0.  The oldest goes where there are more than `most`: while nothing
  // in the scene is valid no row is done, and when the first one is, all above it are at once.
  void remember(Scene& scene, int most) {
    StateArchive archive;
    scene.exchange(archive);
    if (points_.size() == static_cast<std::size_t>(most)) points_.pop_front();
    points_.push_back({scene.rows_read(), std::move(archive)});
  }

  // The last remembered row from which every row that is still due comes out right, or 0, the
  // scene's top.  right(row): whether that is so; if of one row, then of all above it.  Rows above
  // the answer are forgotten, as what is due only moves down.
  template <class F>
  int row(F&& right) {
    while (points_.size() > 1 && right(points_[1].row)) points_.pop_front();
    return !points_.empty() && right(points_[0].row) ? points_[0].row : 0;
  }

  // The scene at the row that row() gave last, which was not 0.
  const StateArchive& scene() const { return points_[0].scene; }

  // Bytes that so many points hold.
  static std::size_t memory(const Scene& scene, int points) {
    const int values = scene.width() * (scene.band_count() + 1);
    return 4 * static_cast<std::size_t>(points) * static_cast<std::size_t>(values);  // see Scene::exchange()
  }

 private:
  struct Point {
    int row;
    StateArchive scene;
  };
  std::deque<Point> points_;
};

}  // namespace dtacs
