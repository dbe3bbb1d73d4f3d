// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/network.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "io/host/failure.h"
#include "net/unet_mobilenet_v2.h"
#include "tests/support/suite.h"
#include "tests/weights/checkpoint_bytes.h"

namespace dtacs {

using namespace test;

namespace {

NamedTensor named(const std::string& name, std::vector<std::uint64_t> dims, Rng& rng) {
  NamedTensor t{name, "f32", std::move(dims), {}};
  t.values.resize(count_of(t.dims));
  for (float& v : t.values) v = static_cast<float>(rng.between(-1000, 1000)) / 1024.0f;
  return t;
}

// The names segmentation_models_pytorch gives, spelt out block by block rather than
// derived as the converter derives them.
struct SmpLayer {
  std::string key, conv, norm;
};
std::vector<SmpLayer> smp_layers() {
  std::vector<SmpLayer> l = {{"e0", "encoder.features.0.0", "encoder.features.0.1"},
                             {"e1.dw", "encoder.features.1.conv.0.0", "encoder.features.1.conv.0.1"},
                             {"e1.prj", "encoder.features.1.conv.1", "encoder.features.1.conv.2"}};
  for (int i = 2; i <= 17; ++i) {
    const std::string e = std::string("e") + std::to_string(i), c = "encoder.features." + std::to_string(i) + ".conv.";
    l.push_back({e + ".exp", c + "0.0", c + "0.1"});
    l.push_back({e + ".dw", c + "1.0", c + "1.1"});
    l.push_back({e + ".prj", c + "2", c + "3"});
  }
  l.push_back({"e18", "encoder.features.18.0", "encoder.features.18.1"});
  for (int i = 0; i < 5; ++i) {
    const std::string d = std::string("d") + std::to_string(i), b = "decoder.blocks." + std::to_string(i) + ".conv";
    l.push_back({d + ".c1", b + "1.0", b + "1.1"});
    l.push_back({d + ".c2", b + "2.0", b + "2.1"});
  }
  l.push_back({"head", "segmentation_head.0", ""});
  return l;
}

Checkpoint unet_checkpoint(int inputs, int outputs, const std::string& prefix = "") {
  Rng rng(3);
  Checkpoint c;
  const Net net = unet_mobilenet_v2(inputs, outputs);
  const auto layers = smp_layers();
  REQUIRE(layers.size() == static_cast<std::size_t>(net.layer_count));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer& l = net.layers[i];
    REQUIRE(layers[i].key == l.key.text);
    const auto channels = [&](int t) {
      return t == kNoTensor ? 0u : static_cast<std::uint64_t>(net.tensors[t].channels);
    };
    const std::uint64_t out = channels(l.out), side = l.op == Op::pointwise ? 1 : 3;
    const std::uint64_t in = l.op == Op::dwconv3x3 ? 1 : channels(l.in) + channels(l.skip);
    c.tensors.push_back(named(prefix + layers[i].conv + ".weight", {out, in, side, side}, rng));
    if (layers[i].norm.empty()) {
      c.tensors.push_back(named(prefix + layers[i].conv + ".bias", {out}, rng));
      continue;
    }
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
      c.tensors.push_back(named(prefix + layers[i].norm + part, {out}, rng));
    for (float& v : c.tensors.back().values) v = std::fabs(v) + 0.01f;
    c.tensors.push_back({prefix + layers[i].norm + ".num_batches_tracked", "i64", {}, {7}});
  }
  return c;
}

Checkpoint pixel_checkpoint(std::uint64_t inputs, std::uint64_t hidden, std::uint64_t outputs,
                            const std::string& prefix = "model.") {
  Rng rng(4);
  Checkpoint c;
  if (hidden == 0) {
    c.tensors = {named(prefix + "cnn_layers.0.weight", {outputs, inputs, 1, 1}, rng),
                 named(prefix + "cnn_layers.0.bias", {outputs}, rng)};
  } else {
    c.tensors = {named(prefix + "cnn_layers.0.weight", {hidden, inputs, 1, 1}, rng),
                 named(prefix + "cnn_layers.0.bias", {hidden}, rng),
                 named(prefix + "cnn_layers.2.weight", {outputs, hidden, 1, 1}, rng),
                 named(prefix + "cnn_layers.2.bias", {outputs}, rng)};
  }
  return c;
}

const NamedTensor& source(const Checkpoint& c, const std::string& name) {
  const auto at =
      std::find_if(c.tensors.begin(), c.tensors.end(), [&](const NamedTensor& t) { return t.name == name; });
  REQUIRE_MESSAGE(at != c.tensors.end(), name);
  return *at;
}
const WeightsTensor& result(const Network& n, const std::string& name) {
  const auto at =
      std::find_if(n.tensors.begin(), n.tensors.end(), [&](const WeightsTensor& t) { return t.name == name; });
  REQUIRE_MESSAGE(at != n.tensors.end(), name);
  return *at;
}

std::string joined(const std::vector<std::string>& names) {
  std::string s;
  for (const std::string& n : names) s += (s.empty() ? "" : ",") + n;
  return s;
}

std::string refusal(const Checkpoint& c, Exit exit, const NetworkHints& hints = {}, const std::string& path = "m.pt") {
  try {
    static_cast<void>(recognise_network(c, path, hints));
  } catch (const Failure& f) {
    CHECK(static_cast<int>(f.exit()) == static_cast<int>(exit));
    CHECK(std::string(f.what()).rfind(path + ": ", 0) == 0);
    return f.what();
  }
  return "";
}
bool contains(const std::string& s, const std::string& part) {
  INFO(s);
  return s.find(part) != s.npos;
}

void check_folded(const Checkpoint& c, const Network& n, const std::string& prefix) {
  REQUIRE(n.tensors.size() == 2 * smp_layers().size());
  const auto exact = [](float v) { return static_cast<long double>(v); };
  double worst = 0;
  const auto compare = [&](float got, long double want, long double least) {
    worst = std::max(worst, static_cast<double>(std::fabs(exact(got) - want) / (std::fabs(want) + least)));
  };
  for (const SmpLayer& l : smp_layers()) {
    const WeightsTensor &w = result(n, l.key + ".w"), &b = result(n, l.key + ".b");
    const NamedTensor& from = source(c, prefix + l.conv + ".weight");
    REQUIRE(w.values.size() == from.values.size());
    const std::size_t depth = w.values.size() / b.values.size();
    for (std::size_t o = 0; o < b.values.size(); ++o) {
      long double scale = 1, offset = 0;
      if (l.norm.empty()) {
        offset = exact(source(c, prefix + l.conv + ".bias").values[o]);
      } else {
        const auto part = [&](const char* name) { return exact(source(c, prefix + l.norm + name).values[o]); };
        scale = part(".weight") / std::sqrt(part(".running_var") + 1e-5L);
        offset = part(".bias") - part(".running_mean") * scale;
      }
      compare(b.values[o], offset, 1e-3L);
      for (std::size_t i = o * depth; i < (o + 1) * depth; i += 1 + depth / 7)
        compare(w.values[i], exact(from.values[i]) * scale, 1e-12L);
    }
  }
  CHECK(worst < 1.2e-7);  // one rounding to f32
  CHECK(worst > 0);
}

}  // namespace

