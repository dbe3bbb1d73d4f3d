// SPDX-License-Identifier: Apache-2.0
#include "tools/run/args.h"

#include <algorithm>
#include <charconv>

#include "io/host/failure.h"

namespace dtacs {

namespace {

[[noreturn]] void misused(const std::string& line) {
  throw Failure(Exit::usage, line);
}

bool parse_int(std::string_view text, int& n) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Args::Args(int count, char* const* words) : words_(words, words + count) {}

std::vector<std::string> Args::values(const std::string& name) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < words_.size();) {
    if (words_[i] == name) {
      if (i + 1 == words_.size()) misused(name + " needs a value");
      found.push_back(words_[i + 1]);
      words_.erase(words_.begin() + static_cast<std::ptrdiff_t>(i),
                   words_.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    } else if (words_[i].starts_with(name + "=")) {
      found.push_back(words_[i].substr(name.size() + 1));
      words_.erase(words_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  return found;
}

std::optional<std::string> Args::value(const std::string& name, const std::string& alias) {
  std::vector<std::string> found = values(name);
  if (!alias.empty())
    for (const std::string& v : values(alias)) found.push_back(v);
  if (found.size() > 1) misused(name + " is given twice");
  if (found.empty()) return std::nullopt;
  return found[0];
}

bool Args::flag(const std::string& name) {
  return std::erase(words_, name) > 0;
}

std::optional<int> Args::number(const std::string& name, int lo, int hi) {
  const auto text = value(name);
  if (!text) return std::nullopt;
  int n = 0;
  if (!parse_int(*text, n) || n < lo || n > hi)
    misused(name + " " + *text + ": expected a whole number from " + std::to_string(lo) + " to " + std::to_string(hi));
  return n;
}

IsaSet Args::isa(const std::string& name) {
  const auto text = value(name);
  const IsaSet has = detect_isa();
  if (!text || *text == "auto") return has;
  std::string known;
  for (const IsaName& i : kIsaNames) {
    if (*text == i.name) {
      if (!runs_on(i.set, has)) misused(name + " " + *text + ": this machine does not have it");
      return i.set;
    }
    known += std::string(known.empty() ? "" : ", ") + i.name;
  }
  misused(name + " " + *text + ": expected auto, " + known);
}

std::optional<Rect> Args::rect(const std::string& name) {
  const auto text = value(name);
  if (!text) return std::nullopt;
  int n[4] = {};
  std::string_view rest = *text;
  bool good = true;
  for (int i = 0; i < 4; ++i) {
    const std::size_t comma = rest.find(',');
    good = good && (comma == std::string_view::npos) == (i == 3) && parse_int(rest.substr(0, comma), n[i]);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  if (!good || n[0] < 0 || n[1] < 0 || n[2] < 1 || n[3] < 1)
    misused(name + " " + *text + ": expected X,Y,WIDTH,HEIGHT in pixels");
  return Rect{n[0], n[1], n[2], n[3]};
}

std::string Args::take_first() {
  if (words_.empty() || words_[0].starts_with('-')) return "";
  std::string word = words_[0];
  words_.erase(words_.begin());
  return word;
}

const std::vector<std::string>& Args::finish(std::size_t count, const std::string& usage) {
  const std::size_t command = std::min(usage.find(' ', usage.find(' ') + 1), usage.find(" ["));
  const std::string help = "; see " + usage.substr(0, command) + " --help";
  for (const std::string& w : words_)
    if (w.size() > 1 && w[0] == '-') misused("unknown option " + w + help);
  if (words_.size() > count) misused("one argument too many: " + words_[count] + help);
  if (words_.size() < count) misused("an argument is missing" + help);
  return words_;
}

}  // namespace dtacs
