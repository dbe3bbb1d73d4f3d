// SPDX-License-Identifier: Apache-2.0
// Somebody else's text made fit for one line on a terminal: control characters become
// spaces, and what is long is cut.
#pragma once

#include <string>
#include <string_view>

namespace dtacs {

inline std::string printable(std::string_view s, std::size_t most = 80) {
  std::string out(s.substr(0, most));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return s.size() > most ? out + "..." : out;
}

}  // namespace dtacs
