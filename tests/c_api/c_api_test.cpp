// SPDX-License-Identifier: Apache-2.0
// The C interface, used from C (c_client.c) and from Python, against the plan it wraps.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "net/model.h"
#include "net/padding.h"
#include "tests/c_api/c_client.h"
#include "tests/net/streaming.h"
#include "tests/run/raw_scene.h"
#include "tests/support/tools.h"

namespace dtacs::test {

namespace {

Image padded_reflectance(const RawScene& s) {
  const Padding rows = padding_for(s.height), columns = padding_for(s.width);
  Image image{padded_size(s.height), padded_size(s.width), kBandCount, {}};
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int b = 0; b < kBandCount; ++b) {
        const int sy = reflect(y - rows.before, s.height), sx = reflect(x - columns.before, s.width);
        image.values.push_back(static_cast<float>(const_cast<RawScene&>(s).at(b, sy, sx)) / 10000.0f);
      }
  return image;
}

// The same network as a corrector of its first four bands.
std::vector<std::byte> unet_corrector(const Golden& golden) {
  return write_weights(golden_tensors(golden), {{"net", "unet_corrector"},
                                                {"task", "correction"},
                                                {"bands", "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12"},
                                                {"outputs", "B01,B02,B03,B04"}});
}

dtacs_options sized(int width, int height, int band = 0) {
  dtacs_options o = {};
  o.width = width;
  o.height = height;
  o.band = band;
  return o;
}

struct Expected {
  std::vector<std::uint8_t> classes;
  std::vector<std::uint16_t> corrected;  // (4, height, width)
};

// Classes and correction by the plan on the whole padded image.
Expected expected(const RawScene& s, const WeightsFile& weights) {
  const Image image = padded_reflectance(s);
  const Streamed whole = run_streaming(kUnetSc, weights, image, 32, 1, detect_isa());
  const Padding rows = padding_for(s.height), columns = padding_for(s.width);
  Expected e;
  e.corrected.resize(4 * s.plane());
  for (int y = 0; y < s.height; ++y)
    for (int x = 0; x < s.width; ++x) {
      const auto at = static_cast<std::size_t>(y + rows.before) * static_cast<std::size_t>(image.width) +
                      static_cast<std::size_t>(x + columns.before);
      e.classes.push_back(whole.classes[at]);
      for (std::size_t m = 0; m < 4; ++m)
        e.corrected[m * s.plane() + static_cast<std::size_t>(y) * static_cast<std::size_t>(s.width) +
                    static_cast<std::size_t>(x)] =
            reflectance_to_dn(image.values[at * kBandCount + m] - whole.tensors.back()[at * 4 + m]);
    }
  return e;
}

}  // namespace

TEST_CASE("c api: classes and correction equal the plan's, in any band height and place in memory") {
  const Golden golden = read_golden();
  const AlignedBytes classifier(golden_weights(golden)), corrector(unet_corrector(golden));
  WeightsFile weights;
  REQUIRE(WeightsFile::open(classifier.bytes(), weights) == Status::ok);
  constexpr int kSizes[][2] = {{45, 70}, {64, 32}, {33, 1}, {1, 40}, {3, 17}};
  for (const auto& size : kSizes) {
    const int width = size[0], height = size[1];
    const RawScene scene(width, height);
    const Expected want = expected(scene, weights);
    const bool all = width == 45;
    for (const int band : {1, 5, 0, 100}) {
      CAPTURE(width);
      CAPTURE(height);
      CAPTURE(band);
      const dtacs_options o = sized(width, height, band);
      if (all || band == 100) {
        std::vector<std::uint8_t> classes(scene.plane());
        CHECK(c_client_run(classifier.data(), classifier.size(), &o, scene.dn.data(), classes.data(), band % 7, 2) ==
              DTACS_OK);
        CHECK(classes == want.classes);
      }
      if (all || band == 1) {
        std::vector<std::uint16_t> corrected(4 * scene.plane());
        CHECK(c_client_run(corrector.data(), corrector.size(), &o, scene.dn.data(), corrected.data(), 63, 1) ==
              DTACS_OK);
        CHECK(corrected == want.corrected);
      }
    }
  }
}

