// SPDX-License-Identifier: Apache-2.0
#include "tools/run/downlink.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <span>
#include <utility>

#include "io/crc32c.h"
#include "io/host/file.h"
#include "io/host/output_file.h"
#include "tools/run/output_names.h"

namespace dtacs {

namespace {

constexpr std::string_view kIndexName = "index.txt";

int rank(const std::string& name) {
  if (name == kReportName) return 0;
  if (name.ends_with(".png")) return 1;
  return name.starts_with("mask") ? 2 : 3;
}

// Copies one output after the other, and notes each piece.
class Splitter {
 public:
  // all_bytes: of each output, which tell how many digits numbers need.
  Splitter(std::string folder, std::uint64_t piece_bytes, const std::vector<std::uint64_t>& all_bytes)
      : folder_(std::move(folder)), piece_bytes_(piece_bytes) {
    std::uint64_t pieces = 0;
    for (const std::uint64_t bytes : all_bytes) pieces += (bytes + piece_bytes - 1) / piece_bytes;
    digits_ = std::max(4, static_cast<int>(std::to_string(pieces).size()));
  }

  // done(begin, end): these bytes are not needed any more.
  template <class F>
  void add(const std::string& name, std::span<const std::byte> all, F&& done) {
    for (std::size_t at = 0; at < all.size();) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes_, all.size() - at));
      const auto piece = all.subspan(at, size);
      char prefix[32], line[80];
      std::snprintf(prefix, sizeof prefix, "%0*d_", digits_, ++number_);
      std::snprintf(line, sizeof line, " %zu %08x ", size, static_cast<unsigned>(crc32c(piece)));
      OutputFile to(folder_ + "/" + prefix + name);
      to.append(piece.data(), size);
      to.finish();
      index_ += prefix + name + line + name + " " + std::to_string(at) + "\n";
      done(at, at + size);
      at += size;
    }
  }
  void finish() { write_file((folder_ + "/").append(kIndexName), index_); }

 private:
  std::string folder_;
  std::uint64_t piece_bytes_;
  std::string index_;
  int number_ = 0, digits_ = 4;
};

// NNNN_ and the name of an output.
bool is_piece(std::string_view name) {
  const std::size_t digits = name.find_first_not_of("0123456789");
  if (digits == name.npos || digits < 4 || name[digits] != '_') return false;
  name.remove_prefix(digits + 1);
  return name == kReportName ||
         std::find(std::begin(kOutputNames), std::end(kOutputNames), name) != std::end(kOutputNames);
}

}  // namespace

void remove_downlink(const std::string& folder) {
  const std::filesystem::path out = folder + "/downlink";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(out, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name == kIndexName || is_piece(name)) std::filesystem::remove(entry.path(), ignored);
  }
  std::filesystem::remove(out, ignored);  // unless something else is in it
}

void split_for_downlink(const std::string& folder, std::vector<std::string> files, const std::string& report,
                        std::uint64_t piece_bytes) {
  const std::string out = folder + "/downlink";
  remove_downlink(folder);
  make_folder(out);
  std::stable_sort(files.begin(), files.end(),
                   [](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
  std::vector<std::uint64_t> sizes;
  for (const std::string& name : files)
    sizes.push_back(name == kReportName ? report.size() : std::filesystem::file_size(folder + "/" + name));
  Splitter splitter(out, piece_bytes, sizes);
  for (const std::string& name : files) {
    if (name == kReportName) {
      splitter.add(name, std::as_bytes(std::span(report.data(), report.size())), [](std::size_t, std::size_t) {});
      continue;
    }
    const MappedFile file(folder + "/" + name);
    splitter.add(name, file.bytes(), [&](std::size_t begin, std::size_t end) { file.release(begin, end); });
  }
  splitter.finish();
}

}  // namespace dtacs
