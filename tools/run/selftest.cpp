// SPDX-License-Identifier: Apache-2.0
#include "tools/run/selftest.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/crc32c.h"
#include "io/host/failure.h"
#include "io/jp2/jp2.h"
#include "kernels/isa.h"
#include "net/int8_plan.h"
#include "net/model.h"
#include "net/stream_plan.h"
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
#include "tools/convert/weights_writer.h"
#include "tools/run/loaded_weights.h"
#include "tools/run/unet_stage.h"

extern "C" {
// selftest_image.S
extern const std::byte dtacs_selftest_image_begin[], dtacs_selftest_image_end[];
}

namespace dtacs {

const char* const kSelftestUsage = "dtacs selftest";

namespace {

// One line per check; its name appears before it runs, so that a crash shows where.
class Checks {
 public:
  void begin(const std::string& what) {
    what_ = what;
    std::printf("%-24s ", what.c_str());
    std::fflush(stdout);
  }
  void skip(const std::string& why) { std::printf("%s\n", why.c_str()); }
  void end(const std::string& trouble, const std::string& detail = "") {
    std::printf("%s%s\n", trouble.empty() ? "ok" : "FAILED: ", (trouble.empty() ? detail : trouble).c_str());
    if (!trouble.empty()) failed_ += (failed_.empty() ? "" : ", ") + what_;
  }
  const std::string& failed() const { return failed_; }

 private:
  std::string what_, failed_;
};

std::string hex(std::uint32_t v) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(v));
  return text;
}

// ---- kernels ----

// The suites are those of the tests; some twenty of a family's shapes take milliseconds.
template <test::KernelSuite S>
void check_kernels(Checks& checks) {
  const auto& family = S::family();
  const auto shapes = S::test_shapes();
  const std::size_t every = std::max<std::size_t>(1, shapes.size() / 20);
  for (const auto& kernel : family) {
    checks.begin(std::string(family.name) + " " + kernel.name);
    if (!runs_on(kernel.needs, detect_isa())) {
      checks.skip("not on this machine");
      continue;
    }
    std::string trouble;
    for (std::size_t i = 0; i < shapes.size() && trouble.empty(); i += every)
      for (const test::Fill fill : {test::Fill::random, test::Fill::mixed_extremes}) {
        typename S::Case want(shapes[i], 1, fill), got(shapes[i], 1, fill);
        want.run(family.reference());
        got.run(kernel);
        trouble = S::disagreement(got, want);
        if (!got.intact()) trouble = "wrote in front of a buffer";
        if (!trouble.empty()) {
          trouble = S::describe(shapes[i]) + ": " + trouble;
          break;
        }
      }
    checks.end(trouble);
  }
}

// ---- networks ----

struct Output {
  std::vector<float> logits;
  std::vector<std::uint8_t> classes;
};

// The network on an image of splitmix64 noise.
Output run_net(const Net& net, const WeightsFile& weights, int width, int height, IsaSet isa) {
  const StreamOptions options = {.width = width, .height = height, .band = 8, .isa = isa};
  auto plan = std::make_unique<StreamPlan>();
  Arena dry;
  static_cast<void>(StreamPlan::bind(net, weights, options, dry, *plan, nullptr));
  const Block block(dry.wanted());
  Arena arena(block.bytes());
  if (StreamPlan::bind(net, weights, options, arena, *plan, nullptr) != Status::ok)
    throw Failure(Exit::self_check, "the network cannot be bound to its weights");
  test::Rng noise(1);
  const int inputs = net.tensors[0].channels, outputs = net.tensors[plan->result()].channels;
  Output out;
  while (!plan->finished()) {
    const RowRange wanted = plan->wanted();
    for (int y = wanted.begin; y < wanted.end; ++y)
      for (int i = 0; i < width * inputs; ++i)
        plan->input_row(y)[i] = static_cast<float>(noise.between(0, 4096)) / 8192.0f;
    plan->step(Parallel::serial());
    const RowRange made = plan->made(plan->result());
    for (int y = made.begin; y < made.end; ++y) {
      const float* row = plan->row(plan->result(), y);
      out.logits.insert(out.logits.end(), row, row + static_cast<std::ptrdiff_t>(width) * outputs);
      out.classes.insert(out.classes.end(), plan->classes_row(y), plan->classes_row(y) + width);
    }
  }
  return out;
}

// A U-Net of two levels in which every kind of layer occurs.
constexpr Net small_net() {
  Net net;
  const int image = net.tensor(13, 0);
  int x = net.add({.key = "stem", .op = Op::conv3x3, .act = Act::relu6, .stride = 2, .in = image}, 16);
  const int skip = x;
  x = net.add({.key = "a.exp", .act = Act::relu6, .in = x, .inner = true}, 48);
  x = net.add({.key = "a.dw", .op = Op::dwconv3x3, .act = Act::relu6, .stride = 2, .in = x, .inner = true}, 48);
  const int narrow = net.add({.key = "a.prj", .in = x}, 24);
  x = net.add({.key = "b.exp", .act = Act::relu6, .in = narrow, .inner = true}, 72);
  x = net.add({.key = "b.dw", .op = Op::dwconv3x3, .act = Act::relu6, .in = x, .inner = true}, 72);
  x = net.add({.key = "b.prj", .in = x, .add = narrow}, 24);
  x = net.add({.key = "d0", .op = Op::conv3x3, .act = Act::relu, .up2 = true, .in = x, .skip = skip}, 16);
  x = net.add({.key = "d1", .op = Op::conv3x3, .act = Act::relu, .up2 = true, .in = x}, 16);
  net.add({.key = "head", .op = Op::head3x3, .in = x}, 4);
  return net;
}
constexpr Net kSmallNet = small_net();

