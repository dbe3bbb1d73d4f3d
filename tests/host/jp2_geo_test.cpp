// SPDX-License-Identifier: Apache-2.0
#include "io/host/jp2_geo.h"

#include <doctest/doctest.h>

#include "tests/host/jp2_maker.h"
#include "tests/host/temp_folder.h"
#include "tests/support/shared_data.h"
#include "tests/support/suite.h"

namespace dtacs::test {
namespace {

std::span<const std::byte> bytes(const std::string& s) {
  return std::as_bytes(std::span(s.data(), s.size()));
}

Jp2Summary summary(const std::string& file) {
  return summarize_jp2(bytes(file), "x.jp2");
}

void check_placed(const std::optional<GridPlacement>& p, int epsg, double ulx, double uly, double d) {
  REQUIRE(p.has_value());
  CHECK(p->epsg == epsg);
  CHECK(p->ulx == doctest::Approx(ulx).epsilon(1e-12));
  CHECK(p->uly == doctest::Approx(uly).epsilon(1e-12));
  CHECK(p->dx == doctest::Approx(d));
  CHECK(p->dy == doctest::Approx(d));
}

}  // namespace

TEST_CASE("jp2 summary: size, depth and sign from the codestream") {
  const Jp2Maker maker{.width = 439, .height = 219, .components = 3, .bits = 12, .is_signed = true};
  for (const std::string& file : {maker.file(), maker.codestream()}) {
    const Jp2Summary s = summary(file);
    CHECK((s.width == 439 && s.height == 219 && s.components == 3 && s.bits == 12 && s.is_signed));
    CHECK((s.x0 == 5 && s.y0 == 7 && s.dx == 1 && s.dy == 1));
    CHECK_FALSE(s.placement.has_value());
  }
}

TEST_CASE("jp2 summary: a place from GML, from GeoTIFF in both byte orders, GML first") {
  const std::string gml = gml_grid(32756, 399960, 6700000, 10);
  check_placed(summary(Jp2Maker{.gml = gml}.file()).placement, 32756, 399960, 6700000, 10);
  for (const bool big : {false, true})
    for (const bool point : {false, true}) {
      // A pixel that is a point is tied by its middle.
      const std::string tags = geo_tags(big, 32631, 500000 + (point ? 30 : 0), 4000000 - (point ? 30 : 0), 60, point);
      check_placed(summary(Jp2Maker{.geotiff = tags}.file()).placement, 32631, 500000, 4000000, 60);
      check_placed(summary(Jp2Maker{.gml = gml, .geotiff = tags}.file()).placement, 32756, 399960, 6700000, 10);
      check_placed(summary(Jp2Maker{.gml = "<broken", .geotiff = tags}.file()).placement, 32631, 500000, 4000000, 60);
    }
}

TEST_CASE("jp2 summary: a damaged or unusable georeference is none") {
  const auto placed = [](const std::string& gml) { return placement_from_gml(gml).has_value(); };
  const std::string good = gml_grid(32631, 0, 0, 10);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string s = good;
    const std::size_t at = s.find(from);
    REQUIRE(at != std::string::npos);
    return s.replace(at, from.size(), to);
  };
  CHECK(placed(good));
  CHECK(placed(good + std::string(1, '\0')));
  CHECK_FALSE(placed(""));
  CHECK_FALSE(placed("<a/>"));
  CHECK_FALSE(placed(gml_grid(0, 0, 0, 10)));
  CHECK_FALSE(placed(gml_grid(32767, 0, 0, 10)));             // user-defined
  CHECK_FALSE(placed(with("10.000000 0<", "10.000000 1<")));  // rotated
  CHECK_FALSE(placed(with("10.000000 0<", "-10 0<")));        // mirrored
  CHECK_FALSE(placed(with("10.000000 0<", "nan 0<")));
  CHECK_FALSE(placed(with("10.000000 0<", "1e300 0<")));
  CHECK_FALSE(placed(with("10.000000 0<", "x<")));
  CHECK_FALSE(placed(with("gml:origin", "gml:start")));
  const std::string tags = geo_tags(false, 32631, 1, 2, 10, false);
  CHECK(placement_from_geotiff(bytes(tags)).has_value());
  // A projection without a code is not the geographic system that it is based on.
  CHECK_FALSE(placement_from_geotiff(bytes(geo_tags(false, 32767, 1, 2, 10, false))).has_value());
  for (std::size_t n = 0; n < tags.size(); ++n)
    CHECK_FALSE(placement_from_geotiff(bytes(tags.substr(0, n))).has_value());
  Rng rng(5);
  for (int i = 0; i < 20000; ++i) {  // nothing to see but that it returns
    std::string s = tags;
    for (int k = 0; k < 3; ++k)
      s[static_cast<std::size_t>(rng.between(0, static_cast<int>(s.size()) - 1))] = static_cast<char>(rng.next());
    const auto p = placement_from_geotiff(bytes(s));
    if (p) CHECK((p->epsg > 0 && p->dx > 0 && p->dy > 0));
  }
}

