// SPDX-License-Identifier: Apache-2.0
#include "tools/run/watched_folder.h"

#include <unistd.h>

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

std::uint32_t crc_of(const std::string& text, std::uint32_t before = 0) {
  return crc32c(std::as_bytes(std::span(text.data(), text.size())), before);
}

std::string digits(std::uint32_t crc) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(crc));
  return text;
}

// Under its name as seen from the product: the same in whatever way the folder of products is named.
std::string size_and_time(const fs::path& path, const fs::path& product) {
  std::error_code gone;
  return path.lexically_relative(product).string() + " " + std::to_string(fs::file_size(path, gone)) + " " +
         std::to_string(fs::last_write_time(path, gone).time_since_epoch().count()) + "\n";
}

// Changes whenever something in the product does: the checksum of names, sizes and times of all files in it, or of a
// file and the header beside it.
std::uint32_t state_of(const fs::path& product) {
  std::vector<std::string> files = {size_and_time(product, product)};
  std::error_code error;
  if (fs::is_directory(product, error)) {
    for (fs::recursive_directory_iterator it(product, error), end; !error && it != end; it.increment(error))
      files.push_back(size_and_time(it->path(), product));
  } else {
    for (const char* header : {".hdr", ".HDR"}) {
      files.push_back(size_and_time(product.string() + header, product));
      files.push_back(size_and_time(fs::path(product).replace_extension(header), product));
    }
  }
  std::sort(files.begin(), files.end());
  std::uint32_t crc = 0;
  for (const std::string& f : files) crc = crc_of(f, crc);
  return crc;
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

bool is_writable_folder(const std::string& path) {
  std::error_code none;
  return fs::is_directory(path, none) && access(path.c_str(), W_OK | X_OK) == 0;
}

// Something is there that takes no outputs.
bool is_blocked(const std::string& folder) {
  std::error_code none;
  return fs::exists(fs::symlink_status(folder, none)) && !is_writable_folder(folder);
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
  std::map<std::string, std::uint32_t> now;
  std::error_code error;
  for (fs::directory_iterator it(in_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!may_be_product(name) || lies_in(out_, it->path()) || lies_in(log_, it->path())) continue;
    const std::uint32_t state = state_of(product(name));
    if (done_as(name, state)) continue;
    now[name] = state;
    if (begins_with(folder(name) + "/failed.txt", attempt(state))) continue;
    if (blocked_.contains(name) && is_blocked(folder(name))) continue;
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
  return done_as(name, state_of(product(name)));
}

bool WatchedFolder::done_as(const std::string& name, std::uint32_t state) const {
  std::error_code none;
  return fs::exists(folder(name) + "/report.json", none) && begins_with(folder(name) + "/watch.state", digits(state));
}

bool WatchedFolder::changed(const std::string& name) const {
  return state_of(product(name)) != seen_.at(name);
}

void WatchedFolder::note_done(const std::string& name) const {
  write_file(folder(name) + "/watch.state", digits(seen_.at(name)) + "\n");
}

std::string WatchedFolder::attempt(std::uint32_t state) const {
  return digits(crc_of(way_, state)) + " ";
}

void WatchedFolder::give_up(const std::string& name, const std::string& why) {
  if (is_writable_folder(out_) && is_blocked(folder(name))) {
    blocked_.insert(name);
    return;
  }
  make_folder(folder(name));
  write_file(folder(name) + "/failed.txt", attempt(seen_.at(name)) + why + "\n");
}

void WatchedFolder::try_again(const std::string& name) {
  blocked_.erase(name);
  std::error_code none;
  fs::remove(folder(name) + "/failed.txt", none);
}

}  // namespace dtacs
