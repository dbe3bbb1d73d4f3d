// SPDX-License-Identifier: Apache-2.0
// The main job from files to files.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "io/host/jp2_band.h"
#include "net/padding.h"
#include "tests/host/tiff_probe.h"
#include "tests/net/converted.h"
#include "tests/net/whole_image.h"
#include "tests/run/small_run.h"
#include "tests/support/shared_data.h"
#include "tests/support/tools.h"
#include "tools/run/run.h"

namespace dtacs::test {

namespace {

// The scene as the network sees it, padded by reflection.
Image padded(const RawScene& scene) {
  const Padding rows = padding_for(scene.height), columns = padding_for(scene.width);
  Image image = {padded_size(scene.height), padded_size(scene.width), kBandCount, {}};
  RawScene copy = scene;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int b = 0; b < kBandCount; ++b)
        image.values.push_back(static_cast<float>(copy.at(b, reflect(y - rows.before, scene.height),
                                                          reflect(x - columns.before, scene.width))) /
                               10000.0f);
  return image;
}

}  // namespace

TEST_CASE("run: mask and reflectance equal the networks on the whole padded image") {
  RawScene scene(45, 70);
  Bench bench(scene);
  bench.options.isa = isa::none;
  run(bench.options);

  AlignedBytes bytes(golden_weights(bench.golden));
  WeightsFile weights;
  REQUIRE(WeightsFile::open(bytes.bytes(), weights) == Status::ok);
  const Image logits = run_whole_image(kUnetSc, weights, padded(scene)).back();
  const Padding rows = padding_for(scene.height), columns = padding_for(scene.width);
  const std::vector<int> mask = TiffProbe(bench.out("mask.tif")).band(0);
  int wrong = 0;
  for (int y = 0; y < scene.height; ++y)
    for (int x = 0; x < scene.width; ++x) {
      const float* l = logits.at(y + rows.before, x + columns.before);
      // The head sums in an order of its own; what is that close may go either way.
      float sorted[4] = {l[0], l[1], l[2], l[3]};
      std::sort(sorted, sorted + 4);
      const bool decided = sorted[3] - sorted[2] > 1e-3f;
      wrong += decided && mask[static_cast<std::size_t>(y * scene.width + x)] != std::max_element(l, l + 4) - l;
    }
  CHECK(wrong == 0);

  const TiffProbe stack(bench.out("reflectance.tif"));
  CHECK(stack.value(256) == scene.width);
  CHECK(stack.value(277) == 12);
  AlignedBytes corrector(small_corrector());
  WeightsFile ac;
  REQUIRE(WeightsFile::open(corrector.bytes(), ac) == Status::ok);
  std::vector<float> w1(8 * 13), b1(8), w2(12 * 8), b2(12);
  ac.find("a0.w").to_f32(w1.data());
  ac.find("a0.b").to_f32(b1.data());
  ac.find("a1.w").to_f32(w2.data());
  ac.find("a1.b").to_f32(b2.data());
  for (std::size_t m = 0; m < 12; ++m) {
    const std::vector<int> got = stack.band(static_cast<int>(m));
    const std::size_t band = m < 10 ? m : m + 1;  // all but B10
    int off = 0;
    for (std::size_t p = 0; p < scene.plane(); ++p) {
      double f = static_cast<double>(b2[m]);
      for (std::size_t k = 0; k < 8; ++k) {
        double h = static_cast<double>(b1[k]);
        for (std::size_t c = 0; c < 13; ++c)
          h += scene.dn[c * scene.plane() + p] / 1e4 * static_cast<double>(w1[k * 13 + c]);
        f += std::max(h, 0.0) * static_cast<double>(w2[m * 8 + k]);
      }
      const double y = std::clamp(scene.dn[band * scene.plane() + p] / 1e4 - f, 0.0, 2.0) * 1e4;
      off += std::abs(got[p] - std::max(std::floor(y), 1.0)) > 1;
    }
    CHECK(off == 0);
  }
}

