// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "io/host/failure.h"

namespace dtacs {

// What a folder holds, by name.  Throws Failure(missing_input) when not all of it can be told.
inline std::vector<std::filesystem::path> list_folder(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    paths.push_back(it->path());
  if (error) throw Failure(Exit::missing_input, folder + ": cannot list the folder: " + error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace dtacs
