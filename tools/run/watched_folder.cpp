// SPDX-License-Identifier: Apache-2.0
#include "tools/run/watched_folder.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <span>

#include "io/crc32c.h"
#include "io/host/failure.h"
#include "io/host/output_file.h"

namespace dtacs {

namespace {

namespace fs = std::filesystem;

std::string size_and_time(const fs::path& path) {
  std::error_code gone;
  return path.string() + " " + std::to_string(fs::file_size(path, gone)) + " " +
         std::to_string(fs::last_write_time(path, gone).time_since_epoch().count()) + "\n";
}

// Changes whenever something in the product does, or the way to run it: the checksum of names, sizes and times
// of all files in it, or of a file and the header beside it.
std::string state_of(const fs::path& product, const std::string& way) {
  std::vector<std::string> files = {size_and_time(product)};
  std::error_code error;
  if (fs::is_directory(product, error)) {
    for (fs::recursive_directory_iterator it(product, error), end; !error && it != end; it.increment(error))
      files.push_back(size_and_time(it->path()));
  } else {
    for (const char* header : {".hdr", ".HDR"}) {
      files.push_back(size_and_time(product.string() + header));
      files.push_back(size_and_time(fs::path(product).replace_extension(header)));
    }
  }
  std::sort(files.begin(), files.end());
  files.push_back(way);
  std::uint32_t crc = 0;
  for (const std::string& f : files) crc = crc32c(std::as_bytes(std::span(f.data(), f.size())), crc);
  char text[16];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(crc));
  return text;
}

bool may_be_product(const fs::path& name) {
  const fs::path extension = name.extension();
  return !name.string().starts_with('.') && extension != ".part" && extension != ".tmp" && extension != ".hdr" &&
         extension != ".HDR";
}

// Whether a path is the folder or lies in it.
bool lies_in(const fs::path& path, const fs::path& folder) {
  std::error_code none;
  const fs::path inside = fs::weakly_canonical(path, none).lexically_relative(fs::weakly_canonical(folder, none));
  return !inside.empty() && *inside.begin() != "..";
}

bool begins_with(const std::string& path, const std::string& text) {
  FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  std::string start(text.size(), '\0');
  const std::size_t n = std::fread(start.data(), 1, start.size(), file);
  std::fclose(file);
  return n == text.size() && start == text;
}

}  // namespace

WatchedFolder::Products WatchedFolder::look() {
  Products found;
  std::map<std::string, std::string> now;
  std::error_code error;
  for (fs::directory_iterator it(in_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!may_be_product(name) || lies_in(out_, it->path()) || done(name)) continue;
    const std::string state = now[name] = state_of(it->path(), way_);
    if (begins_with(folder(name) + "/failed.txt", state + " ")) continue;
    const auto before = seen_.find(name);
    const bool whole = before != seen_.end() && before->second == state;
    (whole ? found.whole : found.arriving).push_back(name);
  }
  if (error) throw Failure(Exit::missing_input, in_ + ": cannot list the folder: " + error.message());
  std::sort(found.whole.begin(), found.whole.end());
  seen_ = std::move(now);
  return found;
}

bool WatchedFolder::done(const std::string& name) const {
  std::error_code none;
  return fs::exists(folder(name) + "/report.json", none);
}

void WatchedFolder::give_up(const std::string& name, const std::string& why) const {
  make_folder(folder(name));
  write_file(folder(name) + "/failed.txt", seen_.at(name) + " " + why + "\n");
}

void WatchedFolder::try_again(const std::string& name) const {
  std::error_code none;
  fs::remove(folder(name) + "/failed.txt", none);
}

}  // namespace dtacs
