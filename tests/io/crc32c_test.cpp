// SPDX-License-Identifier: Apache-2.0
#include "io/crc32c.h"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

namespace dtacs {

namespace {

std::uint32_t crc_of(std::string_view s) {
  return crc32c(std::as_bytes(std::span(s)));
}

// The definition, bit by bit.
std::uint32_t slow_crc(std::span<const std::byte> bytes) {
  std::uint32_t c = 0xffffffffu;
  for (const std::byte b : bytes) {
    c ^= static_cast<std::uint32_t>(b);
    for (int bit = 0; bit < 8; ++bit) c = (c & 1u) != 0 ? (c >> 1) ^ 0x82f63b78u : c >> 1;
  }
  return ~c;
}

}  // namespace

TEST_CASE("crc32c: check values of RFC 3720") {
  CHECK(crc_of("123456789") == 0xe3069283u);
  CHECK(crc_of("") == 0);
  std::vector<std::byte> bytes(32);
  CHECK(crc32c(bytes) == 0x8a9136aau);
  for (std::byte& b : bytes) b = std::byte{0xff};
  CHECK(crc32c(bytes) == 0x62a8ab43u);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  CHECK(crc32c(bytes) == 0x46dd794eu);
}

TEST_CASE("crc32c: every length and every split agree with the definition") {
  std::vector<std::byte> bytes(67);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37 + 11);
  for (std::size_t n = 0; n <= bytes.size(); ++n) {
    const std::span<const std::byte> all(bytes.data(), n);
    const std::uint32_t want = slow_crc(all);
    CHECK(crc32c(all) == want);
    for (std::size_t cut = 0; cut <= n; ++cut) CHECK(crc32c(all.subspan(cut), crc32c(all.first(cut))) == want);
  }
}

}  // namespace dtacs