// Weights from splitmix64, of a size that keeps activations near one.
std::vector<std::byte> noise_weights(const Net& net) {
  test::Rng rng(2);
  std::vector<WeightsTensor> tensors;
  for (int i = 0; i < net.layer_count; ++i) {
    const Layer& l = net.layers[i];
    const auto n = static_cast<std::uint32_t>(net.tensors[l.out].channels), side = l.op == Op::pointwise ? 1u : 3u;
    const auto depth = l.op == Op::dwconv3x3 ? 1u : static_cast<std::uint32_t>(net.depth(l));
    const std::string key = l.key.text;
    WeightsTensor w{.name = key + ".w", .dims = {n, depth, side, side}, .values = {}};
    WeightsTensor b{.name = key + ".b", .dims = {n}, .values = {}};
    const float step = std::ldexp(1.0f, -(static_cast<int>(std::bit_width(depth * side * side)) - 1) / 2 - 8);
    for (std::uint32_t k = 0; k < n * depth * side * side; ++k)
      w.values.push_back(static_cast<float>(rng.between(-512, 512)) * step);
    for (std::uint32_t k = 0; k < n; ++k) b.values.push_back(static_cast<float>(rng.between(-64, 64)) / 256.0f);
    tensors.push_back(std::move(w));
    tensors.push_back(std::move(b));
  }
  return write_weights(std::move(tensors), {});
}

// Largest distance of two sets of logits, in units of the largest logit.
double distance(const Output& a, const Output& b) {
  double worst = 0, size = 0;
  for (std::size_t i = 0; i < a.logits.size(); ++i) {
    worst = std::max(worst, std::fabs(static_cast<double>(a.logits[i]) - static_cast<double>(b.logits[i])));
    size = std::max(size, std::fabs(static_cast<double>(b.logits[i])));
  }
  return worst / size;
}

// Ten layers differ by 5e-7, the sixty-three of a whole network by 3e-6.
constexpr double kTolerance = 2e-5;

void end_against_scalar(Checks& checks, const Output& got, const Output& scalar) {
  const double d = distance(got, scalar);
  char text[64];
  std::snprintf(text, sizeof text, "%.1e from the scalar's logits", d);
  const bool close = d <= kTolerance;  // a NaN is not
  checks.end(close ? "" : text, std::string(", ") + text);
}

// Of the scalar's logits: every operation is IEEE 754 single precision in a fixed order.
constexpr std::uint32_t kSmallNetCrc = 0x8d653d70;

void check_small_net(Checks& checks) {
  const std::vector<std::byte> bytes = noise_weights(kSmallNet);
  const Block block(bytes.size());
  std::memcpy(block.bytes().data(), bytes.data(), bytes.size());
  WeightsFile weights;
  checks.begin("net weights");
  const Status status = WeightsFile::open(block.bytes(), weights);
  checks.end(status == Status::ok ? "" : describe(status));
  if (status != Status::ok) return;
  Output scalar;
  for (std::size_t i = 0; i < std::size(kIsaNames); ++i) {
    const IsaName& isa = kIsaNames[i];
    checks.begin(std::string("net ") + isa.name);
    if (!runs_on(isa.set, detect_isa())) {
      checks.skip("not on this machine");
      continue;
    }
    const Output out = run_net(kSmallNet, weights, 96, 64, isa.set);
    if (i == 0) {
      scalar = out;
      const std::uint32_t crc = crc32c(std::as_bytes(std::span(out.logits)));
      checks.end(crc == kSmallNetCrc ? "" : "checksum " + hex(crc) + ", not " + hex(kSmallNetCrc));
    } else {
      end_against_scalar(checks, out, scalar);
    }
  }
}

// Classes of the 8-bit network on the same noise: equal to the byte on every instruction set.
std::uint32_t int8_crc(const Net& net, const WeightsFile& weights, int width, int height, IsaSet isa) {
  const StreamOptions options = {.width = width, .height = height, .band = 8, .isa = isa};
  auto plan = std::make_unique<Int8Plan>();
  Arena dry;
  static_cast<void>(Int8Plan::bind(net, weights, options, dry, *plan, nullptr));
  const Block block(dry.wanted());
  Arena arena(block.bytes());
  if (Int8Plan::bind(net, weights, options, arena, *plan, nullptr) != Status::ok)
    throw Failure(Exit::self_check, "the 8-bit network cannot be bound to its weights");
  test::Rng noise(1);
  std::uint32_t crc = 0;
  while (!plan->finished()) {
    const RowRange wanted = plan->wanted();
    for (int y = wanted.begin; y < wanted.end; ++y)
      for (int x = 0; x < width; ++x)
        for (int c = 0; c < net.tensors[0].channels; ++c)
          plan->input_row(y)[x * plan->input_channels() + c] = static_cast<std::int16_t>(noise.between(0, 5000));
    plan->step(Parallel::serial());
    const RowRange made = plan->made(plan->result());
    for (int y = made.begin; y < made.end; ++y)
      crc = crc32c(std::as_bytes(std::span(plan->classes_row(y), static_cast<std::size_t>(width))), crc);
  }
  return crc;
}