TEST_CASE("jp2 summary: why a place is of no use") {
  const std::string good = gml_grid(32631, 0, 0, 10), tags = geo_tags(false, 32631, 1, 2, 10, false);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string s = good;
    for (std::size_t at; (at = s.find(from)) != std::string::npos;) s.replace(at, from.size(), to);
    return s;
  };
  const auto problem = [](const std::string& gml, const std::string& geotiff = "") {
    const Jp2Summary s = summary(Jp2Maker{.gml = gml, .geotiff = geotiff}.file());
    CHECK((s.place_problem.empty() || !s.placement));
    return s.place_problem;
  };
  CHECK(problem("", "").empty());
  CHECK(problem("<broken").empty());
  CHECK(problem(with("10.000000 0<", "nan 0<")).empty());
  CHECK(problem(gml_grid(0, 0, 0, 10)).empty());  // no coordinate system, no place
  CHECK(problem(good).empty());
  CHECK(problem(with("10.000000 0<", "10 1e-12<")).empty());
  const std::string turned = with("10.000000 0<", "10 1<");
  CHECK(problem(turned) == "it is turned");
  CHECK(problem(with("0 -10.000000<", "0 10<")) == "it is flipped");
  const std::string own = "coordinate system";
  CHECK(problem(with("urn:ogc:def:crs:EPSG::32631", "gmljp2://xml/crs.gml#1")).find(own) != std::string::npos);
  CHECK(problem(with("32631", "32767")).find(own) != std::string::npos);
  CHECK(problem("", geo_tags(false, 32767, 1, 2, 10, false)).find(own) != std::string::npos);
  // The other box may be of use, but for GDAL's of a flipped image, which is wrong.
  CHECK(problem(with("0 -10.000000<", "0 10<"), tags) == "it is flipped");
  CHECK(problem(turned, tags).empty());
  CHECK(summary(Jp2Maker{.gml = turned, .geotiff = tags}.file()).placement.has_value());
}

TEST_CASE("jp2 summary: what is no JPEG 2000 file is refused, scrambled ones never crash") {
  const auto refused = [](Exit exit, const std::string& file, const std::string& words) {
    check_fails(exit, "x.jp2|" + words, [&] { summary(file); });
  };
  const std::string good =
      Jp2Maker{.gml = gml_grid(32631, 0, 0, 10), .geotiff = geo_tags(true, 32631, 0, 0, 10, false)}.file();
  refused(Exit::bad_data, "", "empty");
  refused(Exit::unsupported, "\x89PNG\r\n\x1a\n", "not a JPEG 2000");
  refused(Exit::bad_data, good.substr(0, 40), "past the end of the file");
  refused(Exit::bad_data, good.substr(0, good.size() - 10), "past the end of the codestream");
  refused(Exit::bad_data, Jp2Maker{.width = 0}.file(), "an image without pixels");
  refused(Exit::unsupported, Jp2Maker{.width = 1 << 29}.file(), "more pixels than the limit");
  refused(Exit::bad_data, Jp2Maker{.components = 0}.file(), "no components");
  check_fails(Exit::usage, "x.jp2|no such component", [&] { summarize_jp2(bytes(good), "x.jp2", 1); });
  Rng rng(11);
  int read = 0, failed = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string s = good.substr(0, static_cast<std::size_t>(rng.between(1, static_cast<int>(good.size()))));
    if (i % 2 == 0) s = good;
    for (int k = 0; k < 3; ++k)
      s[static_cast<std::size_t>(rng.between(0, static_cast<int>(s.size()) - 1))] = static_cast<char>(rng.next());
    try {
      const int width = summary(s).width;
      CHECK(width > 0);
      ++read;
    } catch (const Failure&) {
      ++failed;
    }
  }
  CHECK(read > 100);
  CHECK(failed > 100);
}

TEST_CASE("jp2 summary: files as ESA and GDAL write them") {
  DTACS_NEEDS_DATA("jp2/esa_original");
  const auto esa = summarize_jp2(shared_data("jp2/esa_original/T29UNU_20221005T115411_B02_60m.jp2"));
  CHECK((esa.width == 1830 && esa.height == 1830 && esa.components == 1 && esa.bits == 15));
  check_placed(esa.placement, 32629, 499980, 5900040, 60);
  CHECK(summarize_jp2(shared_data("jp2/esa_original/MSK_QUALIT_B10.jp2")).components == 8);
  const auto crop = summarize_jp2(shared_data("s2/T31TDH/T31TDH_20150726T105026_B05.jp2"));
  CHECK((crop.width == 150 && crop.height == 150));
  check_placed(crop.placement, 32631, 399960, 4693200, 20);
}

TEST_CASE("jp2 summary: damaged files never crash") {
  DTACS_NEEDS_DATA("jp2/malformed");
  int read = 0, failed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(shared_data("jp2/malformed"))) {
    try {
      const int width = summarize_jp2(entry.path().string()).width;
      CHECK(width > 0);
      ++read;
    } catch (const Failure&) {
      ++failed;
    }
  }
  CHECK(read > 30);
  CHECK(failed > 3);
}

}  // namespace dtacs::test