TEST_CASE("run: a U-Net corrector subtracts its output from the bands") {
  RawScene scene(40, 50);
  Bench bench(scene);
  // The classification graph with its head turned into 12 outputs.
  std::vector<WeightsTensor> tensors = golden_tensors(bench.golden);
  for (WeightsTensor& t : tensors) {
    if (t.name != "head.w" && t.name != "head.b") continue;
    t.dims[0] = 12;
    t.values.resize(t.values.size() * 3);
    for (std::size_t k = 0; k < t.values.size(); ++k) t.values[k] = 0.02f * hash_unit(t.name, k);
  }
  const std::vector<std::byte> file =
      write_weights(tensors, {{"net", "unet_corrector"},
                              {"task", "correction"},
                              {"bands", "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12"},
                              {"outputs", "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B11,B12"},
                              {"input", "toa_reflectance"}});
  put_bytes(bench.folder / "unet_ac.dtw", file);
  bench.options.weights = {bench.folder / "unet_ac.dtw"};
  bench.options.mask = false;
  run(bench.options);

  AlignedBytes own(file);
  WeightsFile weights;
  REQUIRE(WeightsFile::open(own.bytes(), weights) == Status::ok);
  const Image f = run_whole_image(unet_mobilenet_v2(13, 12), weights, padded(scene)).back();
  const Padding rows = padding_for(scene.height), columns = padding_for(scene.width);
  const TiffProbe stack(bench.out("reflectance.tif"));
  for (int m = 0; m < 12; ++m) {
    const std::vector<int> got = stack.band(m);
    int off = 0;
    for (int y = 0; y < scene.height; ++y)
      for (int x = 0; x < scene.width; ++x) {
        const float before = static_cast<float>(scene.at(m < 10 ? m : m + 1, y, x)) / 10000.0f;
        const float after = std::clamp(before - f.at(y + rows.before, x + columns.before)[m], 0.0f, 2.0f) * 10000.0f;
        // Truncation takes up to 1; the sums are not those of the whole-image reference, 0.1 DN is 5e-6 of 2.
        off += std::abs(static_cast<float>(got[static_cast<std::size_t>(y * scene.width + x)]) -
                        std::max(after, 1.0f)) > 1.1f;
      }
    CHECK(off == 0);
  }
}

TEST_CASE("run: an offset in the metadata and data without one give the same files") {
  RawScene plain(64, 48), raised(64, 48);
  for (std::uint16_t& v : raised.dn) v = static_cast<std::uint16_t>(v + 1000);
  Bench without(plain), with(raised, ",offset=-1000");
  run(without.options);
  run(with.options);
  for (const char* name : {"mask.tif", "reflectance.tif"}) {
    const TiffProbe a(without.out(name)), b(with.out(name));
    for (int band = 0; band < a.value(277); ++band) CHECK(a.band(band) == b.band(band));
  }
  CHECK(get_file(with.out("report.json")).find("\"B02\": -1000") != std::string::npos);

  // The option wins over the metadata.
  with.options.offset = 0;
  run(with.options);
  CHECK(TiffProbe(with.out("reflectance.tif")).band(1) != TiffProbe(without.out("reflectance.tif")).band(1));
}

TEST_CASE("run: no data stays no data and leaks nowhere, a valid zero becomes one") {
  RawScene scene(96, 80);
  // A slanted edge in one band, a hole in another, and rows above without anything.
  std::set<std::pair<int, int>> empty;
  for (int y = 0; y < scene.height; ++y)
    for (int x = 0; x < scene.width; ++x) {
      if (y < 20 || x + y / 2 < 30) {
        scene.at(3, y, x) = 0;
        empty.insert({y, x});
      }
      if (y == 60 && x == 70) {
        scene.at(10, y, x) = 0;
        empty.insert({y, x});
      }
    }
  for (int b = 0; b < kBandCount; ++b) scene.at(b, 70, 80) = 1;  // darker than the correction: reflectance 0
  Bench bench(scene);
  run(bench.options);
  const std::vector<int> mask = TiffProbe(bench.out("mask.tif")).band(0);
  const TiffProbe stack(bench.out("reflectance.tif"));
  for (int m = 0; m < 12; ++m) {
    const std::vector<int> band = stack.band(m);
    for (int y = 0; y < scene.height; ++y)
      for (int x = 0; x < scene.width; ++x) {
        const auto p = static_cast<std::size_t>(y * scene.width + x);
        const bool gone = empty.count({y, x}) != 0;
        if ((mask[p] == 255) != gone || (band[p] == 0) != gone) FAIL("wrong at ", y, ", ", x);
      }
  }

  // What stands in the empty part of the other bands does not matter to the valid part.
  RawScene other = scene;
  for (const auto& [y, x] : empty)
    for (int b = 0; b < kBandCount; ++b)
      if (other.at(b, y, x) != 0) other.at(b, y, x) = 60000;
  Bench again(other);
  run(again.options);
  CHECK(TiffProbe(again.out("mask.tif")).band(0) == mask);
}

