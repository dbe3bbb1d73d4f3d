// SPDX-License-Identifier: Apache-2.0
// Every fuzz target over its small corpus, and over files that other tests made.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "tests/fuzz/target.h"
#include "tests/support/breadcrumb.h"

namespace dtacs::test {
namespace {

namespace fs = std::filesystem;

int replay(const fuzz::Target& target, const fs::path& folder) {
  int files = 0;
  if (!fs::is_directory(folder)) return 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(file), {});
    // Memory of exactly this size, so that a sanitizer sees the first byte too far.
    const auto copy = std::make_unique<std::uint8_t[]>(content.size());
    for (std::size_t i = 0; i < content.size(); ++i) copy[i] = static_cast<std::uint8_t>(content[i]);
    breadcrumb.drop(std::string(target.name) + " " + entry.path().string());
    target.run({copy.get(), content.size()});
    ++files;
  }
  return files;
}

}  // namespace

TEST_CASE("fuzz: every target comes back from every file of its corpus") {
  const fs::path corpus = DTACS_SOURCE_DIR "/tests/fuzz/corpus";
  std::size_t folders = 0;
  for (const auto& entry : fs::directory_iterator(corpus)) folders += entry.is_directory() ? 1 : 0;
  CHECK(fuzz::targets().size() == folders);
  for (const fuzz::Target& target : fuzz::targets()) {
    CHECK_MESSAGE(replay(target, corpus / target.name) > 0, target.name);
    if (std::string(target.name).starts_with("jp2_")) CHECK(replay(target, DTACS_SOURCE_DIR "/tests/data/jp2") > 40);
  }
}

}  // namespace dtacs::test
