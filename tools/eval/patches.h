// SPDX-License-Identifier: Apache-2.0
// A scene cut into round(size / N) patches of nearly N pixels each way, at least one, so
// that no sliver is left at an edge.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace dtacs {

// The patch of each pixel along one axis.
inline std::vector<int> patch_of_pixel(int size, int patch) {
  const int count = std::max(1, (size + patch / 2) / patch);
  std::vector<int> of(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) of[static_cast<std::size_t>(i)] = static_cast<int>(std::int64_t{i} * count / size);
  return of;
}

}  // namespace dtacs
