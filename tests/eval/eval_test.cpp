// SPDX-License-Identifier: Apache-2.0
// `dtacs eval` from files to scores; what it takes for comparable: layers_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "tests/eval/tiny_rasters.h"
#include "tests/host/tiff_maker.h"
#include "tests/run/raw_scene.h"
#include "tools/run/run.h"

namespace dtacs::test {

using doctest::Approx;

namespace {

const std::string kTruth = DTACS_SOURCE_DIR "/tests/data/demo/truth";

// The number behind these keys, each looked for behind the one before.
double number_behind(const std::string& json, const std::vector<std::string>& keys) {
  std::size_t at = 0;
  for (const std::string& key : keys) {
    at = json.find("\"" + key + "\":", at);
    REQUIRE_MESSAGE(at != std::string::npos, key);
    at += key.size() + 3;
  }
  return std::stod(json.substr(at));
}

std::string without_blanks(std::string s) {
  std::erase_if(s, [](char c) { return c == ' ' || c == '\n'; });
  return s;
}

void command(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  Args args(static_cast<int>(argv.size()), argv.data());
  eval_command(args);
}

}  // namespace

TEST_CASE("eval: a border between true classes can be left out") {
  const TempFolder folder;
  std::vector<std::uint8_t> truth(9 * 9, 0);
  truth[4 * 9 + 4] = 1;
  put_codes(folder / "truth.tif", 9, truth);
  put_codes(folder / "found.tif", 9, std::vector<std::uint8_t>(9 * 9, 0));
  MaskEvalOptions o = masks(folder / "found.tif", folder / "truth.tif");
  for (const int n : {0, 1, 2, 3}) {
    o.tolerance = n;
    const int side = 2 * n + 1;
    const Confusion c = eval_masks(o).pooled;
    CHECK(c.pixels() == (n == 0 ? 81 : 81 - side * side));
    CHECK(c.count[1][0] == (n == 0 ? 1 : 0));
  }
  o.tolerance = 20;
  check_fails(Exit::bad_data, "no pixel counts", [&] { eval_masks(o); });
  // What is not counted is no class to have a border with.
  truth[4 * 9 + 4] = 255;
  put_codes(folder / "truth.tif", 9, truth);
  o.tolerance = 2;
  CHECK(eval_masks(o).pooled.pixels() == 80);
}

TEST_CASE("eval: patches without positives count as perfect, or as nothing found right") {
  const TempFolder folder;
  put_codes(folder / "truth.tif", 8,
            {0, 0, 0, 0, 1, 1, 255, 255,  //
             0, 0, 0, 0, 1, 0, 255, 255});
  put_codes(folder / "found.tif", 8,
            {0, 0, 1, 0, 1, 0, 1, 1,  //
             0, 0, 0, 0, 1, 0, 1, 1});
  MaskEvalOptions o = masks(folder / "found.tif", folder / "truth.tif");
  o.patch = 2;
  const MaskResult r = eval_masks(o);
  CHECK(r.patches.size() == 3);  // the fourth has no pixel that counts
  const std::string json = mask_json(o, r);
  const double f2 = 5.0 * 2 / (5 * 2 + 4 * 1);
  CHECK(number_behind(json, {"patches", "cloud", "f2", "count"}) == 3);
  CHECK(number_behind(json, {"patches", "cloud", "f2", "mean"}) == Approx((1 + 0 + f2) / 3));
  CHECK(number_behind(json, {"patches", "cloud", "f2", "median"}) == Approx(f2));
  CHECK(number_behind(json, {"patches", "cloud", "with_positives", "f2", "count"}) == 1);
  CHECK(number_behind(json, {"patches", "cloud", "with_positives", "f2", "median"}) == Approx(f2));
  CHECK(number_behind(json, {"patches", "cloud", "producers_accuracy", "count"}) == 1);
  CHECK(number_behind(json, {"patches", "cloud shadow", "f2", "min"}) == 1);
}

TEST_CASE("eval: reflectance by band, class and image") {
  const TempFolder folder;
  for (const char* name : {"found", "truth"}) std::filesystem::create_directory(folder / name);
  // B02 at 10 m, B05 at 20 m; one pixel of each without data.
  put_bands(folder / "found/reflectance_10m.tif", 2, {"B02"}, {{1000, 2000, 3000, 0}}, {32631, 0, 100, 10});
  put_bands(folder / "found/reflectance_20m.tif", 1, {"B05"}, {{4000}}, {32631, 0, 100, 20});
  put_bands(folder / "truth/x_B02.tif", 2, {"sky"}, {{1100, 2000, 2800, 500}}, {32631, 0, 100, 10});
  put_bands(folder / "truth/x_B05_20m.tif", 1, {"sky"}, {{4100}}, {32631, 0, 100, 20});
  put_codes(folder / "mask.tif", 2, {0, 0, 1, 0}, {32631, 0, 100, 10});
  const EvalPair pair{folder / "found", folder / "truth", "", ""};
  ReflectanceEvalOptions o = bands(pair);
  const MethodResult all = eval_reflectance(o)[0];
  CHECK(all.images[0][1].pixels == 3);
  CHECK(all.images[0][1].bias == Approx(0.01 / 3));
  CHECK(all.images[0][4].pixels == 4);  // 20 m pixels weigh four times
  CHECK(all.images[0][4].rmse == Approx(0.01));
  CHECK(all.images[0][0].pixels == 0);

  o.pairs[0].mask = folder / "mask.tif";
  const ReflectanceResult masked = eval_reflectance(o);
  CHECK(masked[0].images[0][1].pixels == 2);
  CHECK(masked[0].images[0][1].bias == Approx(-0.005));
  CHECK(error_scores(masked[0].by_class[1][1]).bias == Approx(0.02));
  o.classes = {1};
  const ReflectanceResult clouds = eval_reflectance(o);
  CHECK(clouds[0].images[0][1].bias == Approx(0.02));
  const std::string json = reflectance_json(o, clouds);
  CHECK(number_behind(json, {"found", "pooled", "B02", "bias"}) == Approx(0.02));
  CHECK(number_behind(json, {"by_class", "clear", "B02", "bias"}) == Approx(-0.005));

  o = bands(pair);
  o.truth_offset = -100;
  CHECK(eval_reflectance(o)[0].images[0][4].rmse == Approx(0));

  // Two images: pooled over pixels, and the distribution over images.
  put_file(folder / "pairs.txt",
           "# found truth mask\nfound truth\n\n  found truth mask.tif # clear only\nfound\ttruth\t-\r\n");
  o = bands({});
  o.pairs = read_pairs(folder / "pairs.txt");
  REQUIRE(o.pairs.size() == 3);
  CHECK(o.pairs[1].mask == folder / "mask.tif");
  CHECK(o.pairs[2].mask == "");
  const MethodResult several = eval_reflectance(o)[0];
  CHECK(several.images.size() == 3);
  CHECK(several.pooled[1].sums().count == 3 + 2 + 3);
}

TEST_CASE("eval: each band has its own scale, infinities are no data, and nothing compared is null") {
  const TempFolder folder;
  TiffMaker{.width = 1,
            .height = 1,
            .bands = 2,
            .bits = 16,
            .samples = {100, 0, 100, 0},
            .more =
                [](TiffDirectory& d) {
                  put_items(d, {{0, "DESCRIPTION", "B02"},
                                {0, "SCALE", "0.001"},
                                {1, "DESCRIPTION", "B03"},
                                {1, "SCALE", "0.002"},
                                {1, "OFFSET", "-0.05"}});
                }}
      .put(folder / "a.tif");
  put_bands(folder / "t.tif", 1, {"B02", "B03"}, {{1000}, {2000}});
  ReflectanceEvalOptions o = bands({folder / "a.tif", folder / "t.tif", "", ""});
  const BandScores s = eval_reflectance(o)[0].images[0];
  CHECK(s[1].bias == Approx(0));
  CHECK(s[2].bias == Approx(-0.05));

  const auto float_tiff = [&](const std::string& name, float a, float b) {
    TiffBytes bytes;
    for (const float v : {a, b}) put_le(bytes, std::bit_cast<std::uint32_t>(v), 4);
    TiffMaker{.width = 2, .height = 1, .bits = 32, .format = 3, .samples = bytes}.put(folder / name);
  };
  float_tiff("B02.tif", 0.1f, 0.2f);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float_tiff("n_B02.tif", kInfinity, kInfinity);
  o.pairs = {{folder / "B02.tif", folder / "n_B02.tif", "", ""}};
  check_fails(Exit::bad_data, "B02.tif|n_B02.tif|no pixel counts", [&] { eval_reflectance(o); });
  float_tiff("i_B02.tif", kInfinity, 0.2f);
  o.pairs = {{folder / "B02.tif", folder / "i_B02.tif", "", ""}};
  CHECK(eval_reflectance(o)[0].images[0][1].pixels == 1);
  CHECK(eval_reflectance(o)[0].images[0][1].rmse == 0);

  o.pairs = {{folder / "a.tif", folder / "t.tif", "", ""}, {folder / "B02.tif", folder / "i_B02.tif", "", ""}};
  const std::string json = without_blanks(reflectance_json(o, eval_reflectance(o)));
  CHECK(json.find("\"B03\":{\"pixels\":0,\"rmse\":null,\"bias\":null") != std::string::npos);
}

TEST_CASE("eval: the demo scene gives what run --truth reports, and its truth is perfect") {
  const TempFolder folder;
  RunOptions run_options;
  run_options.product = kDemo;
  run_options.folder = folder / "out";
  run_options.stack = true;
  run_options.threads = 1;
  run_options.isa = detect_isa();
  run_options.quiet = true;
  run_options.truth = kTruth;
  run(run_options);
  const std::string report = get_file(folder / "out/report.json");

  const MaskResult mask = eval_masks(masks(folder / "out", kTruth));
  JsonWriter j;
  j.begin_object();
  write_mask_scores(j, mask.pooled);
  j.end();
  const std::string scores = without_blanks(j.text());
  CHECK(without_blanks(report).find(scores.substr(1, scores.size() - 2)) != std::string::npos);

  ReflectanceEvalOptions o = bands({folder / "out/reflectance.tif", kTruth, kTruth, kDemo});
  const std::string again = folder / "again/correction.dtw";
  put_file(again, get_file(DTACS_SOURCE_DIR "/weights/correction.dtw"));
  o.weights = {DTACS_SOURCE_DIR "/weights/correction.dtw", again};  // once more what was found
  const ReflectanceResult r = eval_reflectance(o);
  REQUIRE(r.size() == 4);
  CHECK(r[1].name == "no correction");
  CHECK(r[2].name == "correction");
  CHECK(r[3].name == again);  // names are keys of the JSON
  int compared = 0;
  for (std::size_t b = 0; b < kBandCount; ++b) {
    const ErrorScores s = r[0].images[0][b];
    if (s.pixels == 0) continue;
    ++compared;
    const auto reported = [&](const char* what) {
      return number_behind(report, {"reflectance_of_clear_pixels", kBandNames[b], what});
    };
    CHECK(static_cast<double>(s.pixels) == reported("pixels"));
    CHECK(s.rmse == Approx(reported("rmse")));
    CHECK(s.bias == Approx(reported("bias")));
    CHECK(s.median_absolute == Approx(reported("median_absolute_error")));
    CHECK(r[1].images[0][b].rmse == Approx(reported("rmse_uncorrected")));
    CHECK(r[2].images[0][b].rmse == Approx(s.rmse));
  }
  CHECK(compared == 12);

  const MaskResult self = eval_masks(masks(kTruth, kTruth));
  CHECK(self.pooled.pixels() == mask.pooled.pixels());
  CHECK(overall_scores(self.pooled).kappa == 1);
  for (const ClassGroup& g : kGroups) CHECK(class_scores(self.pooled, g.classes).f2 == 1);
  ReflectanceEvalOptions only = bands({kTruth, kTruth, "", ""});
  only.bands = {1};
  const MethodResult one = eval_reflectance(only)[0];
  for (std::size_t b = 0; b < kBandCount; ++b) CHECK((one.images[0][b].pixels > 0) == (b == 1));
  const MethodResult same = eval_reflectance(bands({kTruth, kTruth, "", ""}))[0];
  for (std::size_t b = 0; b < kBandCount; ++b)
    if (b != 10) {
      CHECK(same.images[0][b].rmse == 0);
      CHECK(same.images[0][b].r2 == 1);
      CHECK(same.images[0][b].within == 1);
    }
}

TEST_CASE("eval: wrong words on the command line are a usage error") {
  const TempFolder folder;
  put_codes(folder / "m.tif", 2, {0, 1, 2, 3});
  const std::string m = folder / "m.tif";
  for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                 {"masks", m, m},
                                                                 {"mask", m},
                                                                 {"mask", m, m, m},
                                                                 {"mask", m, m, "--map", "nothing"},
                                                                 {"mask", m, m, "--patch", "0"},
                                                                 {"mask", m, m, "--tolerance", "-1"},
                                                                 {"mask", m, m, "--weights", m},
                                                                 {"mask", m, m, "--list", m},
                                                                 {"reflectance", "--list", m, "--mask", m},
                                                                 {"reflectance", m, m, "--classes", "4"},
                                                                 {"reflectance", m, m, "--classes", ""},
                                                                 {"reflectance", kTruth, kTruth, "--classes", "0"},
                                                                 {"reflectance", kTruth, kTruth, "--map", "scl"},
                                                                 {"reflectance", kTruth, kTruth, "--toa-offset", "0"},
                                                                 {"reflectance", m, m, "--bands", "B02,B77"},
                                                                 {"reflectance", m, m, "--truth-offset", "x"},
                                                                 {"reflectance", kTruth, kTruth, "--weights", m}})
    check_fails(Exit::usage, "", [&] { command(words); });
  check_fails(Exit::missing_input, "none.txt", [&] { command({"mask", "--list", folder / "none.txt"}); });
  put_file(folder / "list.txt", "# nothing\n");
  check_fails(Exit::bad_data, "list.txt|no image", [&] { command({"mask", "--list", folder / "list.txt"}); });
  put_file(folder / "list.txt", "a b\none\n");
  check_fails(Exit::bad_data, "list.txt|line 2|1 paths", [&] { command({"mask", "--list", folder / "list.txt"}); });
  put_file(folder / "list.txt", "m.tif m.tif m.tif\n");
  check_fails(Exit::usage, "m.tif", [&] { command({"mask", "--list", folder / "list.txt"}); });
  check_fails(Exit::cannot_create, "nowhere", [&] { command({"mask", m, m, "--json", folder / "nowhere/x.json"}); });
}

}  // namespace dtacs::test