TEST_CASE("network: a U-Net is found under any prefix and its batch norms are folded") {
  for (const char* prefix : {"", "model.", "net.module."}) {
    CAPTURE(prefix);
    const Checkpoint c = unet_checkpoint(13, 4, prefix);
    const Network n = recognise_network(c, "m.pt", {});
    CHECK(n.net == "unet_mobilenet_v2");
    CHECK(n.task == "classification");
    CHECK(joined(n.bands) == "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12");
    CHECK(joined(n.outputs) == "clear,thick cloud,thin cloud,cloud shadow");
    CHECK(n.input == "toa_reflectance");
    CHECK(n.ignored.empty());
    check_folded(c, n, prefix);
  }
}

TEST_CASE("network: convolutions in graph order fold to the same, whatever their names") {
  Checkpoint c = unet_checkpoint(13, 12);
  const Network by_name = recognise_network(c, "m.pt", {});
  CHECK(by_name.net == "unet_corrector");
  for (const SmpLayer& l : smp_layers()) {
    const auto index = [&](const std::string& name) { return static_cast<int>(&source(c, name) - c.tensors.data()); };
    GraphConv g{.weight = index(l.conv + ".weight")};
    if (l.norm.empty()) {
      g.bias = index(l.conv + ".bias");
    } else {
      g.gamma = index(l.norm + ".weight");
      g.beta = index(l.norm + ".bias");
      g.mean = index(l.norm + ".running_mean");
      g.variance = index(l.norm + ".running_var");
      g.epsilon = 1e-5;
    }
    c.convs.push_back(g);
  }
  for (std::size_t i = 0; i < c.tensors.size(); ++i) c.tensors[i].name = std::string("onnx::Conv_") + std::to_string(i);
  const Network by_order = recognise_network(c, "m.onnx", {});
  REQUIRE(by_order.tensors.size() == by_name.tensors.size());
  for (std::size_t i = 0; i < by_name.tensors.size(); ++i) {
    CHECK(by_order.tensors[i].name == by_name.tensors[i].name);
    CHECK(by_order.tensors[i].values == by_name.tensors[i].values);
  }
  c.foreign = {"the graph has Sigmoid"};
  CHECK(contains(refusal(c, Exit::bad_weights), "1 problem: the graph has Sigmoid"));
  c.foreign.clear();
  c.convs[1].window = {.stride = 1, .padding = 1, .dilation = 1, .groups = 32};
  CHECK(recognise_network(c, "m.onnx", {}).tensors.size() == by_name.tensors.size());
  c.convs[1].window->stride = 2;
  CHECK(contains(refusal(c, Exit::bad_weights), "expected stride 1, padding 1, dilation 1, 32 groups, found stride 2"));
  c.convs[1].window = {};
  const GraphConv last = c.convs.back();
  c.convs.back().bias = -1;
  CHECK(contains(refusal(c, Exit::bad_weights), "neither a bias nor a batch norm"));
  c.convs.back() = last;
  std::swap(c.convs[3].weight, c.convs[6].weight);
  CHECK(contains(refusal(c, Exit::bad_weights), "expected (96, 16, 1, 1), found (144, 24, 1, 1)"));
  std::swap(c.convs[3].weight, c.convs[6].weight);
  c.convs[7] = {};
  CHECK(contains(refusal(c, Exit::bad_weights), "layer 8 of the graph: expected the convolution e3.dw (144, 1, 3, 3)"));
  c.convs.pop_back();
  CHECK(contains(refusal(c, Exit::bad_weights), "of no known network"));
}

