// SPDX-License-Identifier: Apache-2.0
#include "tests/net/hashed_net.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tools/convert/weights_writer.h"

namespace dtacs::test {

namespace {

std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

struct Bytes {
  std::vector<char> data;
  std::size_t at = 0;

  void take(void* to, std::size_t n) {
    if (data.size() - at < n) throw std::runtime_error("net_golden.bin ends too early");
    std::memcpy(to, data.data() + at, n);
    at += n;
  }
  template <class T>
  T value() {
    T v;
    take(&v, sizeof v);
    return v;
  }
  int u32() { return static_cast<int>(value<std::uint32_t>()); }
};

// Bilinear between nodes of a grid of cells of s pixels, in integers.
std::int64_t smooth(int band, int octave, int y, int x, int s) {
  std::int64_t total = 0;
  for (int dj = 0; dj < 2; ++dj)
    for (int di = 0; di < 2; ++di) {
      const std::int64_t wj = dj == 1 ? y % s : s - y % s, wi = di == 1 ? x % s : s - x % s;
      const int node = ((band * 2 + octave) * 64 + y / s + dj) * 64 + x / s + di;
      total += wj * wi * static_cast<std::int64_t>(hash_bits("input", static_cast<std::uint64_t>(node)) >> 54);
    }
  return total / (s * s);
}

}  // namespace

std::uint64_t hash_bits(const std::string& text, std::uint64_t index) {
  std::uint64_t h = 0xCBF29CE484222325u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return mix(h + index);
}

float hash_unit(const std::string& text, std::uint64_t index) {
  return static_cast<float>(hash_bits(text, index) >> 40) / 8388608.0f - 1.0f;
}

Golden read_golden() {
  std::ifstream file(DTACS_SOURCE_DIR "/tests/data/net_golden.bin", std::ios::binary);
  Bytes in{{std::istreambuf_iterator<char>(file), {}}};
  char magic[8];
  in.take(magic, 8);
  if (std::memcmp(magic, "DTACSGLD", 8) != 0 || in.u32() != 1)
    throw std::runtime_error("net_golden.bin: not version 1");
  Golden g;
  const int layers = in.u32();
  g.bands = in.u32();
  g.height = in.u32();
  g.width = in.u32();
  g.classes = in.u32();
  const int samples = in.u32(), logit_samples = in.u32();
  for (int i = 0; i < layers; ++i) {
    GoldenLayer l;
    char key[13] = {};
    in.take(key, 12);
    l.key = key;
    l.outputs = in.u32();
    l.inputs = in.u32();
    l.kernel = in.u32();
    l.height = in.u32();
    l.width = in.u32();
    l.weight_step = in.value<float>();
    l.bias_step = in.value<float>();
    l.rms = in.value<float>();
    l.bias.resize(static_cast<std::size_t>(l.outputs));
    in.take(l.bias.data(), l.bias.size());
    in.at = (in.at + 3) / 4 * 4;
    l.samples.resize(static_cast<std::size_t>(samples));
    in.take(l.samples.data(), l.samples.size() * sizeof(float));
    g.layers.push_back(std::move(l));
  }
  g.logits.resize(static_cast<std::size_t>(logit_samples));
  in.take(g.logits.data(), g.logits.size() * sizeof(float));
  g.argmax.resize(static_cast<std::size_t>(g.height) * static_cast<std::size_t>(g.width));
  in.take(g.argmax.data(), g.argmax.size());
  return g;
}

std::vector<WeightsTensor> golden_tensors(const Golden& golden) {
  std::vector<WeightsTensor> tensors;
  for (const GoldenLayer& l : golden.layers) {
    const auto n = static_cast<std::uint32_t>(l.outputs), k = static_cast<std::uint32_t>(l.kernel);
    WeightsTensor w{.name = l.key + ".w", .dims = {n, static_cast<std::uint32_t>(l.inputs), k, k}, .values = {}};
    w.values.resize(static_cast<std::size_t>(l.outputs) * static_cast<std::size_t>(l.inputs * l.kernel * l.kernel));
    for (std::size_t i = 0; i < w.values.size(); ++i) w.values[i] = l.weight_step * hash_unit(l.key + ".weight", i);
    WeightsTensor b{.name = l.key + ".b", .dims = {n}, .values = {}};
    for (const std::int8_t v : l.bias) b.values.push_back(l.bias_step * static_cast<float>(v));
    tensors.push_back(std::move(w));
    tensors.push_back(std::move(b));
  }
  return tensors;
}

std::vector<std::byte> golden_weights(const Golden& golden) {
  return write_weights(golden_tensors(golden), {{"net", "unet_mobilenet_v2"},
                                                {"task", "classification"},
                                                {"bands", "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12"},
                                                {"outputs", "clear,thick cloud,thin cloud,cloud shadow"},
                                                {"input", "toa_reflectance"}});
}

std::vector<float> hashed_scene(int bands, int height, int width) {
  std::vector<float> x;
  for (int y = 0; y < height; ++y)
    for (int c = 0; c < width; ++c)
      for (int b = 0; b < bands; ++b)
        x.push_back(static_cast<float>(100 + 4 * smooth(b, 0, y, c, 16) + smooth(b, 1, y, c, 4)) / 10000.0f);
  return x;
}

}  // namespace dtacs::test
