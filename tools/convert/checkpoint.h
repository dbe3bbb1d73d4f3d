// SPDX-License-Identifier: Apache-2.0
// What every reader of somebody else's format makes of a file: named tensors in f32,
// and, where the file holds a graph instead of telling names, its convolutions in the
// order they run.
//
// All of these bytes are hostile.  The readers execute nothing, check every offset
// and size before use, and bound what they allocate by the size of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dtacs {

struct NamedTensor {
  std::string name;                 // printable ASCII; other bytes of the file's name appear as \xNN
  std::string dtype;                // in the file: "f32", "bf16", "i64", ...
  std::vector<std::uint64_t> dims;  // slowest first; empty for a scalar
  std::vector<float> values;        // dense, in the order of dims
};

// One convolution of a graph and the batch norm that follows it; indices into
// Checkpoint::tensors, -1 for none.
struct GraphConv {
  // The same for rows and columns; -1 where they differ.
  struct Window {
    int stride = 1, padding = 0, dilation = 1, groups = 1;
    bool operator==(const Window&) const = default;
  };
  int weight = -1, bias = -1;
  int gamma = -1, beta = -1, mean = -1, variance = -1;
  double epsilon = 0;
  std::optional<Window> window{};  // none: the file does not say
};

// The first layers of the networks this program knows, by the ends of their names.
inline constexpr const char* kUnetAnchor = "encoder.features.0.0.weight";
inline constexpr const char* kPixelAnchor = "cnn_layers.0.weight";

struct Checkpoint {
  std::string format;                                      // "PyTorch", "TorchScript", "ONNX", "safetensors"
  std::vector<NamedTensor> tensors;                        // in the order of the file
  std::vector<std::pair<std::string, std::string>> notes;  // text the file carries along
  std::vector<GraphConv> convs;                            // in execution order; empty: go by the names
  std::map<std::string, double> epsilons;                  // of batch norms that say theirs, by module
  std::vector<std::string> foreign;                        // what the graph does that no known network does, as lines
};

struct ReadOptions {
  bool check_crc = true;  // of zip entries
};

// path is for messages only.  Throws Failure (bad_weights) with one line that starts with it.
Checkpoint read_checkpoint(std::span<const std::byte> bytes, const std::string& path, const ReadOptions& options = {});

// The readers behind it.  Their messages do not name the file.
Checkpoint read_torch(std::span<const std::byte> bytes, const ReadOptions& options);
Checkpoint read_onnx(std::span<const std::byte> bytes);
Checkpoint read_safetensors(std::span<const std::byte> bytes);

// s as one may print it: bytes outside printable ASCII as \xNN, cut after `longest`.
std::string ascii(std::string_view s, std::size_t longest = 200);
// Names that tell tensors apart are cut later than others.
inline constexpr std::size_t kLongestName = 4000;
// "(52, 13, 1, 1)"
std::string shape_text(const std::vector<std::uint64_t>& dims);

}  // namespace dtacs