TEST_CASE("network: what is missing, too much or of the wrong shape is named") {
  const Checkpoint good = unet_checkpoint(13, 4, "model.");
  Checkpoint c = good;
  const auto erase = [&](const std::string& name) {
    c.tensors.erase(c.tensors.begin() + (&source(c, name) - c.tensors.data()));
  };
  erase("model.encoder.features.7.conv.1.1.running_var");
  erase("model.decoder.blocks.3.conv2.0.weight");
  const std::string two = refusal(c, Exit::bad_weights);
  CHECK(contains(two, "2 problems"));
  CHECK(contains(two, "missing model.encoder.features.7.conv.1.1.running_var"));
  CHECK(contains(two, "missing model.decoder.blocks.3.conv2.0.weight"));

  c = good;
  const_cast<NamedTensor&>(source(c, "model.decoder.blocks.0.conv1.0.weight")).dims = {256, 1280, 3, 3};
  CHECK(contains(refusal(c, Exit::bad_weights),
                 "model.decoder.blocks.0.conv1.0.weight: expected (256, 1376, 3, 3), found (256, 1280, 3, 3)"));
  c = good;
  Rng rng(9);
  c.tensors.push_back(named("model.decoder.blocks.0.attention1.weight", {4, 4}, rng));
  CHECK(contains(refusal(c, Exit::bad_weights), "unexpected model.decoder.blocks.0.attention1.weight (4, 4)"));
  c = good;
  c.tensors.push_back(named("loss.class_weights", {4}, rng));
  CHECK(joined(recognise_network(c, "m.pt", {}).ignored) == "loss.class_weights");
  c = good;
  c.tensors.push_back(good.tensors[0]);
  CHECK(contains(refusal(c, Exit::bad_weights), "two tensors model.encoder.features.0.0.weight"));
  c = good;
  const_cast<NamedTensor&>(source(c, "model.encoder.features.18.1.running_var")).values[5] = -1;
  CHECK(contains(refusal(c, Exit::bad_weights), "the variance of channel 5 is negative"));
  c = good;
  const_cast<NamedTensor&>(source(c, "model.segmentation_head.0.bias")).values[1] = NAN;
  CHECK(contains(refusal(c, Exit::bad_weights), "infinite or not a number"));
  c = good;
  for (const NamedTensor& t : unet_checkpoint(13, 4, "ema.").tensors) c.tensors.push_back(t);
  CHECK(contains(refusal(c, Exit::usage), "--prefix \"ema.\""));
  const Network chosen =
      recognise_network(c, "m.pt", {.bands = {}, .outputs = {}, .net = {}, .prefix = "ema.", .any_prefix = false});
  CHECK(chosen.ignored.size() == good.tensors.size() - 62);  // all of the other one but its batch counters
  CHECK(contains(refusal({}, Exit::bad_weights), "found no tensors"));
}

