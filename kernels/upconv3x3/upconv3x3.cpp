// SPDX-License-Identifier: Apache-2.0
#include "kernels/upconv3x3/upconv3x3.h"

#include "kernels/panel_f32.h"

namespace dtacs {

namespace {

constexpr Upconv3x3Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512
    {"avx512", isa::avx512, upconv3x3_f32_avx512, 32},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, upconv3x3_f32_avx2, 16},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, upconv3x3_f32_sse41, 24},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, upconv3x3_f32_neon, 16},
#endif
    {"scalar", isa::none, upconv3x3_f32_scalar, 16},
};

// How a 3-tap filter enters the products.
constexpr double kTaps[5][3] = {{-1, 0, 0}, {1, 1, 1}, {0, 0, 1}, {-1, -1, 0}, {0, 1, 1}};

float transformed(const float* w, int k, int l) noexcept {
  double sum = 0;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) sum += kTaps[k][i] * kTaps[l][j] * static_cast<double>(w[i * 3 + j]);
  return static_cast<float>(sum);
}

}  // namespace

constexpr Family<Upconv3x3Kernel> upconv3x3_f32{"upconv3x3_f32", kKernels, sizeof kKernels / sizeof *kKernels};

// Differences across of `pairs` rows, down of one row more, both of one row more, each
// a pixel wider than the run; and the sums of a panel.  Each part of these is rounded up to an odd number
// of cache lines.
std::size_t scratch_size_upconv3x3(const Upconv3x3Kernel& k, int across, int channels, int pairs, int pixels) noexcept {
  const auto rows = static_cast<std::size_t>(pairs), columns = static_cast<std::size_t>(pixels);
  const auto products = 3 * static_cast<std::size_t>(products_upconv3x3(across));
  const auto tiles = rows * static_cast<std::size_t>(tiles_upconv3x3(across, pixels));
  return (3 * rows + 2) * ((columns + 1) * static_cast<std::size_t>(channels) + 2 * 16) +
         products * (tiles * static_cast<std::size_t>(k.panel) + 2 * 16);
}

std::size_t packed_size_upconv3x3(const Upconv3x3Kernel& k, int across, int channels, int outputs) noexcept {
  return packed_size_f32(k.panel, outputs, 3 * products_upconv3x3(across), channels);
}

void pack_upconv3x3(const Upconv3x3Kernel& k, int across, const float* weights, const float* bias, int depth,
                    int channels, int outputs, float* packed) noexcept {
  const int products = products_upconv3x3(across);
  const auto weight = [&](std::ptrdiff_t n, int product, int c) {
    return transformed(weights + (n * depth + c) * 9, product / products, product % products);
  };
  pack_f32(k.panel, bias, outputs, 3 * products, channels, weight, packed);
}

}  // namespace dtacs