TEST_CASE("run: a thousand empty rows above the swath are no data, all of them") {
  // The U-Net waits for the first valid row, and the rows before it outnumber any ring.
  RawScene scene(48, 1050);
  for (int y = 0; y < scene.height; ++y)
    for (int x = 0; x < scene.width; ++x)
      if (y < 950 + x) scene.at(5, y, x) = 0;
  Bench bench(scene);
  run(bench.options);
  const std::vector<int> mask = TiffProbe(bench.out("mask.tif")).band(0);
  const std::vector<int> b02 = TiffProbe(bench.out("reflectance.tif")).band(1);
  int wrong = 0;
  for (int y = 0; y < scene.height; ++y)
    for (int x = 0; x < scene.width; ++x) {
      const auto p = static_cast<std::size_t>(y * scene.width + x);
      wrong += (mask[p] == 255) != (y < 950 + x) || (b02[p] == 0) != (y < 950 + x);
    }
  CHECK(wrong == 0);
}

TEST_CASE("run: outputs lie where the pixels of the product lie") {
  RawScene scene(60, 50);
  Bench bench(scene);
  bench.options.hints.raw_header.replace(bench.options.hints.raw_header.find("res=10"), 6, "res=30");
  bench.options.window = Rect{6, 4, 40, 40};
  run(bench.options);
  for (const char* name : {"mask.tif", "reflectance.tif"}) {
    const TiffProbe tiff(bench.out(name));
    CHECK(tiff.numbers.at(33550) == std::vector<double>{30, 30, 0});
    CHECK(tiff.numbers.at(33922) == std::vector<double>{0, 0, 0, 399960 + 6 * 30, 4693200 - 4 * 30, 0});
  }
}

TEST_CASE("run: the mask's names are those of the weights") {
  RawScene scene(40, 40);
  Bench bench(scene);
  put_bytes(bench.folder / "sc.dtw", write_weights(golden_tensors(bench.golden),
                                                   {{"net", "unet_mobilenet_v2"},
                                                    {"bands", "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12"},
                                                    {"outputs", "cloud shadow,water,thick cloud,clear"},
                                                    {"input", "toa_reflectance"}}));
  run(bench.options);
  const std::string names = get_file(bench.out("mask.tif.aux.xml"));
  CHECK(names.find("water") != std::string::npos);
  const std::vector<double> palette = TiffProbe(bench.out("mask.tif")).numbers.at(320);
  CHECK(static_cast<int>(palette[2]) / 257 == 255);  // value 2 is thick cloud now: yellow
  CHECK(get_file(bench.out("report.json")).find("\"water\"") != std::string::npos);
}

TEST_CASE("run: a folder holds what its report says, nothing of an earlier run") {
  RawScene scene(40, 40);
  Bench bench(scene);
  run(bench.options);
  CHECK(std::filesystem::exists(bench.out("reflectance.tif")));
  bench.options.reflectance = false;
  bench.options.weights = {bench.folder / "sc.dtw"};
  put_file(bench.out("notes.txt"), "mine");
  run(bench.options);
  std::set<std::string> names;
  for (const auto& e : std::filesystem::directory_iterator(bench.options.folder))
    names.insert(e.path().filename().string());
  CHECK(names == std::set<std::string>{"mask.tif", "mask.tif.aux.xml", "mask.qml", "mask_overlay.png", "notes.txt",
                                       "report.json", "true_colour_l1c.png"});
}

TEST_CASE("run: a scene without a valid pixel is a mask of no data") {
  RawScene scene(40, 70);
  std::fill(scene.dn.begin(), scene.dn.end(), std::uint16_t{0});
  Bench bench(scene);
  run(bench.options);
  CHECK(TiffProbe(bench.out("mask.tif")).band(0) == std::vector<int>(scene.plane(), 255));
  CHECK(TiffProbe(bench.out("reflectance.tif")).band(0) == std::vector<int>(scene.plane(), 0));
}

