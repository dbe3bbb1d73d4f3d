// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <limits>

#include "tests/kernels/conv3x3_s8_suite.h"
#include "tests/kernels/conv3x3_suite.h"
#include "tests/kernels/dwconv3x3_s8_suite.h"
#include "tests/kernels/dwconv3x3_suite.h"
#include "tests/kernels/head3x3_s8_suite.h"
#include "tests/kernels/head3x3_suite.h"
#include "tests/kernels/pixelnet_suite.h"
#include "tests/kernels/pixels_s16_suite.h"
#include "tests/kernels/pointwise_s8_suite.h"
#include "tests/kernels/pointwise_suite.h"
#include "tests/kernels/stem3x3_s16_suite.h"
#include "tests/kernels/upconv3x3_suite.h"
#include "tests/kernels/winograd3x3_s8_suite.h"
#include "tests/kernels/winograd3x3_suite.h"
#include "tests/support/check_family.h"

namespace dtacs::test {

namespace {

// Everything a case computed, as bytes.
template <class T>
std::string bytes(const Guarded<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}
std::string result(const Head3x3Suite::Case& c) {
  return bytes(c.logits) + bytes(c.classes);
}
std::string result(const Winograd3x3Suite::Case& c) {
  return bytes(c.out.values);
}
std::string result(const Upconv3x3Suite::Case& c) {
  return bytes(c.out.values);
}
template <class Case>
std::string result(const Case& c) {
  return bytes(c.out);
}
std::string result(const PixelNetSuite::Case& c) {
  std::string all;
  for (const auto& plane : c.out) all += bytes(*plane);
  return all;
}

// A row in one piece and in runs of 1, 2, 3, ... pixels is the same to the bit, for
// every variant: results must not depend on threads or on how a scene is cut.  Runs
// go from right to left, so that writing past a run destroys a finished one.
template <KernelSuite S>
void check_runs(const std::vector<typename S::Shape>& shapes) {
  for (const auto& shape : shapes) {
    for (const auto& kernel : S::family()) {
      if (!runs_on(kernel.needs, tested_isa())) continue;
      typename S::Case whole(shape, seed(), Fill::random);
      whole.run(kernel);
      const std::string want = result(whole);
      for (const int length : {1, 2, 3, 5, 6, 7, 8, 11, 23, 24, 25}) {
        const std::string doing = std::string(S::family().name) + "_" + kernel.name + "  " + S::describe(shape) +
                                  " in runs of " + std::to_string(length);
        breadcrumb.drop(doing);
        INFO(doing);
        typename S::Case cut(shape, seed(), Fill::random);
        for (int first = (cut.pixels() - 1) / length * length; first >= 0; first -= length)
          cut.run(kernel, first, std::min(length, cut.pixels() - first));
        const bool same = result(cut) == want;
        CHECK(same);
      }
    }
  }
}

}  // namespace

TEST_CASE("kernels: conv3x3_f32") {
  check_family<Conv3x3Suite>();
}
TEST_CASE("kernels: winograd3x3_f32") {
  check_family<Winograd3x3Suite>();
}
TEST_CASE("kernels: upconv3x3_f32") {
  check_family<Upconv3x3Suite>();
}
TEST_CASE("kernels: dwconv3x3_f32") {
  check_family<Dwconv3x3Suite>();
}
TEST_CASE("kernels: pointwise_f32") {
  check_family<PointwiseSuite>();
}
TEST_CASE("kernels: head3x3_f32") {
  check_family<Head3x3Suite>();
}
TEST_CASE("kernels: pixelnet_u16") {
  check_family<PixelNetSuite>();
}
TEST_CASE("kernels: pixels_s16") {
  check_family<PixelsS16Suite>();
}

TEST_CASE("kernels: stem3x3_s16") {
  check_family<Stem3x3S16Suite>();
}
TEST_CASE("kernels: conv3x3_s8") {
  check_family<Conv3x3S8Suite>();
}
TEST_CASE("kernels: winograd3x3_s8") {
  check_family<Winograd3x3S8Suite>();
}
TEST_CASE("kernels: dwconv3x3_s8") {
  check_family<Dwconv3x3S8Suite>();
}
TEST_CASE("kernels: pointwise_s8") {
  check_family<PointwiseS8Suite>();
}
TEST_CASE("kernels: head3x3_s8") {
  check_family<Head3x3S8Suite>();
}

TEST_CASE("kernels: a result does not depend on how the row is cut into runs") {
  check_runs<Conv3x3Suite>({{53, 0, 13, 32, 2}, {53, 3, 49, 40, 1}, {53, 0, 20, 8, 1}});
  check_runs<Winograd3x3Suite>({{3, 130, 4, 126, 9, 40}, {2, 100, 0, 100, 16, 8, true}});
  check_runs<Upconv3x3Suite>({{3, 33, 1, 31, 9, 40}, {2, 25, 0, 25, 16, 8}});
  check_runs<Dwconv3x3Suite>({{53, 0, 29, 1}, {53, 2, 29, 2}});
  check_runs<PointwiseSuite>({{53, 75, 40, PointwiseSuite::Add::in_place}, {53, 33, 8}});
  check_runs<Head3x3Suite>({{53, 1, 16, 4}, {53, 0, 11, 7}});
  check_runs<PixelNetSuite>({{53, 13, 52, 12}, {53, 13, 0, 12, false}});
  check_runs<PixelsS16Suite>({{53, 13, 10000.0f}, {53, 13, 0}});
  check_runs<Stem3x3S16Suite>({{53, 3, 13, 32}});
  check_runs<Conv3x3S8Suite>({{53, 0, 1, 16, 8, 40}, {53, 3, 0, 8, 0, 16}, {53, 1, 0, 0, 16, 24}});
  check_runs<Dwconv3x3S8Suite>({{53, 0, 48, 1}, {53, 2, 80, 2}});
  check_runs<PointwiseS8Suite>({{53, 72, 40, PointwiseS8Suite::Add::in_place}, {53, 16, 8}});
  check_runs<Head3x3S8Suite>({{53, 1, 4}, {53, 0, 7}});
}

TEST_CASE("kernels: a family offers the best variant a machine can run, and always one") {
  const auto check = [](const auto& family) {
    INFO(family.name);
    CHECK(family.reference().needs == isa::none);
    CHECK(std::string(family.reference().name) == "scalar");
    CHECK(&family.best(isa::none) == &family.reference());
    for (const auto& k : family) {
      CHECK(runs_on(k.needs, k.needs));
      CHECK(&family.best(k.needs) == &k);  // nothing listed before it needs less
      bool known = false;
      for (const IsaName& n : kIsaNames) known = known || (n.set == k.needs && std::string(n.name) == k.name);
      CHECK_MESSAGE(known, k.name, " is no name that --isa knows");
    }
    CHECK(runs_on(family.best(tested_isa()).needs, tested_isa()));
  };
  check(conv3x3_f32);
  check(winograd3x3_f32);
  check(upconv3x3_f32);
  check(dwconv3x3_f32);
  check(pointwise_f32);
  check(head3x3_f32);
  check(pixelnet_u16);
  check(pixels_s16);
  check(stem3x3_s16);
  check(conv3x3_s8);
  check(winograd3x3_s8);
  check(dwconv3x3_s8);
  check(pointwise_s8);
  check(head3x3_s8);
}

TEST_CASE("kernels: pixels_s16 of every digital number, rounded half up") {
  for (const auto& kernel : pixels_s16) {
    if (!runs_on(kernel.needs, tested_isa())) continue;
    for (const float quantification : {10000.0f, 9999.0f, 20000.0f}) {
      INFO(kernel.name, " quantification ", quantification);
      PixelsS16Suite::Case c({65536, 8, quantification}, seed(), Fill::random);
      c.offset = {0.0f, -1000.0f, -40000.0f, 0.5f, -32767.0f, 32767.0f, -4.0f, 1e9f};
      for (std::size_t i = 0; i < c.numbers.size(); ++i) c.numbers[i] = static_cast<std::uint16_t>(i);
      c.run(kernel);
      CHECK(PixelsS16Suite::disagreement(c, c) == "");
      const auto out = [&](int number, int channel) {
        return c.out[static_cast<std::size_t>(number * c.step() + channel)];
      };
      if (quantification == 10000) CHECK(out(10000, 0) == 10000);
      if (quantification == 10000) CHECK(out(1, 1) == -999);
      if (quantification == 10000) CHECK(out(65535, 0) == 32767);
      if (quantification == 20000) CHECK(out(3, 0) == 2);
      if (quantification == 20000) CHECK(out(1, 6) == -1);
    }
  }
}

TEST_CASE("kernels: of equal logits the class with the smallest number wins") {
  for (const auto& kernel : head3x3_f32) {
    if (!runs_on(kernel.needs, tested_isa())) continue;
    for (const int outputs : {2, 4, 5, 16}) {
      for (int twin = 1; twin < outputs; ++twin) {
        INFO(kernel.name, " outputs ", outputs, " twin ", twin);
        Head3x3Suite::Case c({7, 0, 16, outputs}, seed(), Fill::random);
        // Classes twin - 1 and twin are the same and above all others.
        const std::ptrdiff_t size = 9 * 16;
        std::memcpy(c.weights.data() + twin * size, c.weights.data() + (twin - 1) * size, sizeof(float) * 9 * 16);
        c.bias[static_cast<std::size_t>(twin)] = c.bias[static_cast<std::size_t>(twin - 1)] = 1000.0f;
        c.run(kernel);
        for (const int found : c.classes) CHECK(found == twin - 1);
      }
    }
  }
}

TEST_CASE("kernels: pixelnet passes every digital number through like the reference") {
  // Without a network the output is trunc(x / q * 10000): the division must be the
  // reference's own, or hundreds of numbers come out one too small.
  constexpr int kPixels = 65536;
  for (const float quantification : {10000.0f, 10000.5f, 4095.0f}) {
    for (const float offset : {0.0f, -1000.0f}) {
      std::string want;
      for (std::size_t k = pixelnet_u16.count; k-- > 0;) {
        const auto& kernel = pixelnet_u16.kernels[k];
        if (!runs_on(kernel.needs, tested_isa())) continue;
        PixelNetSuite::Case c({kPixels, 1, 0, 1}, seed(), Fill::lowest);
        for (int p = 0; p < kPixels; ++p) (*c.in[0])[static_cast<std::size_t>(p)] = static_cast<std::uint16_t>(p);
        c.offset[0] = offset;
        c.quantification = quantification;
        c.w2[0] = c.b2[0] = 0.0f;
        c.run(kernel);
        INFO(kernel.name, " quantification ", quantification, " offset ", offset);
        if (want.empty()) want = result(c);
        const bool same = result(c) == want;
        CHECK(same);
        CHECK((*c.out[0])[65535] == 20000);
        CHECK((*c.out[0])[0] == 0);
      }
    }
  }
}

TEST_CASE("kernels: pixelnet turns NaN into 0 and holds the range") {
  for (const auto& kernel : pixelnet_u16) {
    if (!runs_on(kernel.needs, tested_isa())) continue;
    INFO(kernel.name);
    PixelNetSuite::Case c({29, 4, 16, 4, false}, seed(), Fill::random);
    c.b2[0] = std::numeric_limits<float>::quiet_NaN();
    c.b2[1] = std::numeric_limits<float>::infinity();
    c.b2[2] = -1e9f;
    c.b2[3] = 1e9f;
    c.run(kernel);
    constexpr int kWant[] = {0, 20000, 0, 20000};
    for (std::size_t m = 0; m < 4; ++m)
      for (const int found : *c.out[m]) CHECK(found == kWant[m]);
  }
}

}  // namespace dtacs::test
