// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "net/memory_plan.h"
#include "net/unet_mobilenet_v2.h"

namespace dtacs {

namespace {

constexpr MemoryPlan kPlan = plan_memory(kUnetSc, 512, 512, sizeof(float));

// Writes each layer's number into its output, byte for byte, and looks whether
// what it reads is still what the producer wrote.
std::string clobbered(const Net& net, const MemoryPlan& plan, int height, int width) {
  std::string arena(plan.bytes, '\0');
  int producer[Net::kMax] = {};
  const auto size = [&](int t) {
    const Tensor& x = net.tensors[t];
    const int values = (height >> x.shift) * (width >> x.shift) * x.channels;
    return static_cast<std::size_t>(values);
  };
  const auto write = [&](int t, int who) {
    producer[t] = who;
    arena.replace(plan.offset[t], size(t), size(t), static_cast<char>(who));
  };
  write(0, 100);
  for (int i = 0; i < net.layer_count; ++i) {
    const Layer& l = net.layers[i];
    write(l.out, i + 1);  // before the check: writing must not destroy what is being read
    for (const int t : {l.in, l.skip, l.add})
      if (t != kNoTensor &&
          arena.substr(plan.offset[t], size(t)) != std::string(size(t), static_cast<char>(producer[t])))
        return l.key.text;
  }
  return {};
}

}  // namespace

TEST_CASE("unet: what the network costs") {
  CHECK(kUnetSc.layer_count == 63);
  CHECK(std::string(kUnetSc.layers[0].key.text) == "e0");
  CHECK(std::string(kUnetSc.layers[62].key.text) == "head");
  double mac = 0, params = 0;
  for (int i = 0; i < kUnetSc.layer_count; ++i) {
    const Layer& l = kUnetSc.layers[i];
    const Tensor& in = kUnetSc.tensors[l.in];
    const Tensor& out = kUnetSc.tensors[l.out];
    const int extra = l.skip == kNoTensor ? 0 : kUnetSc.tensors[l.skip].channels;
    const double taps = l.op == Op::dwconv3x3 ? 9 : (l.op == Op::pointwise ? 1 : 9) * (in.channels + extra);
    params += (taps + 1) * out.channels;
    mac += taps * out.channels * (512 >> out.shift) * (512 >> out.shift);
  }
  CHECK(params == 6614212);  // = the exported checkpoint with batch norms folded
  CHECK(mac / 1e6 == doctest::Approx(13682.0).epsilon(1e-5));
}

TEST_CASE("unet: memory plan is tight") {
  CHECK(kPlan.bytes == kPlan.live_peak);
  CHECK(kPlan.bytes == 35651584);  // a change here is a change of footprint: say why in the commit
}

TEST_CASE("unet: no layer overwrites what it or a later layer reads") {
  CHECK(clobbered(kUnetSc, plan_memory(kUnetSc, 64, 96, 1), 64, 96) == "");
}

}  // namespace dtacs
