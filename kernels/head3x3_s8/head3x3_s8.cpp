// SPDX-License-Identifier: Apache-2.0
#include "kernels/head3x3_s8/head3x3_s8.h"

#include "kernels/panel_s8.h"

namespace dtacs {

namespace {

constexpr Head3x3S8Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512VNNI
    {"avx512vnni", isa::avx512vnni, head3x3_s8_avx512vnni, 0},
#endif
#ifdef DTACS_WITH_AVXVNNI
    {"avxvnni", isa::avxvnni, head3x3_s8_avxvnni, 0},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, head3x3_s8_avx2, 0},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, head3x3_s8_sse41, 0},
#endif
#ifdef DTACS_WITH_DOTPROD
    {"dotprod", isa::dotprod, head3x3_s8_dotprod, 128},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, head3x3_s8_neon, 128},
#endif
    {"scalar", isa::none, head3x3_s8_scalar, 0},
};

constexpr int kPanel = 4;

}  // namespace

constexpr Family<Head3x3S8Kernel> head3x3_s8{"head3x3_s8", kKernels, sizeof kKernels / sizeof *kKernels};

// Panel by panel of four outputs: biases, weights [i][j][c / 4][output][c % 4].
std::size_t packed_size_head3x3_s8(int outputs) noexcept {
  const auto panels = (static_cast<std::size_t>(outputs) + kPanel - 1) / kPanel;
  return panels * kPanel * (4 + 9 * kHead3x3S8Channels);
}

void pack_head3x3_s8(const Head3x3S8Kernel& kernel, const Head3x3S8Weights& s, std::byte* packed) noexcept {
  const auto tap = [&](int n, int c, int t) { return s.w[(n * kHead3x3S8Channels + c) * 9 + t]; };
  for (int first = 0; first < s.outputs; first += kPanel) {
    PanelWriter panel(first, kPanel, s.outputs, packed);
    panel.per_output<std::int32_t>([&](int n) {
      std::int32_t sum = 0;
      for (int c = 0; c < kHead3x3S8Channels; ++c)
        for (int t = 0; t < 9; ++t) sum += tap(n, c, t);
      return s.b[n] + kernel.offset * sum;
    });
    for (int t = 0; t < 9; ++t)
      panel.weights<std::int8_t>(kHead3x3S8Channels, 4, [&](int n, int c) { return tap(n, c, t); });
    packed = panel.end();
  }
}

}  // namespace dtacs
