// SPDX-License-Identifier: Apache-2.0
// Tests on real data that is not part of the project: where it is absent they are
// skipped, and the closing line of the run counts them.
#pragma once

#include <filesystem>
#include <string>

namespace dtacs::test {

// tests/main.cpp counts and prints.
void note_skipped(const std::string& what);

inline std::string shared_data(const std::string& path) {
  return std::string(DTACS_SOURCE_DIR "/../shared/data/") + path;
}

}  // namespace dtacs::test

// First line of such a test case: DTACS_NEEDS_DATA("jp2/conformance");
#define DTACS_NEEDS_DATA(path)                                      \
  if (!std::filesystem::exists(dtacs::test::shared_data(path))) {   \
    dtacs::test::note_skipped("needs " path ", which is not here"); \
    return;                                                         \
  }                                                                 \
  static_assert(true)
