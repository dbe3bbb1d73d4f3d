// SPDX-License-Identifier: Apache-2.0
#include "tools/run/run_state.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "io/crc32c.h"
#include "io/host/file.h"
#include "io/host/output_file.h"
#include "tools/run/output_names.h"

namespace dtacs {

namespace {

constexpr char kMagic[8] = {'D', 'T', 'A', 'C', 'S', 'R', 'U', 'N'};

struct Header {
  char magic[8];
  std::uint32_t version, crc;
  std::uint64_t bytes;
};
static_assert(sizeof(Header) == 24);

std::string path_of(const std::string& folder) {
  return (folder + "/").append(kStateName);
}

std::uint32_t crc_of(std::string_view s, std::uint32_t before = 0) {
  return crc32c(std::as_bytes(std::span(s.data(), s.size())), before);
}

// Left by a run that did not end.
bool is_left_over(std::string_view file) {
  const auto of = [&](std::string_view name) { return is_unfinished(file, name); };
  return file == kStateName || of(kStateName) || of(kReportName) ||
         std::any_of(std::begin(kOutputNames), std::end(kOutputNames), of);
}

}  // namespace

void write_run_state(const std::string& folder, const std::string& job, const StateArchive& state) {
  StateArchive of;
  std::string name = job;
  of.text(name);
  Header h = {.magic = {},
              .version = kRunStateVersion,
              .crc = crc_of(state.bytes(), crc_of(of.bytes())),
              .bytes = of.bytes().size() + state.bytes().size()};
  std::memcpy(h.magic, kMagic, sizeof kMagic);
  OutputFile file(path_of(folder));
  file.append(&h, sizeof h);
  file.append(of.bytes());
  file.append(state.bytes());
  file.finish();
}

std::optional<StateArchive> read_run_state(const std::string& folder, const std::string& job) {
  const std::string path = path_of(folder);
  if (!std::filesystem::exists(path)) return std::nullopt;
  const MappedFile file(path);
  const std::string_view content(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  Header h = {};
  if (content.size() < sizeof h) throw StateRefused(path + " is damaged");
  std::memcpy(&h, content.data(), sizeof h);
  if (std::memcmp(h.magic, kMagic, sizeof kMagic) != 0) throw StateRefused(path + " is damaged");
  if (h.version != kRunStateVersion) throw StateRefused(path + " is of version " + std::to_string(h.version));
  const std::string_view body = content.substr(sizeof h);
  if (h.bytes != body.size() || h.crc != crc_of(body)) throw StateRefused(path + " is damaged");
  StateArchive state(body);
  std::string of;
  state.text(of);
  if (of != job) throw StateRefused(path + " is of another job");
  return state;
}

bool has_run_state(const std::string& folder) {
  std::error_code none;
  return std::filesystem::exists(folder + "/" + std::string(kStateName), none);
}

void remove_run_state(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (is_left_over(entry.path().filename().string())) std::filesystem::remove(entry.path(), ignored);
}

}  // namespace dtacs
