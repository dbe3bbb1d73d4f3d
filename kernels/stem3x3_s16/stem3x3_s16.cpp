// SPDX-License-Identifier: Apache-2.0
#include "kernels/stem3x3_s16/stem3x3_s16.h"

#include "kernels/panel_s8.h"

namespace dtacs {

namespace {

constexpr Stem3x3S16Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512VNNI
    {"avx512vnni", isa::avx512vnni, stem3x3_s16_avx512vnni, 32, 2},
#endif
#ifdef DTACS_WITH_AVXVNNI
    {"avxvnni", isa::avxvnni, stem3x3_s16_avxvnni, 16, 2},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, stem3x3_s16_avx2, 16, 2},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, stem3x3_s16_sse41, 8, 2},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, stem3x3_s16_neon, 8, 1},
#endif
    {"scalar", isa::none, stem3x3_s16_scalar, 8, 2},
};

constexpr int even(int n) noexcept {
  return n + n % 2;
}

}  // namespace

constexpr Family<Stem3x3S16Kernel> stem3x3_s16{"stem3x3_s16", kKernels, sizeof kKernels / sizeof *kKernels};

// Panel by panel: biases, multipliers, weights [i][j][c / group][output][c % group].
std::size_t packed_size_stem3x3_s16(const Stem3x3S16Kernel& k, int channels, int outputs) noexcept {
  const auto panel = static_cast<std::size_t>(k.panel);
  const auto panels = (static_cast<std::size_t>(outputs) + panel - 1) / panel;
  return panels * panel * (8 + 2 * 9 * static_cast<std::size_t>(even(channels)));
}

void pack_stem3x3_s16(const Stem3x3S16Kernel& k, const Stem3x3S16Weights& s, std::byte* packed) noexcept {
  for (int first = 0; first < s.outputs; first += k.panel) {
    PanelWriter panel(first, k.panel, s.outputs, packed);
    panel.per_output<std::int32_t>([&](int n) { return s.b[n]; });
    panel.per_output<std::int32_t>([&](int n) { return s.m[n]; });
    for (int tap = 0; tap < 9; ++tap)
      panel.weights<std::int16_t>(even(s.channels), k.group, [&](int n, int c) {
        return c < s.channels ? s.w[(n * s.channels + c) * 9 + tap] : std::int16_t{0};
      });
    packed = panel.end();
  }
}

}  // namespace dtacs
