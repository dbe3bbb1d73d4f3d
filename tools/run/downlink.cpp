// SPDX-License-Identifier: Apache-2.0
#include "tools/run/downlink.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "io/crc32c.h"
#include "io/host/file.h"
#include "io/host/output_file.h"

namespace dtacs {

namespace {

int rank(const std::string& name) {
  if (name == "report.json") return 0;
  if (name.ends_with(".png")) return 1;
  return name.starts_with("mask") ? 2 : 3;
}

}  // namespace

void split_for_downlink(const std::string& folder, std::vector<std::string> files, std::uint64_t piece_bytes) {
  const std::string out = folder + "/downlink";
  std::error_code ignored;
  std::filesystem::remove_all(out, ignored);
  make_folder(out);
  std::stable_sort(files.begin(), files.end(),
                   [](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
  std::string index;
  int number = 0;
  for (const std::string& name : files) {
    const MappedFile file(folder + "/" + name);
    const auto all = file.bytes();
    for (std::size_t at = 0; at < all.size();) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, all.size() - at));
      const auto piece = all.subspan(at, size);
      char prefix[16], line[80];
      std::snprintf(prefix, sizeof prefix, "%04d_", ++number);
      std::snprintf(line, sizeof line, " %zu %08x ", size, static_cast<unsigned>(crc32c(piece)));
      OutputFile to(out + "/" + prefix + name);
      to.append(piece.data(), size);
      to.finish();
      index += prefix + name + line + name + " " + std::to_string(at) + "\n";
      file.release(at, at + size);
      at += size;
    }
  }
  write_file(out + "/index.txt", index);
}

}  // namespace dtacs
