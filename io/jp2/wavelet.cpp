// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/wavelet.h"

namespace dtacs::jp2 {

template <class T>
void LevelSynthesis<T>::start(const WaveletKernel& kernel, const Rect& rect, Subband<T> ll, Subband<T> hl,
                              Subband<T> lh, Subband<T> hh, T* work) noexcept {
  ops_ = &kernel.of(T{});
  ll_ = ll;
  hl_ = hl;
  lh_ = lh;
  hh_ = hh;
  width_ = rect.width();
  height_ = rect.height();
  odd_x_ = rect.x0 & 1;
  odd_y_ = rect.y0 & 1;
  taken_ = given_ = 0;
  ring_ = work;
  ring_stride_ = row_size(static_cast<std::size_t>(width_));
}

// Row y into the ring, unless it lies beyond the last, and the lifting steps that
// become possible: step s is due for row y - s once row y - s + 1 is at step s - 1.
template <class T>
void LevelSynthesis<T>::take_in(std::int64_t y) noexcept {
  const bool high_row = ((y + odd_y_) & 1) != 0;
  if (y < height_) {
    const std::int64_t i = y / 2;  // rows alternate, whichever kind is first
    const Subband<T>&low = high_row ? lh_ : ll_, &high = high_row ? hh_ : hl_;
    ops_->join({low.data + i * low.stride, high.data + i * high.stride, row(y), width_, odd_x_ != 0,
                height_ == 1 ? JoinArgs<T>::kAlone
                : high_row   ? JoinArgs<T>::kHigh
                             : JoinArgs<T>::kLow});
    if (height_ == 1 && high_row)
      for (std::int64_t x = 0; x < width_; ++x) row(y)[x] /= 2;  // a signal of one high sample is twice its value
  }
  if (!high_row || height_ == 1) return;
  T* rows[kSteps + 2];
  for (int s = 0; s < kSteps + 2; ++s) rows[s] = row(y - s);
  if (y > kSteps && y < height_) return ops_->lift(rows, 1, kSteps, width_);
  for (int s = 1; s <= kSteps; ++s) {
    const std::int64_t at = y - s;
    if (at < 0 || at >= height_) continue;
    rows[s - 1] = row(at + 1 < height_ ? at + 1 : height_ - 2);
    rows[s + 1] = row(at > 0 ? at - 1 : 1);
    rows[s] = row(at);
    ops_->lift(rows, s, s, width_);
  }
}

template <class T>
const T* LevelSynthesis<T>::next() noexcept {
  // Row g is ready when row g + steps has been taken in.  Beyond the last row the
  // count goes on, so that the closing steps happen.
  while (taken_ <= given_ + kSteps) take_in(taken_++);
  return row(given_++);
}

template class LevelSynthesis<std::int32_t>;
template class LevelSynthesis<float>;

}  // namespace dtacs::jp2
