// SPDX-License-Identifier: Apache-2.0
// Writing JSON, indented by two spaces.
//
//   JsonWriter j;
//   j.begin_object();
//   j.member("tile", "T31TDH");
//   j.key("bands").begin_array();
//   for (int b : bands) j.value(b);
//   j.end();   // the array
//   j.end();   // the object
//   write_file("report.json", j.text());
//
// Numbers: doubles with the fewest digits that read back to the same value; NaN and
// infinities become null, as JSON has none.  Strings are expected to be UTF-8; bytes that are not
// come out as U+FFFD, so that the document stays readable whatever a file was called.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dtacs {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{', '}'); }
  JsonWriter& begin_array() { return open('[', ']'); }
  JsonWriter& end();  // the innermost object or array

  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view s);
  JsonWriter& value(const char* s) { return value(std::string_view(s)); }
  JsonWriter& value(const std::string& s) { return value(std::string_view(s)); }
  JsonWriter& value(bool b) { return raw(b ? "true" : "false"); }
  JsonWriter& value(double v);
  JsonWriter& value(std::integral auto v) { return raw(std::to_string(v)); }
  JsonWriter& null() { return raw("null"); }

  template <class T>
  JsonWriter& member(std::string_view name, const T& v) {
    key(name);
    return value(v);
  }

  // The document, with a line break at its end.  Everything opened must be closed.
  std::string text() const;

 private:
  JsonWriter& open(char begin, char end);
  JsonWriter& raw(std::string_view token);
  void before_value();
  void quote(std::string_view s);

  std::string out_;
  std::vector<char> open_;  // closing brackets still due
  bool first_ = true;       // nothing in the innermost bracket yet
  bool after_key_ = false;
};

}  // namespace dtacs
