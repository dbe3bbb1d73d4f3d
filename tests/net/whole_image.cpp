// SPDX-License-Identifier: Apache-2.0
#include "tests/net/whole_image.h"

#include <algorithm>
#include <limits>
#include <string>

namespace dtacs::test {

namespace {

Image make(int height, int width, int channels) {
  const std::size_t n = static_cast<std::size_t>(height) * static_cast<std::size_t>(width * channels);
  return {height, width, channels, std::vector<float>(n)};
}

Image upsample2(const Image& in) {
  Image out = make(2 * in.height, 2 * in.width, in.channels);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) std::copy_n(in.at(y / 2, x / 2), in.channels, const_cast<float*>(out.at(y, x)));
  return out;
}

Image concatenate(const Image& a, const Image& b) {
  Image out = make(a.height, a.width, a.channels + b.channels);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      float* to = const_cast<float*>(out.at(y, x));
      std::copy_n(a.at(y, x), a.channels, to);
      std::copy_n(b.at(y, x), b.channels, to + a.channels);
    }
  return out;
}

std::vector<float> widen(const WeightsFile& weights, const std::string& name) {
  const TensorView view = weights.find(name);
  std::vector<float> values(view.count());
  view.to_f32(values.data());
  return values;
}

}  // namespace

std::vector<Image> run_whole_image(const Net& net, const WeightsFile& weights, const Image& input) {
  std::vector<Image> tensors(static_cast<std::size_t>(net.tensor_count));
  tensors[0] = input;
  for (int i = 0; i < net.layer_count; ++i) {
    const Layer& l = net.layers[i];
    Image in = tensors[static_cast<std::size_t>(l.in)];
    if (l.up2) in = upsample2(in);
    if (l.skip != kNoTensor) in = concatenate(in, tensors[static_cast<std::size_t>(l.skip)]);
    const std::vector<float> w = widen(weights, std::string(l.key.text) + ".w");
    const std::vector<float> b = widen(weights, std::string(l.key.text) + ".b");
    const int outputs = net.tensors[l.out].channels, side = l.op == Op::pointwise ? 1 : 3;
    const bool depthwise = l.op == Op::dwconv3x3;
    const int depth = depthwise ? 1 : in.channels;
    const float hi = l.act == Act::relu6 ? 6.0f : std::numeric_limits<float>::infinity();
    const float lo = l.act == Act::none ? -std::numeric_limits<float>::infinity() : 0.0f;
    // Two sources are summed one after the other, as the kernel contract says.
    const int first = l.skip == kNoTensor ? depth : net.tensors[l.in].channels;
    Image out = make(in.height / l.stride, in.width / l.stride, outputs);
    for (int y = 0; y < out.height; ++y)
      for (int x = 0; x < out.width; ++x)
        for (int n = 0; n < outputs; ++n) {
          float sum = b[static_cast<std::size_t>(n)];
          const auto add_source = [&](int begin, int end) {
            for (int ky = 0; ky < side; ++ky)
              for (int kx = 0; kx < side; ++kx) {
                const int sy = y * l.stride + ky - side / 2, sx = x * l.stride + kx - side / 2;
                if (sy < 0 || sy >= in.height || sx < 0 || sx >= in.width) continue;
                for (int c = begin; c < end; ++c)
                  sum += in.at(sy, sx)[depthwise ? n : c] *
                         w[static_cast<std::size_t>(((n * depth + c) * side + ky) * side + kx)];
              }
          };
          add_source(0, first);
          add_source(first, depth);
          sum = std::min(std::max(sum, lo), hi);
          if (l.add != kNoTensor) sum += tensors[static_cast<std::size_t>(l.add)].at(y, x)[n];
          const_cast<float*>(out.at(y, x))[n] = sum;
        }
    tensors[static_cast<std::size_t>(l.out)] = std::move(out);
  }
  return tensors;
}

}  // namespace dtacs::test
