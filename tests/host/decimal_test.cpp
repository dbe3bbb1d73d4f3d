// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "io/host/decimal.h"
#include "tests/support/suite.h"

namespace dtacs::test {

namespace {

// What the standard library writes: fixed or with an exponent, whichever is shorter.
std::string reference(double v) {
  char digits[512];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
}

}  // namespace

TEST_CASE("decimal: the fewest digits that read back, as <charconv> writes them") {
  for (const double v : {0.0,
                         -0.0,
                         1.0,
                         -1.0,
                         0.1,
                         0.0001,
                         1e-5,
                         10000.0,
                         100000.0,
                         123456.0,
                         1e22,
                         1e23,
                         5e-324,
                         2.2250738585072014e-308,
                         1.7976931348623157e308,
                         0.1 + 0.2,
                         1.0 / 3.0,
                         699960.0,
                         4700040.0,
                         9007199254740993.0,
                         9.5367431640625e-07})
    CHECK(shortest_decimal(v) == reference(v));
  Rng rng(7);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t bits = rng.next();
    double v = 0;
    std::memcpy(&v, &bits, sizeof v);
    if (!(v - v == 0.0)) continue;  // infinite or no number
    const std::string text = shortest_decimal(v);
    double back = 0;
    REQUIRE(read_whole_decimal(text, back));
    REQUIRE(back == v);
    REQUIRE(text.size() == reference(v).size());
  }
}

TEST_CASE("decimal: what is a number, and where it ends") {
  double v = 0;
  CHECK(read_decimal("-12.5 7", v) == 5);
  CHECK(v == -12.5);
  CHECK(read_decimal("1e3,", v) == 3);
  CHECK(v == 1000.0);
  CHECK(read_decimal("5-3", v) == 1);
  CHECK(v == 5.0);
  CHECK(read_decimal("0x10", v) == 1);
  CHECK(v == 0.0);
  CHECK(read_whole_decimal("0.1000000000000000055511151231257827021181583404541015625", v));
  CHECK(v == 0.1);
  CHECK(read_whole_decimal("1" + std::string(300, '0'), v));
  CHECK(v == 1e300);
  v = 3.0;
  for (const char* none : {"", " 1", "+1", "-", ".", "e5", "nan", "inf", "-inf", "1e999", "-+1", "--1", "x"}) {
    CAPTURE(none);
    CHECK(read_decimal(none, v) == 0);
    CHECK(!read_whole_decimal(none, v));
  }
  for (const char* more : {"1 ", "1x", "0x10", "1e", "1.2.3", "1e5e5"}) CHECK(!read_whole_decimal(more, v));
  CHECK(v == 3.0);
}

}  // namespace dtacs::test
