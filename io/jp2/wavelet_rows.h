// SPDX-License-Identifier: Apache-2.0
// What the inverse wavelet (wavelet.h) does to whole rows, and the step from samples to
// pixels behind it.  T is std::int32_t for 5/3, whose sums wrap, or float for 9/7; all
// implementations give the same bits.
//
// Lifting steps of the synthesis, s = 1 first: x += step(left, right), even samples for odd s.
//   5/3   x -= (left + right + 2) >> 2        x += (left + right) >> 1
//   9/7   x -= k[s] * (left + right)          s = 1 .. 4
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs::jp2 {

template <class T>
constexpr int kLiftingSteps = 4;
template <>
inline constexpr int kLiftingSteps<std::int32_t> = 2;

// One row from its low and high halves, whose samples alternate; mirrored at both ends.
// A row of one sample is its low one, or half of its high one.
template <class T>
struct JoinArgs {
  const T *low, *high;  // must not overlap out
  T* out;
  std::int64_t width;
  bool odd;                              // the first sample is a high one
  enum Row { kLow, kHigh, kAlone } row;  // which scaling of 9/7 the samples get for the other direction, if any
};

// Samples into pixels: rounded (halves to even), moved by shift, clipped.
struct PixelRange {
  std::int32_t shift, lowest, highest;  // |shift|, |lowest|, |highest| <= 2^16
};

template <class T>
struct RowOps {
  void (*join)(const JoinArgs<T>&) noexcept;
  // Steps s = first .. last, each to every sample of row[s] from row[s + 1], above it, and
  // row[s - 1].  Rows have room for `width` rounded up to kRowPad samples.
  void (*lift)(T* const* row, int first, int last, std::int64_t width) noexcept;
  void (*pixels)(const T* in, std::int64_t width, const PixelRange& range, std::uint16_t* out) noexcept;
};
constexpr std::size_t kRowPad = 16;

struct WaveletOps {
  RowOps<std::int32_t> s32;
  RowOps<float> f32;
};

struct WaveletKernel {
  const char* name;
  IsaSet needs;
  const WaveletOps* ops;

  const RowOps<std::int32_t>& of(std::int32_t) const noexcept { return ops->s32; }
  const RowOps<float>& of(float) const noexcept { return ops->f32; }
};

extern const Family<WaveletKernel> wavelet;

extern const WaveletOps wavelet_avx512, wavelet_avx2, wavelet_sse41, wavelet_neon, wavelet_scalar;

}  // namespace dtacs::jp2