TEST_CASE("c api: reflectance in gives what digital numbers give") {
  const Golden golden = read_golden();
  const RawScene scene(20, 40);
  std::vector<float> reflectance;
  for (const std::uint16_t dn : scene.dn) reflectance.push_back(static_cast<float>(dn) / 10000.0f);
  for (const auto& bytes : {golden_weights(golden), unet_corrector(golden), small_corrector()}) {
    const AlignedBytes weights(bytes);
    dtacs_options o = sized(20, 40, 3);
    std::vector<std::uint16_t> a(12 * scene.plane()), b(12 * scene.plane());
    CHECK(c_client_run(weights.data(), weights.size(), &o, scene.dn.data(), a.data(), 0, 1) == DTACS_OK);
    o.input = DTACS_REFLECTANCE;
    CHECK(c_client_run(weights.data(), weights.size(), &o, reflectance.data(), b.data(), 0, 1) == DTACS_OK);
    CHECK(a == b);
    CHECK(a != std::vector<std::uint16_t>(a.size()));
  }
}

TEST_CASE("c api: offset and quantification are applied") {
  const AlignedBytes weights(small_corrector());
  const RawScene scene(31, 5);
  RawScene shifted(31, 5);
  for (std::uint16_t& dn : shifted.dn) dn = static_cast<std::uint16_t>(2 * dn + 1000);
  dtacs_options o = sized(31, 5);
  std::vector<std::uint16_t> plain(12 * scene.plane()), other(12 * scene.plane());
  CHECK(c_client_run(weights.data(), weights.size(), &o, scene.dn.data(), plain.data(), 0, 1) == DTACS_OK);
  o.quantification = 20000.0f;
  for (float& offset : o.offset) offset = -1000.0f;
  CHECK(c_client_run(weights.data(), weights.size(), &o, shifted.dn.data(), other.data(), 0, 1) == DTACS_OK);
  CHECK(plain == other);
}

TEST_CASE("c api: weights are only read, as in flash") {
  const std::string file = get_file(DTACS_SOURCE_DIR "/weights/classification_int8.dtw");
  const Golden golden = read_golden();
  const RawScene scene(32, 32);
  const dtacs_options o = sized(32, 32);
  const std::vector<std::byte> all[] = {
      golden_weights(golden),
      small_corrector(),
      {reinterpret_cast<const std::byte*>(file.data()), reinterpret_cast<const std::byte*>(file.data() + file.size())}};
  for (const auto& bytes : all) {
    void* flash = mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(flash != MAP_FAILED);
    std::memcpy(flash, bytes.data(), bytes.size());
    REQUIRE(mprotect(flash, bytes.size(), PROT_READ) == 0);
    std::vector<std::uint16_t> out(12 * scene.plane());
    CHECK(c_client_run(flash, bytes.size(), &o, scene.dn.data(), out.data(), 0, 2) == DTACS_OK);
    // Once a plan is made they are not needed any more.
    dtacs_info info;
    REQUIRE(dtacs_measure(flash, bytes.size(), &o, &info) == DTACS_OK);
    std::vector<std::byte> block(info.memory_bytes);
    dtacs_plan* plan = nullptr;
    REQUIRE(dtacs_open(flash, bytes.size(), &o, block.data(), block.size(), &plan) == DTACS_OK);
    munmap(flash, bytes.size());
    int pulled = 0;
    for (int y = 0; y < 32; ++y) {
      std::vector<const void*> rows;
      for (int b = 0; b < kBandCount; ++b)
        rows.push_back(scene.dn.data() + static_cast<std::size_t>(b) * scene.plane() +
                       static_cast<std::size_t>(y) * 32);
      CHECK(dtacs_push(plan, rows.data()) == DTACS_OK);
      for (dtacs_row row; dtacs_pull(plan, &row) == DTACS_OK;) ++pulled;
    }
    CHECK(pulled == 32);
  }
}

