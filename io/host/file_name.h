// SPDX-License-Identifier: Apache-2.0
// What names of files say.
#pragma once

#include <string>
#include <string_view>

namespace dtacs {

// ASCII letters to small ones, whatever the locale.
inline std::string lower(std::string_view text) {
  std::string s(text);
  for (char& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return s;
}

// Whether a file is named as a JPEG 2000 image.
inline bool is_jp2_name(std::string_view name) {
  const std::string n = lower(name);
  for (const char* extension : {".jp2", ".j2k", ".j2c", ".jpc", ".jpx"})
    if (n.ends_with(extension)) return true;
  return false;
}

}  // namespace dtacs
