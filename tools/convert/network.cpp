// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/network.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "io/host/failure.h"
#include "net/unet_mobilenet_v2.h"
#include "tools/convert/band_sets.h"

namespace dtacs {

namespace {

constexpr double kBatchNormEpsilon = 1e-5;  // PyTorch's default, which torchvision and smp keep

using Dims = std::vector<std::uint64_t>;

// A layer of ours and where the checkpoint keeps it.
struct Source {
  std::string key;   // "e3.dw"
  Dims expected;     // of the weight
  std::string conv;  // "encoder.features.3.conv.1.0"; empty when found by order
  std::string norm;  // "encoder.features.3.conv.1.1"; empty: none
  GraphConv::Window window{};
};

std::vector<Source> unet_sources(int inputs, int outputs) {
  const Net net = unet_mobilenet_v2(inputs, outputs);
  std::vector<Source> sources;
  for (int i = 0; i < net.layer_count; ++i) {
    const Layer& l = net.layers[i];
    const std::uint64_t out = static_cast<std::uint64_t>(net.tensors[l.out].channels);
    std::uint64_t in = static_cast<std::uint64_t>(net.tensors[l.in].channels);
    if (l.skip != kNoTensor) in += static_cast<std::uint64_t>(net.tensors[l.skip].channels);
    const std::uint64_t side = l.op == Op::pointwise ? 1 : 3;
    Source s{.key = l.key.text, .expected = {out, l.op == Op::dwconv3x3 ? 1 : in, side, side}, .conv = {}, .norm = {}};
    s.window.stride = l.stride;
    s.window.padding = side == 1 ? 0 : 1;
    if (l.op == Op::dwconv3x3) s.window.groups = static_cast<int>(out);

    const std::size_t dot = s.key.find('.');
    const std::string part = dot == s.key.npos ? "" : s.key.substr(dot + 1), number = s.key.substr(1, dot - 1);
    if (s.key == "head") {
      s.conv = "segmentation_head.0";
    } else if (s.key[0] == 'd') {
      const std::string at = "decoder.blocks." + number + ".conv" + part.substr(1);
      s.conv = at + ".0";
      s.norm = at + ".1";
    } else {
      // In an inverted residual: [expand (0.0, 0.1),] depthwise (n.0, n.1), project n+1, n+2.
      const std::string at = "encoder.features." + number + (part.empty() ? "" : ".conv");
      const int n = number == "1" ? 0 : 1;  // the first block does not expand
      if (part == "prj") {
        s.conv = at + "." + std::to_string(n + 1);
        s.norm = at + "." + std::to_string(n + 2);
      } else {
        const std::string inner = part.empty() ? at : at + "." + (part == "exp" ? "0" : std::to_string(n));
        s.conv = inner + ".0";
        s.norm = inner + ".1";
      }
    }
    sources.push_back(s);
  }
  return sources;
}

std::string window_text(const GraphConv::Window& w) {
  const auto number = [](int v) { return v < 0 ? "mixed" : std::to_string(v); };
  return "stride " + number(w.stride) + ", padding " + number(w.padding) + ", dilation " + number(w.dilation) + ", " +
         number(w.groups) + (w.groups == 1 ? " group" : " groups");
}

// Problems are collected, so that one run names them all.
class Builder {
 public:
  Builder(const Checkpoint& c, std::string path) : checkpoint_(c), path_(std::move(path)) {
    for (std::size_t i = 0; i < c.tensors.size(); ++i)
      if (!index_.emplace(c.tensors[i].name, i).second)
        refuse(Exit::bad_weights, "there are two tensors " + c.tensors[i].name);
  }

  Network build(const NetworkHints& hints);

 private:
  [[noreturn]] void refuse(Exit exit, const std::string& why) const { throw Failure(exit, path_ + ": " + why); }
  [[noreturn]] void refuse_unknown() const;

  const NamedTensor* find(const std::string& name) {
    const auto at = index_.find(name);
    if (at == index_.end()) return nullptr;
    used_.insert(at->second);
    return &checkpoint_.tensors[at->second];
  }
  const NamedTensor* numbered(int i) {
    if (i < 0) return nullptr;
    used_.insert(static_cast<std::size_t>(i));
    return &checkpoint_.tensors[static_cast<std::size_t>(i)];
  }

  std::string find_prefix(const NetworkHints& hints, const char*& anchor) const;
  void by_name(const NetworkHints& hints);
  void by_order();
  void pixel_sources(const std::string& prefix);
  void add_layer(const Source& s, const NamedTensor* weight, const NamedTensor* bias, const NamedTensor* const norm[4],
                 double epsilon);
  void check_vector(const NamedTensor& t, std::uint64_t expected);
  void finish(const std::string& prefix);

