// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3x3/conv3x3.h"

namespace dtacs {

namespace {

constexpr Conv3x3Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512
    {"avx512", isa::avx512, conv3x3_f32_avx512, 32},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, conv3x3_f32_avx2, 16},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, conv3x3_f32_sse41, 24},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, conv3x3_f32_neon, 16},
#endif
    {"scalar", isa::none, conv3x3_f32_scalar, 16},
};

}  // namespace

constexpr Family<Conv3x3Kernel> conv3x3_f32{"conv3x3_f32", kKernels, sizeof kKernels / sizeof *kKernels};

// Panel by panel of `panel` outputs: the biases, then the weights in the order of
// accumulation, [i][j][c][output].  Outputs that do not exist are zeros.
std::size_t packed_size_conv3x3(const Conv3x3Kernel& k, int channels, int outputs) noexcept {
  const auto panel = static_cast<std::size_t>(k.panel);
  const auto panels = (static_cast<std::size_t>(outputs) + panel - 1) / panel;
  return panels * panel * (1 + 9 * static_cast<std::size_t>(channels));
}

void pack_conv3x3(const Conv3x3Kernel& k, const float* weights, const float* bias, int channels, int outputs,
                  float* packed) noexcept {
  for (std::ptrdiff_t first = 0; first < outputs; first += k.panel) {
    const std::ptrdiff_t last = first + k.panel;
    for (std::ptrdiff_t n = first; n < last; ++n) *packed++ = n < outputs ? bias[n] : 0.0f;
    for (int tap = 0; tap < 9; ++tap)
      for (int c = 0; c < channels; ++c)
        for (std::ptrdiff_t n = first; n < last; ++n)
          *packed++ = n < outputs ? weights[(n * channels + c) * 9 + tap] : 0.0f;
  }
}

}  // namespace dtacs