TEST_CASE("network: a batch norm that says its epsilon is folded with it") {
  Checkpoint c = unet_checkpoint(13, 4, "m.");
  const Network usual = recognise_network(c, "m.pt", {});
  c.epsilons["m.encoder.features.0.1"] = 1e-3;
  const Network n = recognise_network(c, "m.pt", {});
  const float variance = source(c, "m.encoder.features.0.1.running_var").values[0];
  CHECK(result(n, "e0.w").values[0] / result(usual, "e0.w").values[0] ==
        doctest::Approx(static_cast<double>(std::sqrt((variance + 1e-5f) / (variance + 1e-3f)))));
  CHECK(result(n, "e18.w").values == result(usual, "e18.w").values);
}

TEST_CASE("network: long names that differ at their ends were once taken for the same") {
  const std::string prefix(210, 'x');
  const auto value = [](std::size_t i) { return static_cast<float>(i); };
  const FileBytes file = make_safetensors({make_tensor(prefix + ".cnn_layers.0.weight", {12, 13, 1, 1}, value),
                                           make_tensor(prefix + ".cnn_layers.0.bias", {12}, value)});
  CHECK(recognise_network(read_checkpoint(to_bytes(file), "m.safetensors"), "m.safetensors", {}).net == "linear");
}

TEST_CASE("network: of two kinds under one prefix --net chooses") {
  Checkpoint c = unet_checkpoint(13, 4);
  for (const NamedTensor& t : pixel_checkpoint(13, 52, 12, "").tensors) c.tensors.push_back(t);
  CHECK(contains(refusal(c, Exit::usage), "holds 2 networks, choose one with --net"));
  for (const char* net : {"unet_mobilenet_v2", "cnn_corrector"})
    CHECK(recognise_network(c, "m.pt", {.bands = {}, .outputs = {}, .net = net, .prefix = {}}).net == net);
}

