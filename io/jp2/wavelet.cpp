// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/wavelet.h"

#include <cstring>

namespace dtacs::jp2 {
namespace {

// 9/7 (table F.4): four lifting steps and the scaling of low and high samples.
constexpr float kAlpha = -1.586134342059924f, kBeta = -0.052980118572961f;
constexpr float kGamma = 0.882911075530934f, kDelta = 0.443506852043971f;
constexpr float kLowScale = 1.230174104914001f;
// 1 / kLowScale is 0.812893066.  OpenJPEG, through which most Sentinel-2 software and
// the pixels our references were made from were read, uses 33 millionths less; with
// its value results agree to the bit, and stay within T.803's tolerances.
constexpr float kHighScale = 0.812866211f;

template <class T>
constexpr int kSteps = 4;
template <>
constexpr int kSteps<std::int32_t> = 2;

// Step s (1 first) of the synthesis: x += step(left, right) for samples of one parity;
// even ones for odd s.
template <int s>
[[gnu::always_inline]] inline void lift(std::int32_t& x, std::int32_t left, std::int32_t right) noexcept {
  const auto sum = static_cast<std::uint32_t>(left) + static_cast<std::uint32_t>(right);
  const auto v = static_cast<std::uint32_t>(x);
  if constexpr (s == 1)
    x = static_cast<std::int32_t>(v - static_cast<std::uint32_t>(static_cast<std::int32_t>(sum + 2u) >> 2));
  else
    x = static_cast<std::int32_t>(v + static_cast<std::uint32_t>(static_cast<std::int32_t>(sum) >> 1));
}
template <int s>
[[gnu::always_inline]] inline void lift(float& x, float left, float right) noexcept {
  constexpr float k = s == 1 ? kDelta : s == 2 ? kGamma : s == 3 ? kBeta : kAlpha;
  x -= k * (left + right);
}

template <int s, class T>
void lift_line(T* x, const T* left, const T* right, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) lift<s>(x[i], left[i], right[i]);
}

void scale_line(std::int32_t*, std::int64_t, float) noexcept {}
void scale_line(float* x, std::int64_t n, float by) noexcept {
  for (std::int64_t i = 0; i < n; ++i) x[i] *= by;
}

// A signal of one high-pass sample is twice its value.
std::int32_t half_of(std::int32_t v) noexcept {
  return v / 2;
}
float half_of(float v) noexcept {
  return v * 0.5f;
}

// Step s of one line held as its low and high halves, each with a free element on
// both sides for the mirrored neighbour.  odd: the first sample is a high one.
template <int s, class T>
void lift_halves(T* low, std::int64_t lows, T* high, std::int64_t highs, std::int64_t odd) noexcept {
  if constexpr (s % 2 == 1) {
    high[-1] = high[0];
    high[highs] = high[highs - 1];
    const T* left = high + (odd != 0 ? 0 : -1);
    lift_line<s>(low, left, left + 1, lows);
  } else {
    low[-1] = low[0];
    low[lows] = low[lows - 1];
    const T* left = low + (odd != 0 ? -1 : 0);
    lift_line<s>(high, left, left + 1, highs);
  }
}

}  // namespace

template <class T>
void LevelSynthesis<T>::start(const Rect& rect, Subband<T> ll, Subband<T> hl, Subband<T> lh, Subband<T> hh,
                              T* work) noexcept {
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
  low_ = ring_ + kRing * ring_stride_ + kPad;
  high_ = low_ + row_size(static_cast<std::size_t>(width_) / 2 + 1) + kPad;
}

// One line from its halves.
template <class T>
void LevelSynthesis<T>::join(const T* low, const T* high, T* out) const noexcept {
  const std::int64_t lows = (width_ + 1 - odd_x_) / 2, highs = width_ - lows;
  if (width_ == 1) {
    out[0] = odd_x_ != 0 ? half_of(high[0]) : low[0];
    return;
  }
  std::memcpy(low_, low, static_cast<std::size_t>(lows) * sizeof(T));
  std::memcpy(high_, high, static_cast<std::size_t>(highs) * sizeof(T));
  scale_line(low_, lows, kLowScale);
  scale_line(high_, highs, kHighScale);
  lift_halves<1>(low_, lows, high_, highs, odd_x_);
  lift_halves<2>(low_, lows, high_, highs, odd_x_);
  if constexpr (kSteps<T> == 4) {
    lift_halves<3>(low_, lows, high_, highs, odd_x_);
    lift_halves<4>(low_, lows, high_, highs, odd_x_);
  }
  const T* first = odd_x_ != 0 ? high_ : low_;
  const T* second = odd_x_ != 0 ? low_ : high_;
  for (std::int64_t i = 0; i < width_ / 2; ++i) {
    out[2 * i] = first[i];
    out[2 * i + 1] = second[i];
  }
  if (width_ % 2 != 0) out[width_ - 1] = first[width_ / 2];
}

// Row y into the ring, unless it lies beyond the last, and the lifting steps that
// become possible: step s is due for row y - s once row y - s + 1 is at step s - 1.
template <class T>
void LevelSynthesis<T>::take_in(std::int64_t y) noexcept {
  const bool high_row = ((y + odd_y_) & 1) != 0;
  if (y < height_) {
    const std::int64_t i = y / 2;  // rows alternate, whichever kind is first
    T* const out = row(y);
    if (high_row) {
      join(lh_.data + i * lh_.stride, hh_.data + i * hh_.stride, out);
      if (height_ == 1)
        for (std::int64_t x = 0; x < width_; ++x) out[x] = half_of(out[x]);
      else
        scale_line(out, width_, kHighScale);
    } else {
      join(ll_.data + i * ll_.stride, hl_.data + i * hl_.stride, out);
      if (height_ > 1) scale_line(out, width_, kLowScale);
    }
  }
  if (!high_row || height_ == 1) return;
  const auto step = [&](std::int64_t at, auto lift_rows) {
    if (at < 0 || at >= height_) return;
    const std::int64_t above = at > 0 ? at - 1 : 1, below = at + 1 < height_ ? at + 1 : height_ - 2;
    lift_rows(row(at), row(above), row(below), width_);
  };
  step(y - 1, lift_line<1, T>);
  step(y - 2, lift_line<2, T>);
  if constexpr (kSteps<T> == 4) {
    step(y - 3, lift_line<3, T>);
    step(y - 4, lift_line<4, T>);
  }
}

template <class T>
const T* LevelSynthesis<T>::next() noexcept {
  // Row g is ready when row g + steps has been taken in.  Beyond the last row the
  // count goes on, so that the closing steps happen.
  while (taken_ <= given_ + kSteps<T>) take_in(taken_++);
  return row(given_++);
}

template class LevelSynthesis<std::int32_t>;
template class LevelSynthesis<float>;

}  // namespace dtacs::jp2