TEST_CASE("c api: jobs may run elsewhere") {
  const Golden golden = read_golden();
  const AlignedBytes weights(golden_weights(golden));
  const RawScene scene(32, 32);
  dtacs_options o = sized(32, 32, 8);
  std::vector<std::uint8_t> plain(scene.plane()), other(scene.plane());
  CHECK(c_client_run(weights.data(), weights.size(), &o, scene.dn.data(), plain.data(), 0, 1) == DTACS_OK);
  int calls = 0;
  const dtacs_parallel backwards = {[](void* self, int jobs, void* context, void (*job)(void*, int, int)) {
                                      ++*static_cast<int*>(self);
                                      for (int i = jobs; i-- > 0;) job(context, i, i % 3);
                                    },
                                    &calls, 3};
  o.parallel = &backwards;
  CHECK(c_client_run(weights.data(), weights.size(), &o, scene.dn.data(), other.data(), 0, 1) == DTACS_OK);
  CHECK(plain == other);
  CHECK(calls >= kUnetSc.layer_count);
}

TEST_CASE("c api: an image higher than what the plan keeps, its jobs on threads of the caller's") {
  const Golden golden = read_golden();
  const AlignedBytes classifier(golden_weights(golden)), corrector(unet_corrector(golden));
  WeightsFile weights;
  REQUIRE(WeightsFile::open(classifier.bytes(), weights) == Status::ok);
  const RawScene scene(33, 900);
  const Expected want = expected(scene, weights);
  const dtacs_parallel threads = {[](void*, int jobs, void* context, void (*job)(void*, int, int)) {
                                    std::atomic<int> next{0};
                                    const auto work = [&](int worker) {
                                      for (int i; (i = next++) < jobs;) job(context, i, worker);
                                    };
                                    std::thread first(work, 0), second(work, 1);
                                    work(2);
                                    first.join();
                                    second.join();
                                  },
                                  nullptr, 3};
  for (const int band : {0, 1}) {
    CAPTURE(band);
    dtacs_options o = sized(33, 900, band);
    if (band == 0) o.parallel = &threads;
    for (const AlignedBytes* file : {&classifier, &corrector}) {
      dtacs_info info;
      REQUIRE(dtacs_measure(file->data(), file->size(), &o, &info) == DTACS_OK);
      CHECK(info.lag < 900);
    }
    std::vector<std::uint8_t> classes(scene.plane());
    CHECK(c_client_run(classifier.data(), classifier.size(), &o, scene.dn.data(), classes.data(), 0, 1) == DTACS_OK);
    CHECK(classes == want.classes);
    std::vector<std::uint16_t> corrected(4 * scene.plane());
    CHECK(c_client_run(corrector.data(), corrector.size(), &o, scene.dn.data(), corrected.data(), 0, 1) == DTACS_OK);
    CHECK(corrected == want.corrected);
  }
}