TEST_CASE("network: a checkpoint whose batch norms were folded elsewhere is taken as it is") {
  Checkpoint c = unet_checkpoint(13, 4);
  const Network folded = recognise_network(c, "m.pt", {});
  Checkpoint again;
  for (const SmpLayer& l : smp_layers())
    for (const char* part : {"w", "b"}) {
      const WeightsTensor& t = result(folded, l.key + "." + part);
      again.tensors.push_back(
          {l.conv + (*part == 'w' ? ".weight" : ".bias"), "f32", {t.dims.begin(), t.dims.end()}, t.values});
    }
  const Network n = recognise_network(again, "m.pt", {});
  REQUIRE(n.tensors.size() == folded.tensors.size());
  for (std::size_t i = 0; i < n.tensors.size(); ++i) CHECK(n.tensors[i].values == folded.tensors[i].values);
}

TEST_CASE("network: pixel networks and their band sets") {
  struct Case {
    std::uint64_t inputs, hidden, outputs;
    const char *path, *net, *bands, *out;
  };
  const char* all = "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12";
  const char* without_b10 = "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B11,B12";
  const Case kCases[] = {
      {13, 52, 12, "CNN_corrector.pt", "cnn_corrector", all, without_b10},
      {13, 20, 12, "x.pt", "cnn_corrector", all, without_b10},
      {7, 28, 7, "x.pt", "cnn_corrector", "B02,B03,B04,B05,B06,B07,B08", "B02,B03,B04,B05,B06,B07,B08"},
      {4, 16, 4, "/probav/CNN_corrector_PlanetScope.pt", "cnn_corrector", "B02,B03,B04,B08", "B02,B03,B04,B08"},
      {4, 16, 4, "DTACS_SR_probav.pt", "cnn_corrector", "B02,B04,B08,B11", "B02,B04,B08,B11"},
      {13, 0, 12, "linear.pt", "linear", all, without_b10},
  };
  for (const Case& k : kCases) {
    CAPTURE(k.path);
    const Checkpoint c = pixel_checkpoint(k.inputs, k.hidden, k.outputs);
    const Network n = recognise_network(c, k.path, {});
    CHECK(n.net == k.net);
    CHECK(n.task == "correction");
    CHECK(joined(n.bands) == k.bands);
    CHECK(joined(n.outputs) == k.out);
    CHECK(result(n, "a0.w").values == c.tensors[0].values);
    CHECK(result(n, k.hidden != 0 ? "a1.b" : "a0.b").values == c.tensors.back().values);
  }
  const Checkpoint four = pixel_checkpoint(4, 16, 4);
  CHECK(contains(refusal(four, Exit::usage), "--bands B02,B03,B04,B08 or --bands B02,B04,B08,B11"));
  CHECK(
      joined(recognise_network(four, "m.pt", {.bands = {"b2", "B4", "8", "11"}, .outputs = {}, .net = {}, .prefix = {}})
                 .outputs) == "B02,B04,B08,B11");
  const auto bands = [](std::vector<std::string> b, std::vector<std::string> o = {}, std::string net = "") {
    return NetworkHints{.bands = std::move(b), .outputs = std::move(o), .net = std::move(net), .prefix = {}};
  };
  CHECK(contains(refusal(four, Exit::usage, bands({"B02", "B03"})), "--bands lists 2 bands, the network takes 4"));
  CHECK(contains(refusal(four, Exit::usage, bands({"B02", "B03", "B04", "B13"})), "\"B13\" is no band"));
  CHECK(contains(refusal(four, Exit::usage, bands({"B02", "B03", "B04", "B2"})), "lists B02 twice"));
  CHECK(contains(refusal(four, Exit::usage, bands({"B02", "B03", "B04", "B08"}, {"B02", "B03", "B04", "B11"})),
                 "none of the input bands"));
  CHECK(contains(refusal(four, Exit::usage, bands({"B02", "B03", "B04", "B08"}, {"B02", "B03"})),
                 "the network has 4 outputs"));
  CHECK(contains(refusal(four, Exit::usage, bands({}, {}, "linear")), "--net says linear"));
  CHECK(contains(refusal(pixel_checkpoint(5, 20, 5), Exit::usage), "no known set has 5 bands"));
  CHECK(contains(refusal(pixel_checkpoint(13, 52, 11), Exit::usage), "List them with --outputs"));

  Checkpoint bad = pixel_checkpoint(13, 52, 12);
  bad.tensors[2].dims = {12, 50, 1, 1};
  CHECK(contains(refusal(bad, Exit::bad_weights),
                 "model.cnn_layers.2.weight: expected (12, 52, 1, 1), found (12, 50, 1, 1)"));
  bad = pixel_checkpoint(13, 52, 12);
  bad.tensors.pop_back();
  CHECK(contains(refusal(bad, Exit::bad_weights), "missing model.cnn_layers.2.bias"));
  bad = pixel_checkpoint(13, 52, 12);
  bad.tensors[0].dims = {0, 13, 1, 1};
  bad.tensors[0].values.clear();
  CHECK(contains(refusal(bad, Exit::bad_weights), "expected (outputs, inputs, 1, 1), found (0, 13, 1, 1)"));
  bad = pixel_checkpoint(13, 52, 12);
  Rng rng(5);
  bad.tensors.push_back(named("model.cnn_layers.4.weight", {12, 12, 1, 1}, rng));
  CHECK(contains(refusal(bad, Exit::bad_weights), "unexpected model.cnn_layers.4.weight"));
}

