// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <span>

#include "io/arena.h"
#include "io/bytes.h"
#include "io/status.h"

namespace dtacs {

TEST_CASE("reader remembers the first overrun") {
  constexpr std::byte bytes[] = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5}};
  Reader r(bytes);
  CHECK(r.u32be() == 0x01020304u);
  CHECK(r.u16be() == 0);  // only one byte left
  CHECK_FALSE(r.ok());
  CHECK(r.u8() == 0);  // and stays failed
}

TEST_CASE("an empty arena measures what a real one needs") {
  Arena dry;
  CHECK(dry.alloc<float>(3) == nullptr);
  CHECK(dry.alloc<char>(65) == nullptr);
  CHECK(dry.wanted() == 192);
  alignas(64) std::byte block[192];
  Arena real(block);
  CHECK(real.alloc<float>(3) != nullptr);
  CHECK(real.alloc<char>(65) != nullptr);
  CHECK(real.fits());
  CHECK(real.alloc<char>(1) == nullptr);
}

TEST_CASE("an absurd allocation does not wrap round") {
  alignas(64) std::byte block[64];
  Arena a(block);
  CHECK(a.alloc<double>(static_cast<std::size_t>(-1) / 8 + 2) == nullptr);
  CHECK(a.alloc<char>(1) == nullptr);
  CHECK_FALSE(a.fits());
}

TEST_CASE("what is too much for any block does not fit the largest one either") {
  alignas(64) std::byte block[64];
  Arena a(std::span(block, Arena::kMost));  // never touched
  CHECK(a.alloc<double>(static_cast<std::size_t>(-1) / 8 + 2) == nullptr);
  CHECK(a.wanted() == Arena::kMost);
  CHECK_FALSE(a.fits());
}

}  // namespace dtacs
