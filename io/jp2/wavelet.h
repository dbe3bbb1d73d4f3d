// SPDX-License-Identifier: Apache-2.0
// The inverse wavelet transform (T.800 Annex F), row by row.
//
// One level joins LL, HL, LH and HH of a resolution.  Rows are synthesised
// horizontally as they are taken in and lifted vertically in a ring of eight, so the
// result of a level is never held whole:
//   5/3 on std::int32_t, exact:  x[2n]   -= (x[2n-1] + x[2n+1] + 2) >> 2
//                                x[2n+1] += (x[2n] + x[2n+2]) >> 1
//   9/7 on float, in the standard's lifting steps.
// 32 bits: at the edges of no-data areas coefficients reach 17 bits and more.
// Integer sums wrap, so that damaged streams are garbage and not undefined.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/jp2/geometry.h"
#include "io/jp2/wavelet_rows.h"

namespace dtacs::jp2 {

template <class T>
struct Subband {
  const T* data;
  std::ptrdiff_t stride;
};

template <class T>
class LevelSynthesis {
 public:
  // T the work memory needs for rows of `width` samples.
  static constexpr std::size_t work_size(std::size_t width) noexcept { return kRing * row_size(width); }

  // rect: of the resolution that results, in its own coordinates (parities matter).
  void start(const WaveletKernel& kernel, const Rect& rect, Subband<T> ll, Subband<T> hl, Subband<T> lh, Subband<T> hh,
             T* work) noexcept;

  // The next row, rect.height() of them; valid until the next call.
  const T* next() noexcept;

 private:
  static constexpr int kRing = 8, kSteps = kLiftingSteps<T>;
  // One more kRowPad, or rows of a power of two fell on each other in the cache.
  static constexpr std::size_t row_size(std::size_t width) noexcept {
    return (width + kRowPad - 1) / kRowPad * kRowPad + kRowPad;
  }

  T* row(std::int64_t y) const noexcept { return ring_ + static_cast<std::size_t>(y & (kRing - 1)) * ring_stride_; }
  void take_in(std::int64_t y) noexcept;

  const RowOps<T>* ops_;
  Subband<T> ll_, hl_, lh_, hh_;
  std::int64_t width_, height_, odd_x_, odd_y_;
  std::int64_t taken_, given_;
  T* ring_;
  std::size_t ring_stride_;
};

extern template class LevelSynthesis<std::int32_t>;
extern template class LevelSynthesis<float>;

}  // namespace dtacs::jp2
