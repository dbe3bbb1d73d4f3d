// SPDX-License-Identifier: Apache-2.0
// Reflect padding of a scene to a multiple of 32, as the reference does it: half of
// the missing rows (rounded down) before, the rest after; the edge row itself is
// not repeated (numpy.pad "reflect", which folds back and forth when the padding
// is wider than the image).
#pragma once

#include <cstddef>

namespace dtacs {

struct Padding {
  int before = 0, after = 0;
};

constexpr int kSizeMultiple = 32;  // five halvings

constexpr Padding padding_for(int size) noexcept {
  const int missing = (kSizeMultiple - size % kSizeMultiple) % kSizeMultiple;
  return {missing / 2, missing - missing / 2};
}

constexpr int padded_size(int size) noexcept {
  const Padding p = padding_for(size);
  return p.before + size + p.after;
}

// The pixel that lies at position i (negative before the image) of an image of
// `size` >= 1 pixels continued by reflection.
constexpr int reflect(int i, int size) noexcept {
  if (size == 1) return 0;
  const int period = 2 * (size - 1);
  i %= period;
  if (i < 0) i += period;
  return i < size ? i : period - i;
}

// The highest pixel that one of the positions [begin, end) is, or -1 where there are none: in a reflection it may be
// any of them.
constexpr int highest_reflected(int begin, int end, int size) noexcept {
  int highest = -1;
  for (int i = begin; i < end; ++i) highest = reflect(i, size) > highest ? reflect(i, size) : highest;
  return highest;
}

// Continues a row of `width` pixels by reflection on both sides; inner is its pixel 0.
template <class T>
void reflect_columns(T* inner, int width, std::ptrdiff_t channels, const Padding& columns) noexcept {
  const auto copy_pixel = [&](int to) {
    const T* from = inner + reflect(to, width) * channels;
    for (std::ptrdiff_t c = 0; c < channels; ++c) inner[to * channels + c] = from[c];
  };
  for (int x = -columns.before; x < 0; ++x) copy_pixel(x);
  for (int x = width; x < width + columns.after; ++x) copy_pixel(x);
}

}  // namespace dtacs
