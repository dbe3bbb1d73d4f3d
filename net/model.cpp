// SPDX-License-Identifier: Apache-2.0
#include "net/model.h"

#include "net/unet_mobilenet_v2.h"

namespace dtacs {

// Literals of known length: strlen() is not there on a bare machine.
using namespace std::string_view_literals;

namespace {

constexpr struct {
  std::string_view name;
  NetKind kind;
} kKinds[] = {
    {"unet_mobilenet_v2", NetKind::unet_mobilenet_v2},
    {"unet_corrector", NetKind::unet_corrector},
    {"cnn_corrector", NetKind::cnn_corrector},
    {"linear", NetKind::linear},
};

// Calls f(index, item) for each item of a comma-separated list; returns the number
// of items, 0 for an empty list.
template <class F>
int for_each_item(std::string_view list, F&& f) noexcept {
  if (list.empty()) return 0;
  for (int n = 0;;) {
    std::size_t comma = 0;
    while (comma < list.size() && list[comma] != ',') ++comma;
    f(n++, std::string_view(list.data(), comma));
    if (comma == list.size()) return n;
    list.remove_prefix(comma + 1);
  }
}

bool read_bands(std::string_view list, int (&bands)[kPixelNetMaxBands], int& count) noexcept {
  bool known = true;
  count = for_each_item(list, [&](int i, std::string_view name) {
    const int band = band_from_name(name);
    known = known && band >= 0 && i < kPixelNetMaxBands;
    for (int k = 0; known && k < i; ++k) known = bands[k] != band;
    if (known) bands[i] = band;
  });
  return known && count > 0;
}

// Widens tensor `name` of floats into dst if it has the wanted shape (a, b, 1, 1), or (a) when b == 0.
bool widen(const WeightsFile& weights, std::string_view name, int a, int b, float* dst) noexcept {
  const TensorView t = weights.find(name);
  const auto dim = [&](int d, int want) { return t.dims[d] == static_cast<std::uint32_t>(want); };
  const bool shape =
      b == 0 ? t.rank == 1 && dim(0, a) : t.rank == 4 && dim(0, a) && dim(1, b) && dim(2, 1) && dim(3, 1);
  const bool fits = shape && !is_integer(t.dtype);
  if (fits) t.to_f32(dst);
  return fits;
}

}  // namespace

Status read_model(const WeightsFile& weights, Model& model) noexcept {
  model = {};
  bool known = false;
  for (const auto& k : kKinds)
    if (weights.meta("net"sv) == k.name) {
      model.kind = k.kind;
      known = true;
    }
  if (!known) return Status::unsupported;
  model.int8 = weights.meta("precision"sv) == "int8"sv;
  if (model.int8 != (weights.meta("precision"sv) != ""sv) || (model.int8 && !model.classifies()))
    return Status::unsupported;
  if (!read_bands(weights.meta("bands"sv), model.input_bands, model.inputs)) return Status::corrupt;
  if (model.classifies()) {
    bool named = true;
    model.outputs =
        for_each_item(weights.meta("outputs"sv), [&](int, std::string_view name) { named &= !name.empty(); });
    return named && model.outputs >= 1 && model.outputs <= kHead3x3MaxOutputs ? Status::ok : Status::corrupt;
  }
  if (!read_bands(weights.meta("outputs"sv), model.output_bands, model.outputs)) return Status::corrupt;
  for (int m = 0; m < model.outputs; ++m) {
    model.residual[m] = -1;
    for (int c = 0; c < model.inputs; ++c)
      if (model.input_bands[c] == model.output_bands[m]) model.residual[m] = c;
    if (model.residual[m] < 0) return Status::corrupt;
  }
  return Status::ok;
}

Status bind_pixel_net(const WeightsFile& weights, const Model& model, PixelNet& net) noexcept {
  net = {};
  net.model = model;
  if (model.kind == NetKind::linear) {
    const bool fits = widen(weights, "a0.w"sv, model.outputs, model.inputs, net.w2) &&
                      widen(weights, "a0.b"sv, model.outputs, 0, net.b2);
    return fits ? Status::ok : Status::wrong_shape;
  }
  net.hidden = static_cast<int>(weights.find("a0.b"sv).count());
  if (net.hidden < 1 || net.hidden > kPixelNetMaxHidden) return Status::wrong_shape;
  const bool fits =
      widen(weights, "a0.w"sv, net.hidden, model.inputs, net.w1) && widen(weights, "a0.b"sv, net.hidden, 0, net.b1) &&
      widen(weights, "a1.w"sv, model.outputs, net.hidden, net.w2) && widen(weights, "a1.b"sv, model.outputs, 0, net.b2);
  return fits ? Status::ok : Status::wrong_shape;
}

Net unet_of(const Model& model) noexcept {
  return unet_mobilenet_v2(model.inputs, model.outputs);
}

}  // namespace dtacs
