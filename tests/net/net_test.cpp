// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "net/model.h"
#include "net/padding.h"
#include "tests/net/hashed_net.h"
#include "tests/net/streaming.h"
#include "tests/support/aligned.h"
#include "tools/convert/weights_writer.h"

namespace dtacs::test {

namespace {

struct GoldenNet {
  Golden golden = read_golden();
  AlignedBytes bytes{golden_weights(golden)};
  WeightsFile weights;
  GoldenNet() { REQUIRE(WeightsFile::open(bytes.bytes(), weights) == Status::ok); }
};

Image scene(int height, int width) {
  return {height, width, 13, hashed_scene(13, height, width)};
}

double relative_rms(const std::vector<float>& got, const std::vector<float>& want) {
  REQUIRE(got.size() == want.size());
  double error = 0, power = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double d = static_cast<double>(got[i]) - static_cast<double>(want[i]);
    error += d * d;
    power += static_cast<double>(want[i]) * static_cast<double>(want[i]);
  }
  return std::sqrt(error / power);
}

}  // namespace

TEST_CASE("unet: what the network costs") {
  CHECK(kUnetSc.layer_count == 63);
  CHECK(std::string(kUnetSc.layers[0].key.text) == "e0");
  CHECK(std::string(kUnetSc.layers[62].key.text) == "head");
  double mac = 0, params = 0;
  for (int i = 0; i < kUnetSc.layer_count; ++i) {
    const Layer& l = kUnetSc.layers[i];
    const Tensor& out = kUnetSc.tensors[l.out];
    params += kUnetSc.macs_per_pixel(l) + out.channels;
    mac += kUnetSc.macs_per_pixel(l) * (512 >> out.shift) * (512 >> out.shift);
  }
  CHECK(params == 6614212);  // = the exported checkpoint with batch norms folded
  CHECK(mac / 1e6 == doctest::Approx(13682.0).epsilon(1e-5));
}

TEST_CASE("unet: rings of the schedule are tight and pinned") {
  const auto bytes = [](int size, int band, const Pace& pace = {}) {
    const Schedule s = make_schedule(kUnetSc, size, band, pace);
    double sum = 0;
    for (int t = 0; t < kUnetSc.tensor_count; ++t)
      sum += 4.0 * s.ring_rows[t] * (size >> kUnetSc.tensors[t].shift) * kUnetSc.tensors[t].channels;
    return sum;
  };
  // A change here is a change of footprint: say why in the commit.
  CHECK(bytes(11008, 16) / 1048576 == doctest::Approx(186.61).epsilon(1e-3));
  CHECK(make_schedule(kUnetSc, 11008, 16).lag == 365);
  const Pace pace = {.deep = default_deep(512)};
  CHECK(bytes(512, default_band(512), pace) / 1048576 == doctest::Approx(20.31).epsilon(1e-3));
  // Rows that wait for each other in the deep layers, one layer after the other, were once 8,000 here.
  CHECK(make_schedule(kUnetSc, 9984, default_band(512), pace).lag == 861);
}

TEST_CASE("unet: activations and logits equal PyTorch's golden samples") {
  const GoldenNet net;
  const Golden& g = net.golden;
  for (const IsaSet isa : {IsaSet{isa::none}, detect_isa()}) {
    const Streamed r = run_streaming(kUnetSc, net.weights, scene(g.height, g.width), 32, 2, isa);
    for (std::size_t i = 0; i < g.layers.size(); ++i) {
      const GoldenLayer& l = g.layers[i];
      const int out = kUnetSc.layers[i].out;
      REQUIRE(l.key == kUnetSc.layers[i].key.text);
      if (kUnetSc.layers[i].inner) continue;
      const auto& values = r.tensors[static_cast<std::size_t>(out)];
      const std::uint64_t area = static_cast<std::uint64_t>(l.height) * static_cast<std::uint64_t>(l.width);
      const std::uint64_t size = static_cast<std::uint64_t>(l.outputs) * area;
      REQUIRE(values.size() == size);
      for (std::size_t k = 0; k < l.samples.size(); ++k) {
        const std::uint64_t at = hash_bits(l.key + ".sample", k) % size;  // in (channel, y, x) order
        const std::uint64_t index = at % area * static_cast<std::uint64_t>(l.outputs) + at / area;
        CAPTURE(l.key);
        CHECK(std::fabs(values[index] - l.samples[k]) <= 1e-4f * l.rms);
      }
    }
    const auto& logits = r.tensors[static_cast<std::size_t>(kUnetSc.layers[62].out)];
    const std::uint64_t area = g.argmax.size();
    for (std::size_t k = 0; k < g.logits.size(); ++k) {
      const std::uint64_t at = hash_bits("logits.sample", k) % (area * 4);
      CHECK(std::fabs(logits[at % area * 4 + at / area] - g.logits[k]) <= 1e-4f * g.layers.back().rms);
    }
    int wrong = 0;
    for (std::size_t i = 0; i < g.argmax.size(); ++i) wrong += g.argmax[i] != 255 && g.argmax[i] != r.classes[i];
    CHECK(wrong == 0);
  }
}

