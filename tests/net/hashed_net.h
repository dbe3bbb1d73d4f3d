// SPDX-License-Identifier: Apache-2.0
// The network of tests/data/net_golden.bin: weights and input out of a hash, steps,
// biases and sampled activations out of the file.  tools/golden/make_net_golden.py
// describes both.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/unet_mobilenet_v2.h"
#include "tools/convert/weights_writer.h"

namespace dtacs::test {

std::uint64_t hash_bits(const std::string& text, std::uint64_t index);
float hash_unit(const std::string& text, std::uint64_t index);  // in [-1, 1), exact

struct GoldenLayer {
  std::string key;
  int outputs = 0, inputs = 0, kernel = 0, height = 0, width = 0;
  float weight_step = 0, bias_step = 0, rms = 0;
  std::vector<std::int8_t> bias;
  std::vector<float> samples;
};

struct Golden {
  int bands = 0, height = 0, width = 0, classes = 0;
  std::vector<GoldenLayer> layers;
  std::vector<float> logits;
  std::vector<std::uint8_t> argmax;  // 255: too close to call
};

Golden read_golden();

// That network's tensors, f32, and a weights file of them.
std::vector<WeightsTensor> golden_tensors(const Golden& golden);
std::vector<std::byte> golden_weights(const Golden& golden);

// Reflectance of the hashed scene, (height, width, bands); any size.
std::vector<float> hashed_scene(int bands, int height, int width);

}  // namespace dtacs::test
