// SPDX-License-Identifier: Apache-2.0
// Reading integers out of bytes somebody else wrote.
//
// Reader remembers the first overrun instead of reporting each one: read a
// whole header, then ask ok() once.  After an overrun every read yields zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dtacs {

class Reader {
 public:
  constexpr explicit Reader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

  constexpr bool ok() const noexcept { return ok_; }
  constexpr std::size_t remaining() const noexcept { return rest_.size(); }

  constexpr std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(big(1)); }
  constexpr std::uint16_t u16be() noexcept { return static_cast<std::uint16_t>(big(2)); }
  constexpr std::uint32_t u32be() noexcept { return static_cast<std::uint32_t>(big(4)); }

  // The next n bytes; empty after an overrun.
  constexpr std::span<const std::byte> take(std::size_t n) noexcept {
    if (n > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const auto head = rest_.first(n);
    rest_ = rest_.subspan(n);
    return head;
  }

 private:
  constexpr std::uint64_t big(std::size_t n) noexcept {
    std::uint64_t v = 0;
    for (const std::byte b : take(n)) v = (v << 8) | static_cast<std::uint8_t>(b);
    return v;
  }

  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace dtacs
