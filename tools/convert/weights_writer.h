// SPDX-License-Identifier: Apache-2.0
// Writer of the weights format (weights/FORMAT.md): tensors and metadata to the
// bytes of a file.  The same content always gives the same bytes, in whatever order
// it is handed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "weights/weights_file.h"

namespace dtacs {

struct WeightsTensor {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::uint32_t> dims;          // 1..4, slowest first
  std::vector<float> values;                // as many as the product of dims; rounded to nearest even for f16
  std::vector<std::int32_t> integers = {};  // instead of values, of an integer type
};

// Throws Failure (bad_weights) when the format cannot hold the content: a value that
// is not finite (or beyond f16), a name, shape or text out of its rules, a name twice.
std::vector<std::byte> write_weights(std::vector<WeightsTensor> tensors,
                                     const std::map<std::string, std::string>& meta);

}  // namespace dtacs