TEST_CASE("unet: streaming equals the whole image at once: directly computed layers to the bit") {
  const GoldenNet net;
  const Image input = scene(96, 64);
  const std::vector<Image> whole = run_whole_image(kUnetSc, net.weights, input);
  const Streamed r = run_streaming(kUnetSc, net.weights, input, 96, 1, isa::none);
  bool direct = true;  // until the first transformed convolution
  for (int i = 0; i + 1 < kUnetSc.layer_count; ++i) {
    const Layer& l = kUnetSc.layers[i];
    if (l.inner) continue;
    direct = direct && (l.op != Op::conv3x3 || l.stride != 1);
    const auto t = static_cast<std::size_t>(l.out);
    INFO(std::string(l.key.text));
    if (direct)
      CHECK(r.tensors[t] == whole[t].values);
    else
      CHECK(relative_rms(r.tensors[t], whole[t].values) < 5e-6);
  }
  CHECK_FALSE(direct);
}

TEST_CASE("unet: the result depends neither on band height nor on threads") {
  const GoldenNet net;
  for (const IsaSet isa : {IsaSet{isa::none}, detect_isa()})
    for (const auto& [height, width] : {std::pair{160, 32}, std::pair{32, 64}}) {
      const Image input = scene(height, width);
      const Streamed want = run_streaming(kUnetSc, net.weights, input, height, 1, isa);
      for (const int band : {1, 2, 3, 7, 16, 31, 32, 50, 64, 1000})
        for (const int threads : {1, 2, 3}) {
          if (band != 7 && (isa == isa::none || (threads != 1 && band != 32))) continue;
          if (band > height && band != 1000) continue;
          CAPTURE(band);
          CAPTURE(threads);
          const Streamed got = run_streaming(kUnetSc, net.weights, input, band, threads, isa);
          CHECK(got.tensors == want.tensors);
          CHECK(got.classes == want.classes);
        }
    }
}

TEST_CASE("unet: nor on how many rows deep layers wait for") {
  const GoldenNet net;
  const Image input = scene(320, 32);
  const Streamed want = run_streaming(kUnetSc, net.weights, input, 320, 1, detect_isa());
  for (const int deep : {32, 96, 256, 1024})
    for (const int band : {3, 16, 320}) {
      CAPTURE(deep);
      CAPTURE(band);
      const Streamed got = run_streaming(kUnetSc, net.weights, input, band, 2, detect_isa(), deep);
      CHECK(got.tensors == want.tensors);
      CHECK(got.classes == want.classes);
    }
}

TEST_CASE("unet: instruction sets agree") {
  const GoldenNet net;
  const Image input = scene(64, 64);
  const Streamed scalar = run_streaming(kUnetSc, net.weights, input, 16, 2, isa::none);
  const Streamed best = run_streaming(kUnetSc, net.weights, input, 16, 2, detect_isa());
  const auto t = static_cast<std::size_t>(kUnetSc.layers[62].out);
  CHECK(relative_rms(best.tensors[t], scalar.tensors[t]) < 1e-5);
}

