// SPDX-License-Identifier: Apache-2.0
// A folder of its own for one test, removed with everything in it.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "io/host/failure.h"

namespace dtacs::test {

class TempFolder {
 public:
  TempFolder() {
    path_ = (std::filesystem::temp_directory_path() / "dtacs-test-XXXXXX").string();
    REQUIRE(mkdtemp(path_.data()) != nullptr);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // Names of everything in it, subfolders not entered.
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      out.push_back(entry.path().filename().string());
    return out;
  }

 private:
  std::string path_;
};

inline void put_file(const std::string& path, const std::string& content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
  REQUIRE(std::filesystem::file_size(path) == content.size());
}

inline std::string get_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  std::string content(std::filesystem::file_size(path), '\0');
  REQUIRE(in.read(content.data(), static_cast<std::streamsize>(content.size())));
  return content;
}

// What a command prints; its exit status must be 0.
inline std::string output_of(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  char block[4096];
  while (const std::size_t n = fread(block, 1, sizeof block, pipe)) out.append(block, n);
  INFO(command, "\n", out);
  CHECK(pclose(pipe) == 0);
  return out;
}

inline bool has_command(const char* name) {
  return std::system((std::string("command -v ") + name + " >/dev/null 2>&1").c_str()) == 0;
}

// Runs f, which must throw a Failure with this exit code and every word of `words` (apart
// by |) in its line.
template <class F>
void check_fails(Exit exit, const std::string& words, F f) {
  INFO("expecting a failure that says ", words);
  try {
    f();
    FAIL_CHECK("did not fail");
  } catch (const Failure& e) {
    const std::string line = e.what();
    CHECK_MESSAGE(e.exit() == exit, line);
    CHECK_MESSAGE(line.find('\n') == std::string::npos, line);
    for (std::size_t begin = 0; begin <= words.size();) {
      const std::size_t end = std::min(words.find('|', begin), words.size());
      CHECK_MESSAGE(line.find(words.substr(begin, end - begin)) != std::string::npos, line);
      begin = end + 1;
    }
  }
}

}  // namespace dtacs::test