TEST_CASE("c api: every mistake has its status, and every status a sentence") {
  const AlignedBytes weights(small_corrector());
  dtacs_info info;
  const auto measured = [&](const dtacs_options& o) {
    return dtacs_measure(weights.data(), weights.size(), &o, &info);
  };
  CHECK(dtacs_api_version() == DTACS_API_VERSION);
  CHECK(measured(sized(8, 8)) == DTACS_OK);
  CHECK(info.inputs == 13);
  CHECK(info.outputs == 12);
  CHECK(info.classifies == 0);
  CHECK(info.input_bands[12] == 12);
  CHECK(info.output_bands[10] == 11);  // B11: B10 is not corrected
  CHECK(info.lag == 1);
  CHECK(measured(sized(0, 8)) == DTACS_BAD_OPTION);
  CHECK(measured(sized(8, 65537)) == DTACS_BAD_OPTION);
  CHECK(measured(sized(8, 8, -1)) == DTACS_BAD_OPTION);
  dtacs_options o = sized(8, 8);
  o.isa = "abacus";
  CHECK(measured(o) == DTACS_BAD_OPTION);
  o.isa = "scalar";
  CHECK(measured(o) == DTACS_OK);
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {-1.0f, kInfinity, kNan}) {
    o.quantification = bad;
    CHECK(measured(o) == DTACS_BAD_OPTION);
  }
  for (const float bad : {kInfinity, -kInfinity, kNan}) {
    o = sized(8, 8);
    o.offset[12] = bad;
    CHECK(measured(o) == DTACS_BAD_OPTION);
  }
  const auto runner = [](void*, int, void*, void (*)(void*, int, int)) {};
  for (const dtacs_parallel& p : {dtacs_parallel{nullptr, nullptr, 1}, dtacs_parallel{runner, nullptr, 0},
                                  dtacs_parallel{runner, nullptr, 1025}}) {
    o = sized(8, 8);
    o.parallel = &p;
    CHECK(measured(o) == DTACS_BAD_OPTION);
  }

  o = sized(8, 8);
  CHECK(dtacs_measure(weights.data() + 1, weights.size() - 1, &o, &info) == DTACS_MISALIGNED);
  CHECK(dtacs_measure(weights.data(), weights.size() - 64, &o, &info) == DTACS_TRUNCATED);
  AlignedBytes damaged(small_corrector());
  damaged.data()[damaged.size() / 2] ^= std::byte{1};
  CHECK(dtacs_measure(damaged.data(), damaged.size(), &o, &info) == DTACS_CORRUPT);

  const AlignedBytes integers(small_corrector(DType::s8));  // once taken for floats
  CHECK(dtacs_measure(integers.data(), integers.size(), &o, &info) == DTACS_WRONG_SHAPE);

  CHECK(measured(o) == DTACS_OK);
  std::vector<std::byte> block(info.memory_bytes);
  dtacs_plan* plan = nullptr;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{100}, info.memory_bytes - 64}) {
    CHECK(dtacs_open(weights.data(), weights.size(), &o, block.data(), bytes, &plan) == DTACS_MEMORY_TOO_SMALL);
    CHECK(plan == nullptr);
  }
  REQUIRE(dtacs_open(weights.data(), weights.size(), &o, block.data(), block.size(), &plan) == DTACS_OK);
  const std::vector<std::uint16_t> line(8, 1000);
  const std::vector<const void*> bands(13, line.data());
  dtacs_row row;
  CHECK(dtacs_pull(plan, &row) == DTACS_NEEDS_ROWS);
  for (int y = 0; y < 8; ++y) {
    CHECK(dtacs_push(plan, bands.data()) == DTACS_OK);
    CHECK(dtacs_push(plan, bands.data()) == (y < 7 ? DTACS_PULL_FIRST : DTACS_FINISHED));
    CHECK(dtacs_pull(plan, &row) == DTACS_OK);
    CHECK(row.y == y);
    CHECK(row.classes == nullptr);
    CHECK(row.reflectance[11] != nullptr);
    CHECK(row.reflectance[12] == nullptr);
  }
  CHECK(dtacs_pull(plan, &row) == DTACS_FINISHED);
  dtacs_restart(plan);
  CHECK(dtacs_pull(plan, &row) == DTACS_NEEDS_ROWS);

  for (const int s : {0, 1, 2, 3, 4, 5, 6, 7, 8, 32, 33, 34, 35, 36})
    CHECK(std::string(dtacs_describe(static_cast<dtacs_status>(s))) != "unknown status");
  for (const int s : {200, 256, -256, -1, 9})  // 256 was once "ok"
    CHECK(std::string(dtacs_describe(static_cast<dtacs_status>(s))) == "unknown status");
}

TEST_CASE("c api: a push that would lose a row is refused") {
  const Golden golden = read_golden();
  const AlignedBytes weights(golden_weights(golden));
  const dtacs_options o = sized(32, 64, 4);
  dtacs_info info;
  REQUIRE(dtacs_measure(weights.data(), weights.size(), &o, &info) == DTACS_OK);
  CHECK(info.classifies == 1);
  CHECK(info.outputs == 4);
  const AlignedBytes block(info.memory_bytes);
  dtacs_plan* plan = nullptr;
  REQUIRE(dtacs_open(weights.data(), weights.size(), &o, block.data(), block.size(), &plan) == DTACS_OK);
  const std::vector<std::uint16_t> line(32, 1000);
  const std::vector<const void*> bands(13, line.data());
  for (int y = 0; y < 4; ++y) CHECK(dtacs_push(plan, bands.data()) == DTACS_OK);
  CHECK(dtacs_push(plan, bands.data()) == DTACS_PULL_FIRST);
  dtacs_row row;
  CHECK(dtacs_pull(plan, &row) == DTACS_NEEDS_ROWS);
  CHECK(dtacs_push(plan, bands.data()) == DTACS_OK);
}

