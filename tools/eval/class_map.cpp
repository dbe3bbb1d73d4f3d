// SPDX-License-Identifier: Apache-2.0
#include "tools/eval/class_map.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "io/host/failure.h"
#include "tools/eval/mask_scores.h"

namespace dtacs {

namespace {

constexpr struct {
  const char* name;
  const char* pairs;
} kKnown[] = {
    {"cloudsen12", "0:0,1:1,2:2,3:3"}, {"scl", "2:0,3:3,4:0,5:0,6:0,7:0,8:1,9:1,10:2,11:0"},
    {"fmask", "0:0,1:0,2:3,3:0,4:1"},  {"s2cloudless", "0:0,1:1"},
    {"ukis", "0:3,1:0,2:0,3:0,4:1"},
};

bool parse_number(std::string_view s, int most, int& n) {
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  return error == std::errc() && end == s.data() + s.size() && n >= 0 && n <= most;
}

}  // namespace

std::uint8_t ClassMap::operator[](float code) const {
  if (!(code >= 0 && code <= 255) || code != std::floor(code)) return kIgnored;
  return to[static_cast<std::size_t>(code)];
}

ClassMap ClassMap::without(const std::optional<double>& no_data) const {
  ClassMap map = *this;
  for (std::size_t code = 0; code < to.size(); ++code)
    if (no_data == static_cast<double>(code)) map.to[code] = kIgnored;
  return map;
}

ClassMap parse_class_map(const std::string& text) {
  ClassMap map;
  map.to.fill(kIgnored);
  std::string_view rest = text;
  for (const auto& k : kKnown)
    if (text == k.name) rest = k.pairs;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find(','));
    const std::size_t colon = pair.find(':');
    int code = 0, is = 0;
    if (colon == std::string_view::npos || !parse_number(pair.substr(0, colon), 255, code) ||
        !parse_number(pair.substr(colon + 1), kClassCount - 1, is))
      throw Failure(Exit::usage, "map \"" + text +
                                     "\": expected cloudsen12, scl, fmask, s2cloudless, ukis or pairs of a code and a "
                                     "class 0..3 such as 0:0,1:0,4:1");
    map.to[static_cast<std::size_t>(code)] = static_cast<std::uint8_t>(is);
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
  }
  return map;
}

}  // namespace dtacs