TEST_CASE("network: four bands to four outputs are settled by a name or an option, never guessed") {
  const Checkpoint c = unet_checkpoint(4, 4);
  const auto task = [&](const std::string& path, const NetworkHints& hints = {}) {
    const Network n = recognise_network(c, path, hints);
    return n.net + " " + joined(n.bands);
  };
  CHECK(task("dtacs4bands.pt") == "unet_mobilenet_v2 B08,B04,B03,B02");
  CHECK(task("DTACS_CLOUD_RGBNIR.pt") == "unet_mobilenet_v2 B08,B04,B03,B02");
  CHECK(task("Unet_corrector_probav.pt") == "unet_corrector B02,B04,B08,B11");
  CHECK(task("x.pt", {.bands = {"B02", "B03", "B04", "B08"}, .outputs = {}, .net = {}, .prefix = {}}) ==
        "unet_corrector B02,B03,B04,B08");
  CHECK(task("x.pt", {.bands = {}, .outputs = {"a", "b", "c", "d"}, .net = {}, .prefix = {}}) ==
        "unet_mobilenet_v2 B08,B04,B03,B02");
  const char* unclear = "say --net unet_mobilenet_v2 or --net unet_corrector";
  CHECK(contains(refusal(c, Exit::usage), unclear));
  // A name of both kinds says neither; numbers may be bands or classes.
  CHECK(contains(refusal(c, Exit::usage, {}, "cloudmask_planetscope.pt"), unclear));
  NetworkHints numbers = {.bands = {}, .outputs = {"1", "2", "3", "4"}, .net = {}, .prefix = {}};
  CHECK(contains(refusal(c, Exit::usage, numbers), unclear));
  numbers.net = "unet_mobilenet_v2";
  CHECK(joined(recognise_network(c, "x.pt", numbers).outputs) == "1,2,3,4");
  CHECK(recognise_network(unet_checkpoint(12, 4), "x.pt", {}).input == "surface_reflectance");
  const char* shuffled[] = {"B12", "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11"};
  CHECK(recognise_network(unet_checkpoint(12, 4), "x.pt",
                          {.bands = {std::begin(shuffled), std::end(shuffled)}, .outputs = {}, .net = {}, .prefix = {}})
            .input == "surface_reflectance");
  CHECK(joined(recognise_network(unet_checkpoint(8, 4), "x.pt", {}).bands) == "B01,B02,B03,B04,B08,B10,B11,B12");
  CHECK(contains(refusal(unet_checkpoint(13, 3), Exit::usage), "say what they are with --outputs"));
  CHECK(joined(recognise_network(unet_checkpoint(13, 3), "x.pt",
                                 {.bands = {}, .outputs = {"land", "sea", "cloud"}, .net = {}, .prefix = {}})
                   .outputs) == "land,sea,cloud");
}

}  // namespace dtacs
