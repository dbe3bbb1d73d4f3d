// SPDX-License-Identifier: Apache-2.0
// Which network a checkpoint holds, and its layers under the names of the weights
// format with batch norm folded in:
//   s = gamma / sqrt(variance + epsilon)      in double, rounded to f32 once
//   w' = w * s,   b' = (b - mean) * s + beta
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/convert/checkpoint.h"
#include "tools/convert/weights_writer.h"

namespace dtacs {

// What the user says; empty: find out.
struct NetworkHints {
  std::vector<std::string> bands;    // input bands in order
  std::vector<std::string> outputs;  // output bands, or class names
  std::string net;                   // "unet_mobilenet_v2", "unet_corrector", "cnn_corrector", "linear"
  std::string prefix;                // of the tensor names, where several networks share a file
  bool any_prefix = true;            // false: `prefix` counts, even when empty
};

struct Network {
  std::string net, task, input;
  std::vector<std::string> bands, outputs;
  std::vector<WeightsTensor> tensors;  // f32
  std::vector<std::string> ignored;    // tensors of the checkpoint that do not belong to it
};

// path: its file name breaks ties that shapes leave open ("..._probav.pt"), and it
// starts every message.  Throws Failure: bad_weights when the checkpoint is of no known
// network or tensors are missing or of the wrong shape (by name), usage when the hints
// contradict the shapes or are needed to decide.
Network recognise_network(const Checkpoint& checkpoint, const std::string& path, const NetworkHints& hints);

// "B02" from "B02", "b2", "2", "8a"; "" when it is no band of Sentinel-2.
std::string band_name(const std::string& text);

}  // namespace dtacs
