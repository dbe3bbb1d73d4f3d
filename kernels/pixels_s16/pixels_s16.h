// SPDX-License-Identifier: Apache-2.0
// From rows of bands, of reflectance or of digital numbers, to the 16-bit pixels, channels last, that an 8-bit network
// reads; exact.  In float32, each operation rounded:
//
//   v = reflectance * kPixelsS16Unit, or (number + offset) * kPixelsS16Unit / quantification
//   out = clamp(floor(v + 32768.5), 0, 65535) - 32768: v rounded half up (weights/FORMAT.md)
//
// NaN becomes -32768.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/variant.h"

namespace dtacs {

// The input's unit: reflectance 1 is this number, as in Sentinel-2's digital numbers.
inline constexpr int kPixelsS16Unit = 10000;

struct PixelsS16Band {
  const float* reflectance = nullptr;      // pixel 0; or
  const std::uint16_t* numbers = nullptr;  // digital numbers, (numbers + offset) / quantification being the reflectance
  float offset = 0;
};

struct PixelsS16Args {
  static constexpr int kMost = 16;
  PixelsS16Band bands[kMost];
  float quantification = 1;
  int channels;         // bands there are, >= 1
  int pixels;           // >= 1
  std::int16_t* out;    // channel c of pixel i goes to out[i * step + c]; what lies between pixels is left alone
  std::ptrdiff_t step;  // >= channels
};

struct PixelsS16Kernel {
  const char* name;
  IsaSet needs;
  void (*run)(const PixelsS16Args&) noexcept;
};

extern const Family<PixelsS16Kernel> pixels_s16;

void pixels_s16_scalar(const PixelsS16Args&) noexcept;
void pixels_s16_avx2(const PixelsS16Args&) noexcept;
void pixels_s16_avx512(const PixelsS16Args&) noexcept;

// Any number of channels; band(c) is a PixelsS16Band.
template <class F>
void pixels_s16_row(const PixelsS16Kernel& kernel, int channels, int pixels, float quantification, std::int16_t* out,
                    std::ptrdiff_t step, F&& band) noexcept {
  for (int first = 0; first < channels; first += PixelsS16Args::kMost) {
    const int some = channels - first < PixelsS16Args::kMost ? channels - first : PixelsS16Args::kMost;
    PixelsS16Args a = {.bands = {},
                       .quantification = quantification,
                       .channels = some,
                       .pixels = pixels,
                       .out = out + first,
                       .step = step};
    for (int c = 0; c < some; ++c) a.bands[c] = band(first + c);
    kernel.run(a);
  }
}

}  // namespace dtacs
