// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd3x3_s8/winograd3x3_s8.h"

#include "kernels/panel_s8.h"
#include "kernels/winograd3x3_s8/scratch.h"

namespace dtacs {

namespace {

constexpr Winograd3x3S8Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512VNNI
    {"avx512vnni", isa::avx512vnni, winograd3x3_s8_avx512vnni, 32, 2, 32},
#endif
#ifdef DTACS_WITH_AVXVNNI
    {"avxvnni", isa::avxvnni, winograd3x3_s8_avxvnni, 16, 2, 32},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, winograd3x3_s8_avx2, 16, 2, 16},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, winograd3x3_s8_sse41, 8, 2, 16},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, winograd3x3_s8_neon, 8, 1, 16},
#endif
    {"scalar", isa::none, winograd3x3_s8_scalar, 8, 2, 16},
};

constexpr int kG[6][3] = {{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {1, 2, 4}, {1, -2, 4}, {0, 0, 1}};

}  // namespace

constexpr Family<Winograd3x3S8Kernel> winograd3x3_s8{"winograd3x3_s8", kKernels, sizeof kKernels / sizeof *kKernels};

bool exact_winograd3x3_s8(const std::int8_t* w, int channels, int outputs) noexcept {
  for (int n = 0; n < outputs; ++n) {
    int above = 0, below = 0;
    for (int i = 0; i < 9 * channels; ++i, ++w) (*w > 0 ? above : below) += *w;
    if (255 * std::int64_t{above} >= 1 << 25 || -255 * std::int64_t{below} >= 1 << 25) return false;
  }
  return true;
}

std::size_t scratch_size_winograd3x3_s8(const Winograd3x3S8Kernel& kernel, int channels) noexcept {
  const auto pitch = static_cast<std::size_t>(winograd3x3_s8_pitch(channels));
  return 36 * (pitch + std::size_t{2} * kWinograd3x3S8Tiles * static_cast<std::size_t>(kernel.panel));
}

// Panel by panel: biases, multipliers, weights as s16 [product][c / group][output][c % group].
std::size_t packed_size_winograd3x3_s8(const Winograd3x3S8Kernel& kernel, int channels, int outputs) noexcept {
  const int panels = (outputs + kernel.panel - 1) / kernel.panel;
  return static_cast<std::size_t>(panels) * static_cast<std::size_t>(kernel.panel) *
         (8 + 72 * static_cast<std::size_t>(channels));
}

void pack_winograd3x3_s8(const Winograd3x3S8Kernel& kernel, const Winograd3x3S8Weights& s, std::byte* packed) noexcept {
  for (int first = 0; first < s.outputs; first += kernel.panel) {
    PanelWriter panel(first, kernel.panel, s.outputs, packed);
    panel.per_output<std::int32_t>([&](int n) { return s.b[n]; });
    panel.per_output<std::int32_t>([&](int n) { return s.m[n]; });
    for (const auto& down : kG)
      for (const auto& across : kG)
        panel.weights<std::int16_t>(s.channels, kernel.group, [&](int n, int c) {
          const std::int8_t* w = s.w + (static_cast<std::ptrdiff_t>(n) * s.channels + c) * 9;
          int u = 0;
          for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) u += down[i] * across[j] * w[3 * i + j];
          return u;
        });
    packed = panel.end();
  }
}

}  // namespace dtacs