TEST_CASE("run: a window is a crop, files of native resolution are means") {
  const TempFolder folder;
  put_bytes(folder / "ac.dtw", small_corrector());
  RunOptions whole = quiet_run(kDemo, folder / "whole");
  whole.mask = false;
  whole.stack = true;
  whole.weights = {folder / "ac.dtw"};
  run(whole);
  RunOptions part = whole;
  part.folder = folder / "part";
  part.window = Rect{31, 57, 100, 64};
  run(part);
  const TiffProbe all(folder / "whole/reflectance.tif"), crop(folder / "part/reflectance.tif");
  CHECK(crop.value(256) == 100);
  CHECK(crop.value(257) == 64);
  const int width = all.value(256);
  for (const int m : {0, 1, 4, 11}) {
    const std::vector<int> a = all.band(m), c = crop.band(m);
    int differ = 0;
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 100; ++x)
        differ += a[static_cast<std::size_t>((y + 57) * width + x + 31)] != c[static_cast<std::size_t>(y * 100 + x)];
    CHECK(differ == 0);
  }

  RunOptions native = whole;
  native.folder = folder / "native";
  native.stack = false;
  run(native);
  const std::vector<int> b05 = all.band(4), native_b05 = TiffProbe(folder / "native/reflectance_20m.tif").band(0);
  CHECK(TiffProbe(folder / "native/reflectance_60m.tif").value(256) == width / 6);
  int differ = 0;
  for (int y = 0; y < width / 2; ++y)
    for (int x = 0; x < width / 2; ++x) {
      int sum = 0, count = 0;
      for (const auto& [dy, dx] : {std::pair{0, 0}, {0, 1}, {1, 0}, {1, 1}}) {
        const int v = b05[static_cast<std::size_t>((2 * y + dy) * width + 2 * x + dx)];
        sum += v;
        count += v != 0;
      }
      differ += native_b05[static_cast<std::size_t>(y * width / 2 + x)] != (count == 0 ? 0 : (sum + count / 2) / count);
    }
  CHECK(differ == 0);
}

TEST_CASE("run: at 20 m the mask is half as large, and 10 m bands are on its grid") {
  const TempFolder folder;
  put_bytes(folder / "ac.dtw", small_corrector());
  put_bytes(folder / "sc.dtw", golden_weights(read_golden()));
  RunOptions o = quiet_run(kDemo, folder / "out");
  o.resolution = 20;
  o.weights = {folder / "ac.dtw", folder / "sc.dtw"};
  run(o);
  CHECK(TiffProbe(folder / "out/mask.tif").value(256) == 210);
  CHECK(TiffProbe(folder / "out/reflectance_20m.tif").value(277) == 10);
  CHECK(TiffProbe(folder / "out/reflectance_60m.tif").value(256) == 70);
}

TEST_CASE("run: a correction without green once left a black picture") {
  const TempFolder folder;
  RunOptions o = quiet_run(kDemo, folder / "out");
  o.weights = {DTACS_SOURCE_DIR "/weights/correction_probav.dtw"};
  run(o);
  CHECK(std::filesystem::exists(folder / "out/true_colour_l1c.png"));
  CHECK_FALSE(std::filesystem::exists(folder / "out/true_colour_corrected.png"));
  CHECK(get_file(folder / "out/report.json").find("true_colour_corrected") == std::string::npos);
}

TEST_CASE("run: threads change nothing") {
  RawScene scene(70, 130);
  Bench one(scene), three(scene);
  one.options.threads = 1;
  three.options.threads = 3;
  run(one.options);
  run(three.options);
  CHECK(TiffProbe(one.out("mask.tif")).band(0) == TiffProbe(three.out("mask.tif")).band(0));
  for (int m = 0; m < 12; ++m)
    CHECK(TiffProbe(one.out("reflectance.tif")).band(m) == TiffProbe(three.out("reflectance.tif")).band(m));
}

TEST_CASE("run: the demo scene is classified and corrected by the weights inside") {
  const TempFolder folder;
  RunOptions o = quiet_run(kDemo, folder / "out");
  o.truth = DTACS_SOURCE_DIR "/tests/data/demo/truth";
  run(o);
  std::set<std::string> names;
  for (const auto& e : std::filesystem::directory_iterator(o.folder)) names.insert(e.path().filename().string());
  for (const char* name : {"mask.tif", "reflectance_10m.tif", "reflectance_20m.tif", "reflectance_60m.tif",
                           "true_colour_l1c.png", "true_colour_corrected.png", "mask_overlay.png", "report.json"}) {
    INFO(std::string(name));
    CHECK(names.count(name) == 1);
  }
  const std::vector<int> mask = TiffProbe(folder / "out/mask.tif").band(0);
  for (const int c : {0, 1, 2, 3, 255}) CHECK(std::count(mask.begin(), mask.end(), c) > 100);

  // Against the true mask: far from what noise or a dead network would give.
  const auto band = std::make_unique<Jp2Band>(o.truth + "/mask.jp2", BandOptions{});
  std::vector<std::uint16_t> truth(mask.size());
  band->read_rows(420, truth.data(), 420);
  int right = 0, counted = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] > 3 || truth[i] > 3) continue;
    ++counted;
    right += mask[i] == truth[i];
  }
  CHECK(right > 0.75 * counted);
  const std::string report = get_file(folder / "out/report.json");
  CHECK(report.find("\"agreement\"") != std::string::npos);
  CHECK(report.find("\"licence\": \"Apache-2.0\"") != std::string::npos);
}

