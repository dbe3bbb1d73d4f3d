// SPDX-License-Identifier: Apache-2.0
#include "io/host/decimal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace dtacs {

std::size_t read_decimal(std::string_view s, double& v) {
  const std::string text(s.substr(0, std::min(s.find_first_not_of("0123456789+-.eE"), s.size())));
  if (text.starts_with('+')) return 0;
  char* end = nullptr;
  const double read = std::strtod(text.c_str(), &end);
  const auto length = static_cast<std::size_t>(end - text.c_str());
  if (length == 0 || !std::isfinite(read)) return 0;
  v = read;
  return length;
}

std::string shortest_decimal(double v) {
  char scientific[32];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(scientific, sizeof scientific, "%.*e", digits - 1, v);
    if (std::strtod(scientific, nullptr) != v) continue;
    const int exponent = std::atoi(std::strchr(scientific, 'e') + 1);
    char fixed[400];  // 309 digits in front of the point at most, 340 behind it
    std::snprintf(fixed, sizeof fixed, "%.*f", std::max(0, digits - 1 - exponent), v);
    return std::strlen(fixed) <= std::strlen(scientific) ? fixed : scientific;
  }
  return scientific;
}

}  // namespace dtacs
