// SPDX-License-Identifier: Apache-2.0
// Little-endian numbers out of hostile bytes on the host: reading past the end
// throws Failure (bad_weights), so that a parser reads as straight as its format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "io/host/failure.h"

namespace dtacs {

template <class T>
T load_le(const std::byte* p) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) v |= static_cast<std::uint64_t>(p[i]) << (8 * i);
  return static_cast<T>(v);
}

class ByteCursor {
 public:
  // what: names the thing being read, for the message ("the pickle").
  ByteCursor(std::span<const std::byte> bytes, const char* what) : rest_(bytes), what_(what) {}

  bool done() const { return rest_.empty(); }
  std::size_t remaining() const { return rest_.size(); }

  std::span<const std::byte> take(std::uint64_t n) {
    if (n > rest_.size()) throw Failure(Exit::bad_weights, std::string(what_) + " ends too early");
    const auto head = rest_.first(static_cast<std::size_t>(n));
    rest_ = rest_.subspan(static_cast<std::size_t>(n));
    return head;
  }
  std::string_view text(std::uint64_t n) {
    const auto b = take(n);
    return {reinterpret_cast<const char*>(b.data()), b.size()};
  }
  template <class T>
  T le() {
    return load_le<T>(take(sizeof(T)).data());
  }
  std::uint8_t u8() { return le<std::uint8_t>(); }

 private:
  std::span<const std::byte> rest_;
  const char* what_;
};

}  // namespace dtacs
