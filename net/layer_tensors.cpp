// SPDX-License-Identifier: Apache-2.0
#include "net/layer_tensors.h"

namespace dtacs {

int LayerTensors::name(char kind, char (&to)[16]) const noexcept {
  int at = 0;
  for (; key_.text[at] != '\0'; ++at) to[at] = key_.text[at];
  to[at++] = '.';
  to[at++] = kind;
  return at;
}

TensorView LayerTensors::find(char kind, const std::uint32_t (&dims)[4], int rank) noexcept {
  char text[16] = {};
  const int length = name(kind, text);
  const TensorView view = weights_.find({text, static_cast<std::size_t>(length)});
  bool same = view.rank == rank;
  for (int d = 0; same && d < rank; ++d) same = view.dims[d] == dims[d];
  if (same) return view;
  refuse_shape(kind, dims, view);
  return {};
}

void LayerTensors::refuse(char kind, Status why) noexcept {
  if (status_ != Status::ok) return;
  status_ = why;
  if (mismatch_ == nullptr) return;
  *mismatch_ = {};
  name(kind, mismatch_->tensor);
}

void LayerTensors::refuse_shape(char kind, const std::uint32_t (&dims)[4], const TensorView& found) noexcept {
  const bool first = status_ == Status::ok;
  refuse(kind, Status::wrong_shape);
  if (!first || mismatch_ == nullptr) return;
  mismatch_->missing = found.rank == 0;
  for (int d = 0; d < 4; ++d) {
    mismatch_->want[d] = dims[d];
    mismatch_->found[d] = d < found.rank ? found.dims[d] : 0;
  }
}

}  // namespace dtacs
