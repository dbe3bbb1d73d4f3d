// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise_s8/pointwise_s8.h"

#include "kernels/panel_s8.h"
#include "kernels/requantise.h"

namespace dtacs {

namespace {

constexpr PointwiseS8Kernel kKernels[] = {
#ifdef DTACS_WITH_AMXINT8
    {"amxint8", isa::amxint8, pointwise_s8_amxint8, 32, 4, 0, 64},
#endif
#ifdef DTACS_WITH_AVX512VNNI
    {"avx512vnni", isa::avx512vnni, pointwise_s8_avx512vnni, 32, 4, 0, 1},
#endif
#ifdef DTACS_WITH_AVXVNNI
    {"avxvnni", isa::avxvnni, pointwise_s8_avxvnni, 16, 4, 0, 1},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, pointwise_s8_avx2, 16, 4, 0, 1},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, pointwise_s8_sse41, 8, 4, 0, 1},
#endif
#ifdef DTACS_WITH_I8MM
    {"i8mm", isa::i8mm, pointwise_s8_i8mm, 8, 8, 0, 1},
#endif
#ifdef DTACS_WITH_DOTPROD
    {"dotprod", isa::dotprod, pointwise_s8_dotprod, 8, 4, 128, 1},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, pointwise_s8_neon, 8, 4, 128, 1},
#endif
    {"scalar", isa::none, pointwise_s8_scalar, 8, 4, 0, 1},
};

}  // namespace

constexpr Family<PointwiseS8Kernel> pointwise_s8{"pointwise_s8", kKernels, sizeof kKernels / sizeof *kKernels};

// Panel by panel: biases, multipliers, factors of the residual as s32, weights
// [k / group][output][k % group],
// of wide weights all high parts before all low ones.
std::size_t packed_size_pointwise_s8(const PointwiseS8Kernel& k, int depth, int outputs, bool wide) noexcept {
  const auto panel = static_cast<std::size_t>(k.panel);
  const auto panels = (static_cast<std::size_t>(outputs) + panel - 1) / panel;
  return panels * panel * (12 + (wide ? 2 : 1) * padded_run(static_cast<std::size_t>(depth), k.multiple));
}

void pack_pointwise_s8(const PointwiseS8Kernel& kernel, const PointwiseS8Weights& s, std::byte* packed) noexcept {
  const auto weight = [&](int n, int k) -> int {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(n) * s.depth + k;
    return s.wide != nullptr ? s.wide[at] : s.w[at];
  };
  for (int first = 0; first < s.outputs; first += kernel.panel) {
    PanelWriter panel(first, kernel.panel, s.outputs, packed);
    panel.per_output<std::int32_t>([&](int n) {
      std::int32_t sum = 0;
      for (int k = 0; k < s.depth; ++k) sum += weight(n, k);
      return s.b[n] + kernel.offset * sum;
    });
    panel.per_output<std::int32_t>([&](int n) { return s.m[n]; });
    panel.per_output<std::int32_t>([&](int n) { return s.r == nullptr ? 0 : s.r[n]; });
    const auto run = [&](auto&& value) {
      panel.weights<std::int8_t>(s.depth, kernel.group, value);
      panel.pad(static_cast<std::size_t>(s.depth), kernel.multiple);
    };
    if (s.wide != nullptr) {
      run([&](int n, int k) { return wide_high(weight(n, k)); });
      run([&](int n, int k) { return wide_low(weight(n, k)); });
    } else {
      run(weight);
    }
    packed = panel.end();
  }
}

}  // namespace dtacs
