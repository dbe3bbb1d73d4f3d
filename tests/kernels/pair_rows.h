// SPDX-License-Identifier: Apache-2.0
// What the suites of the transformed convolutions share: rows of input, rows of
// output in one guarded block, and how near a result must come.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/kernels/padded_row.h"

namespace dtacs::test {

class InputRows {
 public:
  InputRows(int rows, int width, int channels, Rng& rng, Fill fill) : width_(width), channels_(channels) {
    for (int y = 0; y < rows; ++y) {
      rows_.push_back(std::make_unique<PaddedRow>(width, channels));
      rows_.back()->fill(rng, fill);
      pointers_.push_back(rows_.back()->data());
    }
  }
  const float* const* data() const { return pointers_.data(); }
  float at(int y, int x, int c) const {  // zeros beyond the columns
    return x < 0 || x >= width_ ? 0.0f : pointers_[static_cast<std::size_t>(y)][x * channels_ + c];
  }
  // The largest value of a channel in a part of the rows.
  double largest(int y0, int rows, int x0, int columns, int c) const {
    double v = 0;
    for (int y = y0; y < y0 + rows; ++y)
      for (int x = x0; x < x0 + columns; ++x) v = std::max(v, std::fabs(static_cast<double>(at(y, x, c))));
    return v;
  }
  bool intact() const {
    bool ok = true;
    for (const auto& row : rows_) ok = ok && row->intact();
    return ok;
  }

 private:
  int width_, channels_;
  std::vector<std::unique_ptr<PaddedRow>> rows_;
  std::vector<const float*> pointers_;
};

struct OutputRows {
  OutputRows(int rows, int width, int outputs, Rng& rng, Fill fill)
      : values(static_cast<std::size_t>(rows * width * outputs)) {
    for (float& v : values) v = draw_real(rng, fill, kBiasRange);
    for (int y = 0; y < rows; ++y) pointers.push_back(values.data() + static_cast<std::ptrdiff_t>(y) * width * outputs);
  }
  Guarded<float> values;
  std::vector<float*> pointers;
};

// What a case holds beside how it runs.
template <class Shape, class Kernel>
struct PairCase {
  PairCase(const Shape& s, int in_rows, int out_width, Rng rng, Fill fill)
      : shape(s),
        in(in_rows, s.width, s.channels, rng, fill),
        weights(static_cast<std::size_t>(s.outputs * s.channels * 9)),
        bias(static_cast<std::size_t>(s.outputs)),
        before(2 * s.pairs, out_width, s.outputs, rng, fill),
        out(2 * s.pairs, out_width, s.outputs, rng, fill) {
    for (float& x : weights) x = draw_real(rng, fill, kWeightRange);
    for (float& x : bias) x = draw_real(rng, fill, kBiasRange);
    for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] = before.values[i];
  }
  // Packing is load-time work: benches pay it once.
  template <class Pack>
  void prepare(const Kernel& k, std::size_t packed_size, std::size_t scratch_size, const Pack& pack) {
    if (packed_for == &k) return;
    packed = std::make_unique<Guarded<float>>(packed_size);
    pack(packed->data());
    packed_for = &k;
    scratch = std::make_unique<Guarded<float>>(scratch_size);
    for (float& x : *scratch) x = std::numeric_limits<float>::quiet_NaN();
  }
  bool intact() const { return in.intact() && out.values.intact() && packed->intact() && scratch->intact(); }

  Shape shape;
  InputRows in;
  Guarded<float> weights, bias;
  OutputRows before, out;
  std::unique_ptr<Guarded<float>> packed, scratch;
  const Kernel* packed_for = nullptr;
};

}  // namespace dtacs::test
