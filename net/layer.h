// SPDX-License-Identifier: Apache-2.0
// The vocabulary a network is written in: a flat list of layers over numbered
// tensors, in execution order, known at compile time.
//
// Bias and activation belong to the layer that produces them; `up2` and `skip` let a
// decoder convolution read [upsample2(in), skip] without that tensor ever existing,
// and `inner` lets an inverted residual do without its wide tensors.
#pragma once

namespace dtacs {

enum class Op { conv3x3, dwconv3x3, pointwise, head3x3 };
enum class Act { none, relu, relu6 };

inline constexpr int kNoTensor = -1;

// A layer's name in the weights file, such as "e3.dw": prefix, number, suffix.
struct Key {
  char text[12] = {};

  constexpr Key() = default;
  constexpr Key(const char* prefix, int number = -1, const char* suffix = "") {
    int at = 0;
    for (; *prefix != '\0'; ++prefix) text[at++] = *prefix;
    if (number >= 10) text[at++] = static_cast<char>('0' + number / 10);
    if (number >= 0) text[at++] = static_cast<char>('0' + number % 10);
    for (; *suffix != '\0'; ++suffix) text[at++] = *suffix;
  }
};

struct Layer {
  Key key;
  Op op = Op::pointwise;
  Act act = Act::none;
  int stride = 1;
  bool up2 = false;  // read `in` through nearest-neighbour 2x upsampling
  int in = kNoTensor;
  int skip = kNoTensor;  // channels appended after `in`
  int add = kNoTensor;   // residual added to the result
  bool inner = false;    // read by the next layer alone: run with it, never stored whole
  int out = kNoTensor;
};

// Whether a layer may have weights of 14 bits in int8: not one that is all of 16 bits, or upsamples, or tells classes.
constexpr bool may_be_wide(const Layer& layer) noexcept {
  return layer.in != 0 && !layer.up2 && layer.op != Op::head3x3;
}

struct LayerRange {
  int begin = 0, end = 0;
};

struct Tensor {
  int channels = 0;
  int shift = 0;  // (height, width) = (H, W) >> shift
};

// A network: layers in execution order over tensors; tensor 0 is the input and
// the last layer's `out` the result.  Fixed capacity keeps it constexpr.
struct Net {
  static constexpr int kMax = 96;
  Layer layers[kMax]{};
  Tensor tensors[kMax]{};
  int layer_count = 0;
  int tensor_count = 0;

  constexpr int tensor(int channels, int shift) {
    tensors[tensor_count] = {channels, shift};
    return tensor_count++;
  }
  // Appends a layer producing `channels`; returns the new tensor.
  constexpr int add(Layer layer, int channels) {
    const int down = layer.stride == 2 ? 1 : 0, up = layer.up2 ? 1 : 0;
    layer.out = tensor(channels, tensors[layer.in].shift + down - up);
    layers[layer_count++] = layer;
    return layer.out;
  }
  // The layers from `first` on that run as one: inner ones and the one that ends them.
  constexpr LayerRange stage(int first) const {
    int last = first;
    while (last < layer_count && layers[last].inner) ++last;
    return {first, last + 1};
  }
  // Channels a layer reads: of `in` and `skip` together.
  constexpr int depth(const Layer& layer) const {
    return tensors[layer.in].channels + (layer.skip == kNoTensor ? 0 : tensors[layer.skip].channels);
  }
  // Multiply-accumulates per output pixel of a layer, computed directly.
  constexpr double macs_per_pixel(const Layer& layer) const {
    const double taps = layer.op == Op::pointwise ? 1 : 9;
    return taps * (layer.op == Op::dwconv3x3 ? 1 : depth(layer)) * tensors[layer.out].channels;
  }
};

}  // namespace dtacs
