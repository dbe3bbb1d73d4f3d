// SPDX-License-Identifier: Apache-2.0
// The demo product, a small raw product out of arrays, and weights files of known content.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "io/bands.h"
#include "tests/host/temp_folder.h"
#include "tests/net/hashed_net.h"
#include "tools/convert/weights_writer.h"

namespace dtacs::test {

inline const std::string kDemo =
    DTACS_SOURCE_DIR "/tests/data/demo/S2A_MSIL1C_20260621T105031_N0511_R051_T31TDH_20260621T130000.SAFE";

// Thirteen bands of one size, (band, y, x).
struct RawScene {
  int width, height;
  std::vector<std::uint16_t> dn;

  // The hashed scene in digital numbers.
  RawScene(int w, int h) : width(w), height(h), dn(static_cast<std::size_t>(kBandCount) * plane()) {
    const std::vector<float> x = hashed_scene(kBandCount, h, w);
    for (std::size_t p = 0; p < plane(); ++p)
      for (std::size_t b = 0; b < kBandCount; ++b)
        dn[b * plane() + p] = static_cast<std::uint16_t>(std::lround(x[p * kBandCount + b] * 10000.0f));
  }
  std::size_t plane() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(height); }
  std::uint16_t& at(int band, int y, int x) {
    return dn[static_cast<std::size_t>(band) * plane() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
              static_cast<std::size_t>(x)];
  }
  // Writes the samples; returns the flag line that describes them.
  std::string put(const std::string& path, const std::string& more = "") const {
    put_file(path, std::string(reinterpret_cast<const char*>(dn.data()), dn.size() * sizeof(std::uint16_t)));
    return "width=" + std::to_string(width) + ",height=" + std::to_string(height) +
           ",bands=B01+B02+B03+B04+B05+B06+B07+B08+B8A+B09+B10+B11+B12,res=10,epsg=32631,ulx=399960,uly=4693200" + more;
  }
};

inline void put_bytes(const std::string& path, const std::vector<std::byte>& bytes) {
  put_file(path, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

// A corrector of 13 -> 8 -> 12 with hashed weights.
inline std::vector<std::byte> small_corrector(DType first = DType::f32) {
  const auto tensor = [](const std::string& name, std::vector<std::uint32_t> dims, float step) {
    WeightsTensor t{.name = name, .dims = std::move(dims), .values = {}};
    std::size_t n = 1;
    for (const std::uint32_t d : t.dims) n *= d;
    for (std::size_t i = 0; i < n; ++i) t.values.push_back(step * hash_unit(name, i));
    return t;
  };
  WeightsTensor a0 = tensor("a0.w", {8, 13, 1, 1}, 0.3f);
  a0.dtype = first;
  if (is_integer(first)) a0.integers.resize(std::exchange(a0.values, {}).size(), 1);
  return write_weights(
      {std::move(a0), tensor("a0.b", {8}, 0.05f), tensor("a1.w", {12, 8, 1, 1}, 0.1f), tensor("a1.b", {12}, 0.02f)},
      {{"net", "cnn_corrector"},
       {"task", "correction"},
       {"bands", "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12"},
       {"outputs", "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B11,B12"},
       {"input", "toa_reflectance"}});
}

}  // namespace dtacs::test
