// SPDX-License-Identifier: Apache-2.0
// The scores on examples small enough to be worked out by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/host/temp_folder.h"
#include "tools/eval/class_map.h"
#include "tools/eval/mask_scores.h"
#include "tools/eval/patches.h"
#include "tools/eval/reflectance_errors.h"

namespace dtacs::test {

using doctest::Approx;

TEST_CASE("eval: scores of a mask, by hand") {
  Confusion c;
  c.count[0][0] = 8;  // tn
  c.count[0][1] = 4;  // fp
  c.count[1][0] = 2;  // fn
  c.count[1][1] = 6;  // tp
  for (const unsigned classes : {0b0010u, 0b0110u, 0b1110u}) {
    const ClassScores s = class_scores(c, classes);
    CHECK(s.tp == 6);
    CHECK(s.fn == 2);
    CHECK(s.fp == 4);
    CHECK(s.tn == 8);
    CHECK(s.producers == Approx(0.75));
    CHECK(s.users == Approx(0.6));
    CHECK(s.f1 == Approx(2.0 / 3));
    CHECK(s.f2 == Approx(5.0 / 7));
    CHECK(s.iou == Approx(0.5));
    CHECK(s.boa == Approx((0.75 + 8.0 / 12) / 2));
  }
  const OverallScores o = overall_scores(c);
  CHECK(o.accuracy == Approx(0.7));
  CHECK(o.miou == Approx((0.5 + 8.0 / 14) / 2));
  CHECK(o.kappa == Approx(0.4));  // (0.7 - 0.5) / (1 - 0.5), with chance 0.4 x 0.5 + 0.6 x 0.5

  const ClassScores shadow = class_scores(c, 0b1000u);  // neither there nor found
  CHECK(std::isnan(shadow.producers));
  CHECK(std::isnan(shadow.users));
  CHECK(std::isnan(shadow.f2));
  CHECK(std::isnan(shadow.boa));
}

TEST_CASE("eval: thick taken for thin cloud is right as cloud, and shadow for cloud as invalid") {
  Confusion c;
  c.count[1][2] = 3;
  c.count[3][1] = 5;
  c.count[0][0] = 2;
  CHECK(class_scores(c, 0b0110u).producers == 1);
  CHECK(class_scores(c, 0b0110u).users == Approx(3.0 / 8));
  CHECK(class_scores(c, 0b1000u).producers == 0);
  CHECK(class_scores(c, 0b1000u).f2 == 0);
  CHECK(class_scores(c, 0b1110u).f2 == 1);
  CHECK(overall_scores(c).accuracy == Approx(0.2));
  c.add(kIgnored, 1);
  c.add(1, kIgnored);
  CHECK(c.pixels() == 10);
  Confusion twice = c;
  twice += c;
  CHECK(twice.count[3][1] == 10);
}

TEST_CASE("eval: spread interpolates between values and leaves out what is none") {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const Spread s = spread({4, kNone, 1, 3, 2});
  CHECK(s.count == 4);
  CHECK(s.mean == 2.5);
  CHECK(s.min == 1);
  CHECK(s.q25 == 1.75);
  CHECK(s.median == 2.5);
  CHECK(s.q75 == 3.25);
  CHECK(s.max == 4);
  CHECK(spread({}).count == 0);
  CHECK(std::isnan(spread({kNone}).median));
}

TEST_CASE("eval: errors of reflectance, by hand") {
  ReflectanceErrors e;
  e.add(0.10, 0.11);
  e.add(0.20, 0.20);
  e.add(0.30, 0.28);
  const ErrorScores s = error_scores(e);
  CHECK(s.pixels == 3);
  CHECK(s.bias == Approx(0.01 / 3));
  CHECK(s.rmse == Approx(std::sqrt(0.0005 / 3)));
  CHECK(s.deviation == Approx(std::sqrt(0.0005 / 3 - 0.0001 / 9)));
  CHECK(s.mean_absolute == Approx(0.01));
  CHECK(s.median_absolute == Approx(0.01));
  CHECK(s.r2 == Approx(1 - 0.0005 / (0.0121 + 0.04 + 0.0784 - 0.59 * 0.59 / 3)));
  CHECK(s.within == Approx(2.0 / 3));  // limits 0.0105, 0.015, 0.019

  e.add(0.5035, 0.5);  // an even count: the mean of the middle two, 0.0035 and 0.01
  CHECK(error_scores(e).median_absolute == Approx((0.0035 + 0.01) / 2));
  ReflectanceErrors sum;
  sum += e;
  sum += e;
  CHECK(error_scores(sum).pixels == 8);
  CHECK(error_scores(sum).rmse == Approx(error_scores(e).rmse));
  CHECK(error_scores(sum).median_absolute == Approx(error_scores(e).median_absolute));
  sum.add(9, 0);  // beyond the histogram
  CHECK(error_scores(sum).median_absolute == Approx(0.01));

  const ErrorScores none = error_scores({});
  CHECK(std::isnan(none.rmse));
  CHECK(std::isnan(none.deviation));
  CHECK(std::isnan(none.median_absolute));
  ReflectanceErrors flat;
  flat.add(0.2, 0.1);
  flat.add(0.3, 0.1);
  CHECK(std::isnan(error_scores(flat).r2));
}

TEST_CASE("eval: codes of other masks") {
  const ClassMap scl = parse_class_map("scl");
  CHECK(scl[9] == 1);
  CHECK(scl[10] == 2);
  CHECK(scl[3] == 3);
  CHECK(scl[11] == 0);
  CHECK(scl[0] == kIgnored);
  CHECK(scl[12] == kIgnored);
  const ClassMap own = parse_class_map("0:0,1:1,8:1,10:2,3:3");
  CHECK(own[8] == 1);
  CHECK(own[10] == 2);
  CHECK(own[9] == kIgnored);
  CHECK(own[0.5f] == kIgnored);
  CHECK(own[-1] == kIgnored);
  CHECK(own[NAN] == kIgnored);
  CHECK(own[1e30f] == kIgnored);
  CHECK(parse_class_map("ukis")[0] == 3);
  CHECK(parse_class_map("fmask")[2] == 3);
  CHECK(parse_class_map("s2cloudless")[1] == 1);
  for (const char* bad : {"cloudy", "1", "1:4", "256:1", "1:1,x:2", "1:1:1", "-1:0", ":", "1:"})
    check_fails(Exit::usage, bad, [&] { parse_class_map(bad); });
}

TEST_CASE("eval: patches are nearly as large as asked for, and leave no sliver") {
  const auto sizes = [](int size, int patch) {
    std::vector<int> n;
    for (const int p : patch_of_pixel(size, patch)) {
      REQUIRE((p == static_cast<int>(n.size()) - 1 || p == static_cast<int>(n.size())));
      if (p == static_cast<int>(n.size())) n.push_back(0);
      ++n.back();
    }
    return n;
  };
  CHECK(sizes(1018, 509) == std::vector<int>{509, 509});
  CHECK(sizes(101, 509) == std::vector<int>{101});
  CHECK(sizes(1, 1) == std::vector<int>{1});
  CHECK(sizes(5, 2) == std::vector<int>{2, 2, 1});
  CHECK(sizes(10980, 509).size() == 22);
  CHECK(sizes(10980, 509).front() >= 499);
}

}  // namespace dtacs::test