TEST_CASE("c api: 8-bit weights give the same classes by any band height, instruction set and kind of input") {
  const std::string file = get_file(DTACS_SOURCE_DIR "/weights/classification_int8.dtw");
  const AlignedBytes weights(file.size());
  std::memcpy(weights.data(), file.data(), file.size());
  const RawScene scene(45, 40);
  std::vector<float> reflectance;
  for (const std::uint16_t dn : scene.dn) reflectance.push_back(static_cast<float>(dn) / 10000.0f);
  const auto classes = [&](int band, const char* isa, bool floats) {
    dtacs_options o = sized(45, 40, band);
    o.isa = isa;
    o.input = floats ? DTACS_REFLECTANCE : DTACS_DIGITAL_NUMBERS;
    const void* image = floats ? static_cast<const void*>(reflectance.data()) : scene.dn.data();
    std::vector<std::uint8_t> found(scene.plane(), 99);
    CHECK(c_client_run(weights.data(), weights.size(), &o, image, found.data(), 0, 1) == DTACS_OK);
    return found;
  };
  const auto first = classes(0, nullptr, false);
  CHECK(*std::max_element(first.begin(), first.end()) < 4);
  CHECK(first == classes(1, "scalar", false));
  CHECK(first == classes(7, nullptr, true));
}

#ifdef DTACS_SHARED_LIBRARY

TEST_CASE("c api: the Python example gives the same classes and reflectance") {
  DTACS_NEEDS_TOOL("python3-numpy", std::string(kPython) + " -c 'import numpy'");
  const Golden golden = read_golden();
  const RawScene scene(40, 33);
  const TempFolder folder;
  put_file((folder / "scene.u16"),
           std::string(reinterpret_cast<const char*>(scene.dn.data()), scene.dn.size() * sizeof(std::uint16_t)));
  const std::vector<std::byte> files[] = {golden_weights(golden), small_corrector()};
  for (const auto& bytes : files) {
    put_bytes((folder / "weights.dtw"), bytes);
    const std::string command = std::string(kPython) + " '" DTACS_SOURCE_DIR "/tools/python/dtacs.py' --library '" +
                                DTACS_SHARED_LIBRARY + "' " + (folder / "weights.dtw") + " " + (folder / "scene.u16") +
                                " 40 33 " + (folder / "out.bin");
    REQUIRE(std::system(command.c_str()) == 0);
    const AlignedBytes weights(bytes);
    const dtacs_options o = sized(40, 33);
    const bool classes = &bytes == &files[0];
    std::vector<std::uint8_t> want((classes ? 1 : 24) * scene.plane());
    REQUIRE(c_client_run(weights.data(), weights.size(), &o, scene.dn.data(), want.data(), 0, 1) == DTACS_OK);
    CHECK(read_array<std::uint8_t>((folder / "out.bin")) == want);
  }
}

TEST_CASE("c api: the shared library needs the C library alone and exports dtacs_* alone") {
  DTACS_NEEDS_TOOL("binutils", "(nm --version; readelf --version)");
  CHECK(succeeds("! nm -D --defined-only '" DTACS_SHARED_LIBRARY "' | grep -v ' dtacs_'"));
  CHECK(succeeds("nm -D --defined-only '" DTACS_SHARED_LIBRARY "' | grep ' dtacs_open'"));
  CHECK(succeeds("! readelf -d '" DTACS_SHARED_LIBRARY "' | grep NEEDED | grep -v 'libc.so'"));
}

#endif

}  // namespace dtacs::test
