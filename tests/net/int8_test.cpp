// SPDX-License-Identifier: Apache-2.0
// The network in 8-bit integers: one set of bytes, wherever and however it runs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/crc32c.h"
#include "io/host/openmp.h"
#include "kernels/requantise.h"
#include "net/int8_plan.h"
#include "net/unet_mobilenet_v2.h"
#include "tests/net/hashed_net.h"
#include "tests/support/aligned.h"
#include "tests/support/check_family.h"
#include "tools/convert/calibrate.h"
#include "tools/run/loaded_weights.h"

namespace dtacs::test {

namespace {

// The same network on every machine: weights by hash at the edge of what is allowed, multipliers that spread a layer's
// sums over the range of a byte.  One layer of each kind has wide weights.
std::vector<WeightsTensor> hashed_int8_tensors() {
  std::vector<WeightsTensor> tensors;
  for (int i = 0; i < kUnetSc.layer_count; ++i) {
    const Layer& l = kUnetSc.layers[i];
    const std::string key = l.key.text;
    const bool stem = i == 0, wide = key == "e1.dw" || key == "e2.prj" || key == "d2.c2";
    const int outputs = kUnetSc.tensors[l.out].channels, side = l.op == Op::pointwise ? 1 : 3;
    const int depth = l.op == Op::dwconv3x3 ? 1 : kUnetSc.depth(l), count = depth * side * side;
    const int most = stem ? 500 : wide ? 7000 : l.up2 ? 31 : 64;
    const auto n = static_cast<std::uint32_t>(outputs), s = static_cast<std::uint32_t>(side);
    const auto integer = [&](const char* kind, std::size_t at, int lo, int hi) {
      return lo + static_cast<int>(hash_bits(key + kind, at) % static_cast<std::uint64_t>(hi - lo + 1));
    };
    WeightsTensor w{.name = key + ".w",
                    .dtype = stem || wide ? DType::s16 : DType::s8,
                    .dims = {n, static_cast<std::uint32_t>(depth), s, s},
                    .values = {}};
    WeightsTensor b{.name = key + ".b", .dtype = DType::s32, .dims = {n}, .values = {}};
    WeightsTensor m{.name = key + ".m", .dtype = DType::s32, .dims = {n}, .values = {}};
    WeightsTensor r{.name = key + ".r", .dtype = DType::s16, .dims = {n}, .values = {}};
    const double spread = std::sqrt(count * (l.up2 ? 0.8 : 1.0)) * most * (stem ? 1500 : 100);
    for (int o = 0; o < outputs; ++o) {
      std::int64_t sum = 0;
      for (int k = 0; k < count; ++k) {
        const int v = integer(".w", static_cast<std::size_t>(o * count + k), -most, most);
        w.integers.push_back(v);
        sum += v;
      }
      const double residual = l.add != kNoTensor ? spread / 400 : 0;
      r.integers.push_back(std::min(static_cast<int>(residual), 32767));
      // The middle of the range for inputs in the middle of theirs.
      const double middle = static_cast<double>(sum) * (stem ? 2000 : l.up2 ? 50 : 100) + r.integers.back() * 128.0;
      b.integers.push_back(static_cast<std::int32_t>(spread - middle));
      m.integers.push_back(static_cast<std::int32_t>(120.0 / spread * 2147483648.0));
    }
    const bool head = l.op == Op::head3x3;
    tensors.push_back(std::move(w));
    tensors.push_back(std::move(b));
    if (!head) tensors.push_back(std::move(m));
    if (l.add != kNoTensor) tensors.push_back(std::move(r));
  }
  return tensors;
}

std::vector<std::byte> int8_file(const std::vector<WeightsTensor>& tensors) {
  return write_weights(tensors, {{"net", "unet_mobilenet_v2"}, {"precision", "int8"}, {"task", "classification"}});
}

// CRC-32C of every tensor's bytes, in the order of the net, from the first layer's output on; then of the classes.
// Of inner tensors, unless they are kept, it is that of nothing.
std::vector<std::uint32_t> run_int8(const WeightsFile& weights, int height, int width, int band, int threads,
                                    IsaSet isa, bool keep_inner) {
  const StreamOptions options = {
      .width = width, .height = height, .band = band, .isa = isa, .workers = threads, .keep_inner = keep_inner};
  auto plan = std::make_unique<Int8Plan>();
  Arena dry;
  WeightsMismatch wrong;
  REQUIRE(Int8Plan::bind(kUnetSc, weights, options, dry, *plan, &wrong) == Status::arena_too_small);
  AlignedBytes block(dry.wanted());
  std::memset(block.data(), 0x5a, block.size());
  Arena arena(block.bytes());
  REQUIRE(Int8Plan::bind(kUnetSc, weights, options, arena, *plan, &wrong) == Status::ok);
  std::vector<std::uint32_t> crcs(static_cast<std::size_t>(kUnetSc.layer_count));
  with_threads(threads, [&](const Parallel& parallel) {
    plan->start();
    while (!plan->finished()) {
      const RowRange wanted = plan->wanted();
      for (int y = wanted.begin; y < wanted.end; ++y)
        for (int x = 0; x < width; ++x)
          for (int c = 0; c < 13; ++c)
            plan->input_row(y)[x * plan->input_channels() + c] = static_cast<std::int16_t>(
                hash_bits("int8 input", static_cast<std::uint64_t>((y * width + x) * 13 + c)) % 4000);
      plan->step(parallel);
      for (int i = 0; i < kUnetSc.layer_count; ++i) {
        const int t = kUnetSc.layers[i].out;
        const int pixel = i + 1 == kUnetSc.layer_count ? 1 : kUnetSc.tensors[t].channels;
        const auto bytes = static_cast<std::size_t>((width >> kUnetSc.tensors[t].shift) * pixel);
        for (int y = plan->made(t).begin; y < plan->made(t).end; ++y)
          crcs[static_cast<std::size_t>(i)] = crc32c({reinterpret_cast<const std::byte*>(plan->bytes_row(t, y)), bytes},
                                                     crcs[static_cast<std::size_t>(i)]);
      }
    }
  });
  return crcs;
}

}  // namespace

TEST_CASE("int8: one set of bytes for every instruction set, band height and number of threads") {
  const AlignedBytes bytes(int8_file(hashed_int8_tensors()));
  WeightsFile weights;
  REQUIRE(WeightsFile::open(bytes.bytes(), weights) == Status::ok);
  const std::vector<std::uint32_t> want = run_int8(weights, 64, 96, 64, 1, isa::none, true);
  // The same on every machine: x86-64, AArch64 and ARMv7 alike.
  CHECK(crc32c(std::as_bytes(std::span(want))) == 0x6cb8bb63u);
  for (const IsaName& isa : kIsaNames) {
    if (!runs_on(isa.set, tested_isa())) continue;
    for (const int band : {1, 7, 16, 64})
      for (const int threads : {1, 2, 3, 8})
        for (const bool keep_inner : {false, true}) {
          if (band != 7 && (threads != 1 || keep_inner)) continue;
          if (threads > 2 && keep_inner) continue;
          INFO(std::string(isa.name), " band ", band, " threads ", threads, keep_inner ? " inner" : "");
          const std::vector<std::uint32_t> got = run_int8(weights, 64, 96, band, threads, isa.set, keep_inner);
          for (std::size_t i = 0; i < want.size(); ++i) {
            const Layer& l = kUnetSc.layers[i];
            INFO(std::string(l.key.text));
            CHECK(got[i] == (l.inner && !keep_inner ? 0 : want[i]));
          }
        }
  }
}

TEST_CASE("int8: a wide image cut into blocks equals one in whole rows") {
  const AlignedBytes bytes(int8_file(hashed_int8_tensors()));
  WeightsFile weights;
  REQUIRE(WeightsFile::open(bytes.bytes(), weights) == Status::ok);
  // Wide enough that the fused inverted residuals cut it even for one worker.
  const std::vector<std::uint32_t> want = run_int8(weights, 32, 4096, 32, 1, detect_isa(), true);
  const std::vector<std::uint32_t> got = run_int8(weights, 32, 4096, 8, 2, detect_isa(), false);
  for (std::size_t i = 0; i < want.size(); ++i)
    if (!kUnetSc.layers[i].inner) CHECK(got[i] == want[i]);
}

TEST_CASE("int8: memory of a whole tile is pinned") {
  const AlignedBytes bytes(int8_file(hashed_int8_tensors()));
  WeightsFile weights;
  REQUIRE(WeightsFile::open(bytes.bytes(), weights) == Status::ok);
  auto plan = std::make_unique<Int8Plan>();
  Arena dry;
  const StreamOptions options = {.width = 11008, .height = 11008, .band = default_band(11008), .isa = isa::none};
  CHECK(Int8Plan::bind(kUnetSc, weights, options, dry, *plan, nullptr) == Status::arena_too_small);
  // Activations, packed weights and scratch.  A change here is a change of footprint: say why in the commit.
  CHECK(static_cast<double>(dry.wanted()) / 1048576 == doctest::Approx(59.76).epsilon(1e-3));
}

TEST_CASE("int8: a strip of 256 pixels, of any height, takes 1.2 MB beside its packed weights") {
  const std::vector<WeightsTensor> tensors = hashed_int8_tensors();
  const AlignedBytes bytes(int8_file(tensors));
  WeightsFile weights;
  REQUIRE(WeightsFile::open(bytes.bytes(), weights) == Status::ok);
  std::size_t packed = 0;
  for (const Layer& l : std::span(kUnetSc.layers, static_cast<std::size_t>(kUnetSc.layer_count))) {
    const int outputs = kUnetSc.tensors[l.out].channels, inputs = kUnetSc.tensors[l.in].channels;
    const bool wide = weights.find(std::string(l.key.text) + ".w").dtype == DType::s16;
    const std::size_t size = l.in == 0               ? packed_size_stem3x3_s16(stem3x3_s16.reference(), inputs, outputs)
                             : l.op == Op::head3x3   ? packed_size_head3x3_s8(outputs)
                             : l.op == Op::dwconv3x3 ? packed_size_dwconv3x3_s8(dwconv3x3_s8.reference(), outputs, wide)
                             : l.op == Op::pointwise
                                 ? packed_size_pointwise_s8(pointwise_s8.reference(), inputs, outputs, wide)
                                 : packed_size_conv3x3_s8(conv3x3_s8.reference(), l.up2 ? inputs : 0,
                                                          l.up2 ? kUnetSc.depth(l) - inputs : inputs, outputs, wide);
    packed += (size + Arena::kAlign - 1) / Arena::kAlign * Arena::kAlign;
  }
  auto plan = std::make_unique<Int8Plan>();
  Arena dry;
  const StreamOptions options = {.width = 256, .height = 11008, .band = 1, .isa = isa::none};
  CHECK(Int8Plan::bind(kUnetSc, weights, options, dry, *plan, nullptr) == Status::arena_too_small);
  CHECK(static_cast<double>(packed) / 1e6 == doctest::Approx(9.456).epsilon(1e-3));
  // Rows that wait and scratch.
  CHECK(static_cast<double>(dry.wanted() - packed) / 1e6 == doctest::Approx(1.191).epsilon(1e-3));
}

namespace {

// What binding these weights comes to, and the tensor it names.
Status bound(const std::vector<WeightsTensor>& tensors, std::string& named) {
  const AlignedBytes bytes(int8_file(tensors));
  WeightsFile weights;
  REQUIRE(WeightsFile::open(bytes.bytes(), weights) == Status::ok);
  auto plan = std::make_unique<Int8Plan>();
  Arena dry;
  WeightsMismatch wrong;
  const Status s = Int8Plan::bind(kUnetSc, weights, {.width = 32, .height = 32}, dry, *plan, &wrong);
  named = wrong.tensor;
  return s;
}

}  // namespace

TEST_CASE("int8: weights that would not be exact everywhere are refused by name") {
  const std::vector<WeightsTensor> good = hashed_int8_tensors();
  const auto bind = [&](const std::string& tensor, std::size_t count, std::int32_t value, std::string& named) {
    std::vector<WeightsTensor> tensors = good;
    for (WeightsTensor& t : tensors)
      if (t.name == tensor) std::fill_n(t.integers.begin(), count, value);
    return bound(tensors, named);
  };
  struct Bad {
    const char* tensor;
    std::int32_t value;
    std::size_t count = 1;
  };
  for (const Bad& bad : {Bad{"e0.w", -32768},
                         {"e1.dw.w", 8128},
                         {"e4.exp.w", -128},
                         {"e4.dw.w", -128},
                         {"d0.c1.w", 127, 9},
                         {"d0.c2.w", -128},
                         {"head.w", -128},
                         {"e5.exp.b", kMostBias + 1},
                         {"e5.exp.m", -1},
                         {"e5.exp.m", kMostMultiplier + 1},
                         {"e5.prj.r", -1}}) {
    std::string named;
    INFO(bad.tensor, " ", bad.value);
    CHECK(bind(bad.tensor, bad.count, bad.value, named) == Status::corrupt);
    CHECK(named == bad.tensor);
  }
  std::string named;
  CHECK(bind("e4.exp.w", 1, 64, named) == Status::arena_too_small);
}

TEST_CASE("int8: a sum of wide weights and the residual that passed 32 bits was once accepted") {
  for (const int r : {0, 32767}) {
    std::vector<WeightsTensor> tensors = hashed_int8_tensors();
    for (WeightsTensor& t : tensors) {
      if (t.name == "e12.prj.w") {
        t.dtype = DType::s16;
        std::fill(t.integers.begin(), t.integers.end(), 7310);  // 255 * 576 * 7310 is just below 2^30
      }
      if (t.name == "e12.prj.r") std::fill(t.integers.begin(), t.integers.end(), r);
    }
    std::string named;
    CHECK(bound(tensors, named) == (r == 0 ? Status::arena_too_small : Status::corrupt));
    CHECK(named == std::string(r == 0 ? "" : "e12.prj.w"));
  }
}

TEST_CASE("int8: requantisation rounds down and saturates") {
  constexpr std::int32_t kHalf = 1 << 29;  // 1/4
  CHECK(requantise(0, kHalf) == 0);
  CHECK(requantise(3, kHalf) == 0);
  CHECK(requantise(4, kHalf) == 1);
  CHECK(requantise(-1, kHalf) == 0);
  CHECK(requantise(4 * 255 + 3, kHalf) == 255);
  CHECK(requantise(2000000000, kHalf) == 255);
  CHECK(requantise(-2000000000, kHalf) == 0);
}

TEST_CASE("int8: the weights shipped give the float network's classes") {
  const std::string demo =
      DTACS_SOURCE_DIR "/tests/data/demo/S2A_MSIL1C_20260621T105031_N0511_R051_T31TDH_20260621T130000.SAFE";
  const std::string weights = DTACS_SOURCE_DIR "/weights/classification";
  CHECK(compare_weights(weights + ".dtw", weights + "_int8.dtw", {demo}) >= 0.99);
  char crc[16];
  std::snprintf(crc, sizeof crc, "%08x", static_cast<unsigned>(load_weights(weights + ".dtw").weights.crc()));
  const LoadedWeights int8 = load_weights(weights + "_int8.dtw");
  CHECK(int8.weights.meta("quantised_from") == std::string("classification.dtw, CRC-32C ") + crc);
}

}  // namespace dtacs::test
