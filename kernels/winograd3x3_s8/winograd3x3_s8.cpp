// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd3x3_s8/winograd3x3_s8.h"

#include "kernels/panel_s8.h"

namespace dtacs {

namespace {

constexpr Winograd3x3S8Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, winograd3x3_s8_avx2, 16},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, winograd3x3_s8_sse41, 8},
#endif
    {"scalar", isa::none, winograd3x3_s8_scalar, 8},
};

constexpr int kGh[6][3] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4}, {1, 2, 4}, {1, -2, 4}, {0, 0, 24}};

}  // namespace

constexpr Family<Winograd3x3S8Kernel> winograd3x3_s8{"winograd3x3_s8", kKernels, sizeof kKernels / sizeof *kKernels};

// Panel by panel: biases, multipliers, weights as s16 [product][i][c / 2][output][c % 2].
std::size_t packed_size_winograd3x3_s8(int channels, int outputs) noexcept {
  return static_cast<std::size_t>(outputs) * (8 + 36 * static_cast<std::size_t>(channels));
}

void pack_winograd3x3_s8(const Winograd3x3S8Kernel& kernel, const Winograd3x3S8Weights& s, std::byte* packed) noexcept {
  for (int first = 0; first < s.outputs; first += kernel.panel) {
    PanelWriter panel(first, kernel.panel, s.outputs, packed);
    panel.per_output<std::int32_t>([&](int n) { return s.b[n]; });
    panel.per_output<std::int32_t>([&](int n) { return s.m[n]; });
    for (const auto& g : kGh)
      for (int i = 0; i < 3; ++i)
        panel.weights<std::int16_t>(s.channels, 2, [&](int n, int c) {
          const std::int8_t* w = s.w + ((static_cast<std::ptrdiff_t>(n) * s.channels + c) * 3 + i) * 3;
          return g[0] * w[0] + g[1] * w[1] + g[2] * w[2];
        });
    packed = panel.end();
  }
}

}  // namespace dtacs