TEST_CASE("run: T31TDH from its JP2 files equals the reference's output and lies where GDAL says") {
  DTACS_NEEDS_DATA("s2/T31TDH");
  DTACS_NEEDS_DATA("golden");
  DTACS_NEEDS_DATA("weights/dtacsnet");
  DTACS_NEEDS_TOOL("python3-numpy", std::string(kPython) + " -c 'import numpy'");
  const TempFolder folder;
  const Converted net(shared_data("weights/dtacsnet/CNN_corrector.pt"));
  put_file(folder / "ac.dtw", std::string(reinterpret_cast<const char*>(net.bytes.data()), net.bytes.size()));
  RunOptions o = quiet_run(shared_data("s2/T31TDH"), folder / "out");
  o.mask = false;
  o.stack = true;
  o.weights = {folder / "ac.dtw"};
  run(o);
  const std::string golden = shared_data("golden/T31TDH_20150726_crop300_nearest10m.npz");
  REQUIRE(succeeds(std::string(kPython) + " -c 'import numpy; numpy.load(\"" + golden +
                   "\")[\"CNN_corrector_uint16\"].tofile(\"" + (folder / "want") + "\")'"));
  const auto want = read_array<std::uint16_t>(folder / "want");
  const TiffProbe stack(folder / "out/reflectance.tif");
  REQUIRE(stack.value(277) == 12);
  int largest = 0;
  std::size_t differ = 0;
  for (int m = 0; m < 12; ++m) {
    const std::vector<int> got = stack.band(m);
    REQUIRE(got.size() * 12 == want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      const int w = std::max<int>(want[static_cast<std::size_t>(m) * got.size() + i], 1);  // 0 is no data here
      largest = std::max(largest, std::abs(got[i] - w));
      differ += got[i] != w;
    }
  }
  CHECK(largest <= 1);
  MESSAGE(differ, " of ", want.size(), " values differ by 1 DN");

  DTACS_NEEDS_TOOL("gdal-bin", "gdalinfo --version");
  const std::string info = output_of("gdalinfo " + (folder / "out/reflectance.tif"));
  CHECK(info.find("ID[\"EPSG\",32631]") != std::string::npos);
  CHECK(info.find("Origin = (399960.000000000000000,4693200.000000000000000)") != std::string::npos);
  CHECK(info.find("Description = B8A") != std::string::npos);
  CHECK(info.find("NoData Value=0") != std::string::npos);
}

TEST_CASE("run: the real SAFE products run whole") {
  DTACS_NEEDS_DATA("s2");
  DTACS_NEEDS_TOOL("unzip", "unzip -v");
  int products = 0;
  for (const auto& entry : std::filesystem::directory_iterator(shared_data("s2"))) {
    if (entry.path().extension() != ".zip") continue;
    const TempFolder folder;
    REQUIRE(succeeds("unzip -q '" + entry.path().string() + "' -d " + folder.path()));
    std::string safe;
    for (const auto& e : std::filesystem::recursive_directory_iterator(folder.path()))
      if (e.path().filename() == "MTD_MSIL1C.xml") safe = e.path().parent_path().string();
    INFO(entry.path().string());
    REQUIRE(!safe.empty());
    RunOptions o = quiet_run(safe, folder / "out");
    run(o);
    const std::vector<int> mask = TiffProbe(folder / "out/mask.tif").band(0);
    CHECK(std::count_if(mask.begin(), mask.end(), [](int c) { return c < 4; }) > 0);
    // The images are decimated: a pixel covers what the metadata's full size says.
    const ProductInfo info = open_product(safe)->info();
    CHECK(info.ground_scale > 20);
    for (const auto& [name, metres] : {std::pair{"mask.tif", 10},
                                       {"reflectance_10m.tif", 10},
                                       {"reflectance_20m.tif", 20},
                                       {"reflectance_60m.tif", 60}}) {
      const TiffProbe tiff(folder / (std::string("out/") + name));
      CHECK(tiff.numbers.at(33550)[0] == doctest::Approx(metres * info.ground_scale));
      CHECK(tiff.numbers.at(33922)[3] == info.ulx);
      CHECK(tiff.numbers.at(33922)[4] == info.uly);
    }
    ++products;
  }
  CHECK(products == 2);
}

}  // namespace dtacs::test
