// SPDX-License-Identifier: Apache-2.0
#include "weights/f16.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support/suite.h"

namespace dtacs {

namespace {

// The value of an f16 by its definition; exponent 31 as if it were an ordinary one.
double value(int h) {
  const int exponent = (h >> 10) & 31, fraction = h & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

// The f16 nearest to f >= 0 by search.  value(0x7c00) is 65536: infinity is rounded
// to as if it were the next number.
int nearest(float f) {
  if (static_cast<double>(f) >= value(0x7c00)) return 0x7c00;
  int low = 0, high = 0x7c00;  // value(low) <= f < value(high)
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (value(middle) <= static_cast<double>(f) ? low : high) = middle;
  }
  const double down = static_cast<double>(f) - value(low), up = value(high) - static_cast<double>(f);
  if (down != up) return down < up ? low : high;
  return (low & 1) == 0 ? low : high;
}

}  // namespace

TEST_CASE("f16: every value widens exactly and comes back") {
  for (int h = 0; h < 0x10000; ++h) {
    const auto bits = static_cast<std::uint16_t>(h);
    const float f = f16_to_f32(bits);
    if ((h & 0x7c00) == 0x7c00) {
      if ((h & 0x3ff) == 0) {
        REQUIRE(std::isinf(f));
        REQUIRE(std::signbit(f) == ((h & 0x8000) != 0));
        REQUIRE(f32_to_f16(f) == bits);
      } else {
        REQUIRE(std::isnan(f));
        REQUIRE(std::isnan(f16_to_f32(f32_to_f16(f))));
      }
    } else {
      REQUIRE(static_cast<double>(f) == value(h));
      REQUIRE(f32_to_f16(f) == bits);
    }
  }
}

TEST_CASE("f16: rounding is to the nearest, ties to even") {
  test::Rng rng(1);
  const auto check = [](float f) {
    if (!(f >= 0) || std::isinf(f)) return;
    CAPTURE(f);
    REQUIRE(f32_to_f16(f) == nearest(f));
    REQUIRE(f32_to_f16(-f) == (nearest(f) | 0x8000));
  };
  for (int h = 0; h < 0x7c00; ++h) {  // half-way points and their neighbours
    const double half = (value(h) + value(h + 1)) / 2;
    const float f = static_cast<float>(half);
    REQUIRE(static_cast<double>(f) == half);
    check(f);
    check(std::nextafter(f, 0.0f));
    check(std::nextafter(f, 1e9f));
  }
  for (int i = 0; i < 200000; ++i) check(std::bit_cast<float>(static_cast<std::uint32_t>(rng.next()) & 0x7fffffffu));
  static_assert(f32_to_f16(1.0f) == 0x3c00 && f16_to_f32(0x0001) == 5.9604644775390625e-8f);
  CHECK(f32_to_f16(std::numeric_limits<float>::infinity()) == 0x7c00);
  CHECK(f32_to_f16(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(f32_to_f16(65504.0f) == 0x7bff);
}

}  // namespace dtacs