  const Checkpoint& checkpoint_;
  std::string path_;
  std::map<std::string, std::size_t> index_;
  std::set<std::size_t> used_;
  std::vector<std::string> problems_;
  Network network_;
  bool unet_ = false;
  int layers_ = 0;
};

void Builder::refuse_unknown() const {
  std::string found;
  for (std::size_t i = 0; i < checkpoint_.tensors.size() && i < 3; ++i)
    found += (i > 0 ? ", " : "") + checkpoint_.tensors[i].name + " " + shape_text(checkpoint_.tensors[i].dims);
  if (checkpoint_.tensors.size() > 3) found += ", ...";
  refuse(Exit::bad_weights,
         "of no known network: expected a U-Net with MobileNetV2 encoder (" + std::string(kUnetAnchor) +
             " (32, bands, 3, 3)), a CNN_corrector or a linear model (" + kPixelAnchor + "), found " +
             (found.empty() ? "no tensors" : std::to_string(checkpoint_.tensors.size()) + " tensors: " + found));
}

void Builder::check_vector(const NamedTensor& t, std::uint64_t expected) {
  if (t.dims != Dims{expected})
    problems_.push_back(t.name + ": expected " + shape_text({expected}) + ", found " + shape_text(t.dims));
}

void Builder::add_layer(const Source& s, const NamedTensor* weight, const NamedTensor* bias,
                        const NamedTensor* const norm[4], double epsilon) {
  const std::uint64_t outputs = s.expected[0];
  const std::size_t problems = problems_.size();
  if (weight->dims != s.expected)
    problems_.push_back(weight->name + ": expected " + shape_text(s.expected) + ", found " + shape_text(weight->dims));
  if (bias != nullptr) check_vector(*bias, outputs);
  for (int i = 0; i < 4; ++i)
    if (norm[i] != nullptr) check_vector(*norm[i], outputs);
  if (problems_.size() != problems) return;

  WeightsTensor w{.name = s.key + ".w", .dims = {}, .values = weight->values};
  for (const std::uint64_t d : s.expected) w.dims.push_back(static_cast<std::uint32_t>(d));
  WeightsTensor b{.name = s.key + ".b", .dims = {w.dims[0]}, .values = std::vector<float>(outputs, 0.0f)};
  const std::size_t depth = w.values.size() / outputs;
  for (std::size_t o = 0; o < outputs; ++o) {
    double offset = bias != nullptr ? static_cast<double>(bias->values[o]) : 0.0;
    if (norm[0] != nullptr) {
      const auto part = [&](int i) { return static_cast<double>(norm[i]->values[o]); };
      const double gamma = part(0), beta = part(1), mean = part(2);
      const double spread = part(3) + epsilon;
      if (!(spread > 0)) {
        problems_.push_back(norm[3]->name + ": the variance of channel " + std::to_string(o) + " is negative");
        return;
      }
      const double scale = gamma / std::sqrt(spread);
      for (std::size_t i = o * depth; i < (o + 1) * depth; ++i)
        w.values[i] = static_cast<float>(static_cast<double>(w.values[i]) * scale);
      offset = (offset - mean) * scale + beta;
    }
    b.values[o] = static_cast<float>(offset);
  }
  const auto finite = [](const WeightsTensor& t) {
    return std::all_of(t.values.begin(), t.values.end(), [](float v) { return std::isfinite(v); });
  };
  if (!finite(w) || !finite(b)) {
    problems_.push_back(weight->name + ": this layer has values that are infinite or not a number");
    return;
  }
  network_.tensors.push_back(std::move(w));
  network_.tensors.push_back(std::move(b));
}

// What stands in front of the first layer's name; sets the anchor that was found.
std::string Builder::find_prefix(const NetworkHints& hints, const char*& anchor) const {
  std::vector<std::pair<std::string, const char*>> found;
  for (const char* suffix : {kUnetAnchor, kPixelAnchor}) {
    const std::string end = suffix;
    for (const NamedTensor& t : checkpoint_.tensors) {
      if (!t.name.ends_with(end)) continue;
      const std::string prefix = t.name.substr(0, t.name.size() - end.size());
      if (!prefix.empty() && prefix.back() != '.') continue;
      if (!hints.any_prefix && prefix != hints.prefix) continue;
      found.emplace_back(prefix, suffix);
    }
  }
  const auto other_kind = [&](const auto& f) { return (f.second == kUnetAnchor) != (hints.net.rfind("unet", 0) == 0); };
  if (!hints.net.empty() && !std::all_of(found.begin(), found.end(), other_kind)) std::erase_if(found, other_kind);
  if (found.empty()) refuse_unknown();
  if (found.size() > 1)
    refuse(Exit::usage, "holds " + std::to_string(found.size()) + " networks, choose one with " +
                            (found[0].first == found[1].first
                                 ? "--net"
                                 : "--prefix \"" + found[0].first + "\" or --prefix \"" + found[1].first + "\""));
  anchor = found[0].second;
  return found[0].first;
}

void Builder::by_name(const NetworkHints& hints) {
  const char* anchor = nullptr;
  const std::string prefix = find_prefix(hints, anchor);
  unet_ = anchor == kUnetAnchor;
  if (!unet_) {
    pixel_sources(prefix);
    return finish(prefix);
  }
  // The first and the last layer say how many bands and outputs; every other shape is given.
  const auto dim = [&](const std::string& name, std::size_t d) {
    const NamedTensor* t = find(prefix + name);
    return t != nullptr && t->dims.size() == 4 && t->dims[d] < 1000 ? static_cast<int>(t->dims[d]) : 0;
  };
  const int inputs = dim(kUnetAnchor, 1), outputs = dim("segmentation_head.0.weight", 0);
  for (const Source& s : unet_sources(inputs > 0 ? inputs : 13, outputs > 0 ? outputs : 4)) {
    const NamedTensor* weight = find(prefix + s.conv + ".weight");
    const NamedTensor* bias = find(prefix + s.conv + ".bias");
    const NamedTensor* norm[4] = {};
    int norms = 0;
    if (!s.norm.empty()) {
      constexpr const char* kParts[4] = {".weight", ".bias", ".running_mean", ".running_var"};
      for (int i = 0; i < 4; ++i) norms += (norm[i] = find(prefix + s.norm + kParts[i])) != nullptr;
      // A batch norm that somebody has folded already is gone whole, and left a bias.
      for (int i = 0; i < 4; ++i)
        if (norm[i] == nullptr && (norms > 0 || bias == nullptr))
          problems_.push_back("missing " + prefix + s.norm + kParts[i]);
    } else if (bias == nullptr) {
      problems_.push_back("missing " + prefix + s.conv + ".bias");
    }
    if (weight == nullptr) problems_.push_back("missing " + prefix + s.conv + ".weight");
    const auto said = checkpoint_.epsilons.find(prefix + s.norm);
    if (weight != nullptr && (norms == 0 || norms == 4))
      add_layer(s, weight, bias, norm, said != checkpoint_.epsilons.end() ? said->second : kBatchNormEpsilon);
    ++layers_;
  }
  finish(prefix);
}

void Builder::pixel_sources(const std::string& prefix) {
  constexpr const NamedTensor* kNoNorm[4] = {};
  std::uint64_t inputs = 0;
  for (int n = 0; n < 2; ++n) {
    const std::string conv = prefix + "cnn_layers." + std::to_string(2 * n);
    const NamedTensor* weight = find(conv + ".weight");
    const NamedTensor* bias = find(conv + ".bias");
    if (n == 1 && weight == nullptr && bias == nullptr) return;  // linear
    if (weight == nullptr || bias == nullptr) {
      problems_.push_back("missing " + conv + (weight == nullptr ? ".weight" : ".bias"));
      return;
    }
    const Dims& found = weight->dims;
    if (found.size() != 4 || weight->values.empty()) {
      problems_.push_back(weight->name + ": expected (outputs, inputs, 1, 1), found " + shape_text(found));
      return;
    }
    add_layer({.key = "a" + std::to_string(n),
               .expected = {found[0], n == 0 ? found[1] : inputs, 1, 1},
               .conv = {},
               .norm = {}},
              weight, bias, kNoNorm, 0);
    inputs = found[0];
    ++layers_;
  }
}

void Builder::by_order() {
  const std::vector<GraphConv>& convs = checkpoint_.convs;
  const auto dims = [&](std::size_t i) {
    const int w = convs[i].weight;
    Dims none(4, 0);
    if (w < 0) return none;
    const Dims& d = checkpoint_.tensors[static_cast<std::size_t>(w)].dims;
    return d.size() == 4 && d[0] > 0 && d[1] > 0 && d[0] < (1u << 20) && d[1] < (1u << 20) ? d : none;
  };
  const Dims first = dims(0), last = dims(convs.size() - 1);
  std::vector<Source> sources;
  if (convs.size() <= 2 && first[2] == 1 && first[3] == 1) {
    sources.push_back({.key = "a0", .expected = {first[0], first[1], 1, 1}, .conv = {}, .norm = {}});
    if (convs.size() == 2)
      sources.push_back({.key = "a1", .expected = {last[0], first[0], 1, 1}, .conv = {}, .norm = {}});
  } else if (first[0] > 0 && first[1] < 1000 && last[0] > 0 && last[0] < 1000) {
    sources = unet_sources(static_cast<int>(first[1]), static_cast<int>(last[0]));
    unet_ = true;
  }
  if (sources.size() != convs.size()) refuse_unknown();
  for (std::size_t i = 0; i < convs.size(); ++i) {
    const GraphConv& c = convs[i];
    const NamedTensor* norm[4] = {numbered(c.gamma), numbered(c.beta), numbered(c.mean), numbered(c.variance)};
    const bool whole = norm[0] != nullptr && norm[1] != nullptr && norm[2] != nullptr && norm[3] != nullptr;
    if (c.weight < 0) {
      problems_.push_back("layer " + std::to_string(i + 1) + " of the graph: expected the convolution " +
                          sources[i].key + " " + shape_text(sources[i].expected) + ", found another operation");
    } else if ((norm[0] != nullptr) != whole) {
      problems_.push_back("the batch norm after " + numbered(c.weight)->name + " lacks numbers");
    } else if (c.window && *c.window != sources[i].window) {
      problems_.push_back(numbered(c.weight)->name + ": expected " + window_text(sources[i].window) + ", found " +
                          window_text(*c.window));
    } else if (c.bias < 0 && !whole) {
      problems_.push_back(numbered(c.weight)->name + ": this convolution has neither a bias nor a batch norm");
    } else {
      add_layer(sources[i], numbered(c.weight), numbered(c.bias), norm, c.epsilon);
    }
    ++layers_;
  }
  finish("");
}

// What is left over either has nothing to do with the network, or means that it is another one.
void Builder::finish(const std::string& prefix) {
  problems_.insert(problems_.begin(), checkpoint_.foreign.begin(), checkpoint_.foreign.end());
  for (std::size_t i = 0; i < checkpoint_.tensors.size(); ++i) {
    const std::string& name = checkpoint_.tensors[i].name;
    if (used_.count(i) != 0) continue;
    const auto ends = [&](const std::string& s) {
      return name.size() >= s.size() && name.compare(name.size() - s.size(), s.size(), s) == 0;
    };
    bool ours = false;
    for (const char* part : {"encoder.", "decoder.", "segmentation_head.", "cnn_layers."}) {
      const bool of_unet = *part != 'c';
      const bool of_other = of_unet != unet_ && index_.count(prefix + (unet_ ? kPixelAnchor : kUnetAnchor)) != 0;
      ours = ours || (name.rfind(prefix + part, 0) == 0 && checkpoint_.convs.empty() && !of_other);
    }
    if (ends(".num_batches_tracked")) continue;
    if (ours) {
      problems_.push_back("unexpected " + name + " " + shape_text(checkpoint_.tensors[i].dims));
    } else {
      network_.ignored.push_back(name);
    }
  }
  if (problems_.empty()) return;
  constexpr std::size_t kShown = 6;
  std::string line = std::string("does not hold ") +
                     (unet_ ? "the U-Net with MobileNetV2 encoder" : "a CNN_corrector or linear model");
  line += ", " + std::to_string(problems_.size()) + (problems_.size() == 1 ? " problem: " : " problems: ");
  for (std::size_t i = 0; i < problems_.size() && i < kShown; ++i) line += (i > 0 ? "; " : "") + problems_[i];
  if (problems_.size() > kShown) line += "; ...";
  refuse(Exit::bad_weights, line);
}

Network Builder::build(const NetworkHints& hints) {
  if (checkpoint_.convs.empty()) {
    by_name(hints);
  } else {
    by_order();
  }
  // tensors: weight, bias, weight, bias, ... from the first layer to the last
  const int inputs = static_cast<int>(network_.tensors.front().dims[1]);
  const int outputs = static_cast<int>(network_.tensors.back().dims[0]);
  const Shape shape{.unet = unet_, .layers = layers_, .inputs = inputs, .outputs = outputs};
  const Meaning m = find_meaning(shape, path_, hints);
  network_.net = m.net;
  network_.task = m.task;
  network_.input = m.input;
  network_.bands = m.bands;
  network_.outputs = m.outputs;
  return std::move(network_);
}

}  // namespace

Network recognise_network(const Checkpoint& checkpoint, const std::string& path, const NetworkHints& hints) {
  return Builder(checkpoint, path).build(hints);
}

}  // namespace dtacs
