// SPDX-License-Identifier: Apache-2.0
// Decimal numbers as text.  <charconv> does the same for doubles with tables of 150 KB.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dtacs {

// Reads the number that s begins with, such as -12.5 or 1e3, and returns how many characters
// it takes; 0, and v is as it was, where s begins with none or with one beyond the range of a
// double.  No spaces, leading '+', hexadecimal digits, infinities or NaN.
std::size_t read_decimal(std::string_view s, double& v);

// s is such a number and nothing else.
inline bool read_whole_decimal(std::string_view s, double& v) {
  double read = 0;
  if (s.empty() || read_decimal(s, read) != s.size()) return false;
  v = read;
  return true;
}

// The fewest digits that read back as v, which is finite; with an exponent where that is shorter.
std::string shortest_decimal(double v);

}  // namespace dtacs
