// SPDX-License-Identifier: Apache-2.0
#include "tools/run/downlink.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>

#include "io/crc32c.h"
#include "io/host/failure.h"
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

  // read(to): fills the span with the next bytes.
  template <class F>
  void add(const std::string& name, std::uint64_t bytes, F&& read) {
    for (std::uint64_t at = 0; at < bytes;) {
      const std::uint64_t size = std::min(piece_bytes_, bytes - at);
      char prefix[32], line[80];
      std::snprintf(prefix, sizeof prefix, "%0*d_", digits_, ++number_);
      OutputFile to(folder_ + "/" + prefix + name);
      std::uint32_t crc = 0;
      while (to.size() < size) {
        const std::uint64_t left = size - to.size();
        const auto part =
            std::span(block_).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, block_.size())));
        read(part);
        crc = crc32c(part, crc);
        to.append(part.data(), part.size());
      }
      to.finish();
      std::snprintf(line, sizeof line, " %" PRIu64 " %08" PRIx32 " ", size, crc);
      index_ += prefix + name + line + name + " " + std::to_string(at) + "\n";
      at += size;
    }
  }
  void finish() { write_file((folder_ + "/").append(kIndexName), index_); }

 private:
  std::string folder_;
  std::uint64_t piece_bytes_;
  std::string index_;
  int number_ = 0, digits_ = 4;
  // Outputs are read by blocks: mapped, one of 2 GiB would not fit the address space of 32 bits.
  std::vector<std::byte> block_ = std::vector<std::byte>(65536);
};

// NNNN_ and the name of an output, or what a killed process left of it.
bool is_piece(std::string_view name) {
  const std::size_t digits = name.find_first_not_of("0123456789");
  if (digits == name.npos || digits < 4 || name[digits] != '_') return false;
  name.remove_prefix(digits + 1);
  const auto is = [&](std::string_view output) { return name == output || is_unfinished(name, output); };
  return is(kReportName) || std::any_of(std::begin(kOutputNames), std::end(kOutputNames), is);
}

}  // namespace

bool remove_downlink(const std::string& folder) {
  const std::filesystem::path out = folder + "/downlink";
  std::error_code ignored;
  bool removed = false;
  for (const auto& entry : std::filesystem::directory_iterator(out, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name == kIndexName || is_unfinished(name, kIndexName) || is_piece(name))
      removed = std::filesystem::remove(entry.path(), ignored) || removed;
  }
  // Unless something else is in it; a file or a link of this name is none of ours.
  if (std::filesystem::is_directory(std::filesystem::symlink_status(out, ignored)))
    std::filesystem::remove(out, ignored);
  return removed;
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
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i] == kReportName) {
      const char* at = report.data();
      splitter.add(files[i], sizes[i], [&](std::span<std::byte> to) {
        std::memcpy(to.data(), at, to.size());
        at += to.size();
      });
      continue;
    }
    const std::string path = folder + "/" + files[i];
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
    splitter.add(files[i], sizes[i], [&](std::span<std::byte> to) {
      if (file == nullptr || std::fread(to.data(), 1, to.size(), file.get()) != to.size())
        throw Failure(Exit::io_error, path + ": cannot be read back");
    });
  }
  splitter.finish();
}

}  // namespace dtacs
