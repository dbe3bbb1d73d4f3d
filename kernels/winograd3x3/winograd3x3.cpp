// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd3x3/winograd3x3.h"

#include "kernels/panel_f32.h"

namespace dtacs {

namespace {

constexpr Winograd3x3Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512
    {"avx512", isa::avx512, winograd3x3_f32_avx512, 32},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, winograd3x3_f32_avx2, 16},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, winograd3x3_f32_sse41, 24},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, winograd3x3_f32_neon, 16},
#endif
    {"scalar", isa::none, winograd3x3_f32_scalar, 16},
};

constexpr int kProducts = 24;

// How a 3-tap filter enters the products, down and across.
constexpr double kDown[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
constexpr double kAcross[6][3] = {{1.0 / 4, 0, 0},
                                  {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                  {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                  {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                  {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                  {0, 0, 1}};

float transformed(const float* w, int product) noexcept {
  double sum = 0;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      sum += kDown[product / 6][i] * kAcross[product % 6][j] * static_cast<double>(w[i * 3 + j]);
  return static_cast<float>(sum);
}

}  // namespace

constexpr Family<Winograd3x3Kernel> winograd3x3_f32{"winograd3x3_f32", kKernels, sizeof kKernels / sizeof *kKernels};

// Inputs of the products as [product][tile][channel], and the sums of a panel; each
// product's rounded up to an odd number of cache lines.
std::size_t scratch_size_winograd3x3(const Winograd3x3Kernel& k, int channels, int tiles) noexcept {
  const auto t = static_cast<std::size_t>(tiles);
  return kProducts * (t * static_cast<std::size_t>(channels + k.panel) + 4 * 16);
}

std::size_t packed_size_winograd3x3(const Winograd3x3Kernel& k, int channels, int outputs) noexcept {
  return packed_size_f32(k.panel, outputs, kProducts, channels);
}

void pack_winograd3x3(const Winograd3x3Kernel& k, const float* weights, const float* bias, int depth, int first,
                      int channels, int outputs, float* packed) noexcept {
  const auto weight = [&](std::ptrdiff_t n, int product, int c) {
    return transformed(weights + (n * depth + first + c) * 9, product);
  };
  pack_f32(k.panel, bias, outputs, kProducts, channels, weight, packed);
}

}  // namespace dtacs
