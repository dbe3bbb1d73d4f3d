// SPDX-License-Identifier: Apache-2.0
// The tensors of one layer in a weights file, "<key>.<kind>": found by name, held to the
// shape the network gives them.  The first that does not fit is kept, for people.
#pragma once

#include <cstdint>

#include "io/status.h"
#include "net/layer.h"
#include "weights/weights_file.h"

namespace dtacs {

// Why bind() found the weights unfit: the tensor, what the network needs, what the file holds.
struct WeightsMismatch {
  char tensor[16] = {};
  std::uint32_t want[4] = {}, found[4] = {};  // (outputs, inputs, 3, 3), (n, 0, 0, 0) for a bias
  bool missing = false;
};

class LayerTensors {
 public:
  LayerTensors(const WeightsFile& weights, const Key& key, WeightsMismatch* mismatch) noexcept
      : weights_(weights), key_(key), mismatch_(mismatch) {}

  // The tensor if `rank` dimensions are these; else one of rank 0, refused as wrong_shape.
  TensorView find(char kind, const std::uint32_t (&dims)[4], int rank) noexcept;
  // Its values, if they are of this type; else null, refused as corrupt.
  template <class T>
  const T* values(char kind, DType dtype, const std::uint32_t (&dims)[4], int rank) noexcept {
    const TensorView view = find(kind, dims, rank);
    if (view.rank != 0 && view.dtype != dtype) refuse(kind, Status::corrupt);
    return view.dtype == dtype ? reinterpret_cast<const T*>(view.bytes.data()) : nullptr;
  }
  void refuse(char kind, Status why) noexcept;

  Status status() const noexcept { return status_; }

 private:
  void refuse_shape(char kind, const std::uint32_t (&dims)[4], const TensorView& found) noexcept;
  int name(char kind, char (&to)[16]) const noexcept;

  const WeightsFile& weights_;
  const Key& key_;
  WeightsMismatch* mismatch_;
  Status status_ = Status::ok;
};

}  // namespace dtacs