TEST_CASE("unet: an observer hears of every stage, in order, and the stages are the network") {
  const GoldenNet net;
  const StreamOptions options = {.width = 32, .height = 64, .band = 16};
  StreamPlan plan;
  Arena dry;
  WeightsMismatch wrong;
  REQUIRE(StreamPlan::bind(kUnetSc, net.weights, options, dry, plan, &wrong) == Status::arena_too_small);
  AlignedBytes block(dry.wanted());
  Arena arena(block.bytes());
  REQUIRE(StreamPlan::bind(kUnetSc, net.weights, options, arena, plan, &wrong) == Status::ok);

  int layers = 0;
  for (int s = 0; s < plan.stages(); ++s) {
    CHECK(plan.stage_layers(s).begin == layers);
    CHECK(plan.stage_layers(s).end > layers);
    layers = plan.stage_layers(s).end;
  }
  CHECK(layers == kUnetSc.layer_count);

  std::vector<int> heard;
  const StageObserver observer = {
      [](void* self, int stage) noexcept { static_cast<std::vector<int>*>(self)->push_back(stage); }, &heard};
  int steps = 0;
  for (plan.start(); !plan.finished(); ++steps) {
    for (int y = plan.wanted().begin; y < plan.wanted().end; ++y) std::fill_n(plan.input_row(y), 32 * 13, 0.1f);
    plan.step(Parallel::serial(), &observer);
  }
  REQUIRE(heard.size() == static_cast<std::size_t>(steps * plan.stages()));
  for (std::size_t i = 0; i < heard.size(); ++i) CHECK(heard[i] == static_cast<int>(i) % plan.stages());
}

TEST_CASE("unet: unfit weights are named") {
  const GoldenNet net;
  const Net other = unet_mobilenet_v2(12, 4);
  StreamPlan plan;
  Arena dry;
  WeightsMismatch wrong;
  CHECK(StreamPlan::bind(other, net.weights, {.width = 32, .height = 32}, dry, plan, &wrong) == Status::wrong_shape);
  CHECK(std::string(wrong.tensor) == "e0.w");
  CHECK_FALSE(wrong.missing);
  CHECK(wrong.want[1] == 12);
  CHECK(wrong.found[1] == 13);
}

TEST_CASE("model: lists of bands and classes are as FORMAT.md has them") {
  const auto status = [](const char* net, const char* bands, const char* outputs) {
    const AlignedBytes file(write_weights({{.name = "a0.b", .dims = {1}, .values = {0.0f}}},
                                          {{"net", net}, {"bands", bands}, {"outputs", outputs}}));
    WeightsFile weights;
    REQUIRE(WeightsFile::open(file.bytes(), weights) == Status::ok);
    Model model;
    return read_model(weights, model);
  };
  CHECK(status("linear", "B02,B03", "B03") == Status::ok);
  CHECK(status("unet_mobilenet_v2", "B02", "clear,cloud") == Status::ok);
  for (const char* bands : {"", "B02,", ",B02", "B02,,B03", "B02,B02", "B02,B14", "b02"})
    CHECK(status("linear", bands, "B02") == Status::corrupt);
  for (const char* outputs : {"", "B03", "B02,", "B02,B02"}) CHECK(status("linear", "B02", outputs) == Status::corrupt);
  for (const char* outputs : {"", "clear,", "clear,,cloud", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"})
    CHECK(status("unet_mobilenet_v2", "B02", outputs) == Status::corrupt);
}

TEST_CASE("reflection continues an image as numpy does") {
  // numpy.pad(np.arange(4), (5, 6), "reflect")
  const int want[] = {1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3};
  for (int i = -5; i < 10; ++i) CHECK(reflect(i, 4) == want[i + 5]);
  CHECK(reflect(-7, 1) == 0);
  CHECK(padding_for(300).before == 10);
  CHECK(padding_for(300).after == 10);
  CHECK(padding_for(301).before == 9);
  CHECK(padding_for(301).after == 10);
  CHECK(padding_for(320).before + padding_for(320).after == 0);
  CHECK(padded_size(1) == 32);
}

}  // namespace dtacs::test
