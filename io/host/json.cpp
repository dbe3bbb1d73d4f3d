// SPDX-License-Identifier: Apache-2.0
#include "io/host/json.h"

#include <cassert>
#include <cmath>
#include <cstdio>

#include "io/host/decimal.h"

namespace dtacs {
namespace {

// Bytes of the UTF-8 sequence at the start of s; 0 when it is none (overlong forms
// and surrogates are none).
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char b = byte(0);
  if (b < 0x80) return 1;
  const std::size_t n = b >= 0xc2 && b < 0xe0 ? 2 : b >= 0xe0 && b < 0xf0 ? 3 : b >= 0xf0 && b < 0xf5 ? 4 : 0;
  if (n == 0 || s.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (b == 0xe0 && byte(1) < 0xa0) return 0;
  if (b == 0xed && byte(1) >= 0xa0) return 0;
  if (b == 0xf0 && byte(1) < 0x90) return 0;
  if (b == 0xf4 && byte(1) >= 0x90) return 0;
  return n;
}

}  // namespace

void JsonWriter::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (open_.empty()) return;
  out_ += first_ ? "\n" : ",\n";
  out_.append(2 * open_.size(), ' ');
  first_ = false;
}

JsonWriter& JsonWriter::open(char begin, char end) {
  before_value();
  out_ += begin;
  open_.push_back(end);
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end() {
  assert(!open_.empty() && !after_key_);
  const char bracket = open_.back();
  open_.pop_back();
  if (!first_) {
    out_ += '\n';
    out_.append(2 * open_.size(), ' ');
  }
  out_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  assert(!open_.empty() && open_.back() == '}' && !after_key_);
  before_value();
  quote(name);
  out_ += ": ";
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view token) {
  before_value();
  out_ += token;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view s) {
  before_value();
  quote(s);
  return *this;
}

JsonWriter& JsonWriter::value(double v) {
  if (!std::isfinite(v)) return null();
  return raw(shortest_decimal(v));
}

void JsonWriter::quote(std::string_view s) {
  out_ += '"';
  while (!s.empty()) {
    const auto c = static_cast<unsigned char>(s[0]);
    const std::size_t n = utf8_length(s);
    if (n == 0) {
      out_ += "\xef\xbf\xbd";  // U+FFFD
    } else if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += s[0];
    } else if (c == '\n') {
      out_ += "\\n";
    } else if (c < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      out_ += escape;
    } else {
      out_ += s.substr(0, n);
    }
    s.remove_prefix(n == 0 ? 1 : n);
  }
  out_ += '"';
}

std::string JsonWriter::text() const {
  assert(open_.empty());
  return out_ + "\n";
}

}  // namespace dtacs
