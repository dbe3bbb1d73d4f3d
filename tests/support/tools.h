// SPDX-License-Identifier: Apache-2.0
// Independent references that are programs of their own: Python with PyTorch or
// numpy, OpenJPEG, GDAL.  Where one is absent the test is skipped, visibly.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/shared_data.h"

namespace dtacs::test {

// True when the shell command succeeds; its output is dropped.
inline bool succeeds(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

// The system's Python: a user's own may lack the distribution's packages.
inline constexpr const char* kPython = "/usr/bin/python3";

// The file as an array of T, in this machine's byte order.
template <class T>
std::vector<T> read_array(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<T> values(std::filesystem::file_size(path) / sizeof(T));
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

}  // namespace dtacs::test

// DTACS_NEEDS_TOOL("python3-torch", std::string(kPython) + " -c 'import torch'");
#define DTACS_NEEDS_TOOL(name, probe)                                    \
  if (!dtacs::test::succeeds(probe)) {                                   \
    dtacs::test::note_skipped("needs " name ", which is not installed"); \
    return;                                                              \
  }                                                                      \
  static_assert(true)