void check_built_in_int8(Checks& checks) {
  const auto classification = built_in_classification(true);
  if (!classification) return;
  const Net net = unet_of(classification->model);
  const std::uint32_t want = int8_crc(net, classification->weights, 32, 32, isa::none);
  for (const IsaName& i : kIsaNames) {
    checks.begin(std::string("int8 ") + i.name);
    if (!runs_on(i.set, detect_isa())) {
      checks.skip("not on this machine");
      continue;
    }
    const std::uint32_t crc = int8_crc(net, classification->weights, 32, 32, i.set);
    checks.end(crc == want ? "" : "checksum " + hex(crc) + ", not " + hex(want), ", " + hex(crc));
  }
}

void check_built_in(Checks& checks) {
  checks.begin("weights built in");
  std::optional<LoadedWeights> classification;
  try {
    classification = built_in_classification(false);
    static_cast<void>(built_in_correction());
  } catch (const Failure& f) {
    return checks.end(f.what());
  }
  if (!classification) return checks.skip("none");
  checks.end("", ", classification " + hex(classification->weights.crc()));
  checks.begin("classification");
  const Net net = unet_of(classification->model);
  const Output best = run_net(net, classification->weights, 32, 32, detect_isa());
  const Output scalar = run_net(net, classification->weights, 32, 32, isa::none);
  end_against_scalar(checks, best, scalar);
}

// ---- JPEG 2000 ----

constexpr std::uint32_t kImageCrc = 0x7f6251f7;  // of the samples as little-endian words; OpenJPEG decodes the same

std::string decode_image(IsaSet isa) {
  const std::span<const std::byte> file(dtacs_selftest_image_begin, dtacs_selftest_image_end);
  jp2::Decoder decoder;
  Block block(0);
  jp2::Outcome outcome;
  for (int round = 0; round < 4; ++round) {
    Arena arena(block.bytes());
    outcome = decoder.open(file, {.isa = isa}, arena);
    if (outcome.status != Status::arena_too_small) break;
    block = Block(arena.wanted());
  }
  if (!outcome.ok()) return describe(outcome.status);
  std::vector<std::uint16_t> samples(static_cast<std::size_t>(decoder.width()) *
                                     static_cast<std::size_t>(decoder.height()));
  outcome = decoder.read_rows(decoder.height(), samples.data(), decoder.width(), Parallel::serial());
  if (!outcome.ok()) return describe(outcome.status);
  const std::uint32_t crc = crc32c(std::as_bytes(std::span(samples)));
  return crc == kImageCrc ? "" : "checksum " + hex(crc) + ", not " + hex(kImageCrc);
}

void check_jp2(Checks& checks) {
  // Code-blocks and wavelets have variants of different sets.
  for (const IsaName& i : kIsaNames) {
    checks.begin(std::string("jp2 ") + i.name);
    if (runs_on(i.set, detect_isa()))
      checks.end(decode_image(i.set));
    else
      checks.skip("not on this machine");
  }
}

}  // namespace

void selftest_command(Args& args) {
  args.finish(0, kSelftestUsage);
  std::string has;
  for (const IsaName& i : kIsaNames)
    if (runs_on(i.set, detect_isa())) has += std::string(has.empty() ? "" : ", ") + i.name;
  std::printf("%-24s %s\n", "instruction sets", has.c_str());

  test::guard_pages = false;
  Checks checks;
  check_kernels<test::Conv3x3Suite>(checks);
  check_kernels<test::Upconv3x3Suite>(checks);
  check_kernels<test::Winograd3x3Suite>(checks);
  check_kernels<test::Dwconv3x3Suite>(checks);
  check_kernels<test::PointwiseSuite>(checks);
  check_kernels<test::Head3x3Suite>(checks);
  check_kernels<test::PixelNetSuite>(checks);
  check_kernels<test::PixelsS16Suite>(checks);
  check_kernels<test::Stem3x3S16Suite>(checks);
  check_kernels<test::Conv3x3S8Suite>(checks);
  check_kernels<test::Winograd3x3S8Suite>(checks);
  check_kernels<test::Dwconv3x3S8Suite>(checks);
  check_kernels<test::PointwiseS8Suite>(checks);
  check_kernels<test::Head3x3S8Suite>(checks);
  check_small_net(checks);
  check_built_in(checks);
  check_built_in_int8(checks);
  check_jp2(checks);
  if (!checks.failed().empty()) throw Failure(Exit::self_check, "self-test failed: " + checks.failed());
}

}  // namespace dtacs
