// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise/pointwise.h"

namespace dtacs {

namespace {

constexpr PointwiseKernel kKernels[] = {
#ifdef DTACS_WITH_AVX512
    {"avx512", isa::avx512, pointwise_f32_avx512, 32},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, pointwise_f32_avx2, 16},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, pointwise_f32_sse41, 24},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, pointwise_f32_neon, 16},
#endif
    {"scalar", isa::none, pointwise_f32_scalar, 16},
};

}  // namespace

constexpr Family<PointwiseKernel> pointwise_f32{"pointwise_f32", kKernels, sizeof kKernels / sizeof *kKernels};

// Panel by panel of `panel` outputs: the biases, then the weights as [k][output].
// Outputs that do not exist are zeros.
std::size_t packed_size_pointwise(const PointwiseKernel& k, int depth, int outputs) noexcept {
  const auto panel = static_cast<std::size_t>(k.panel);
  const auto panels = (static_cast<std::size_t>(outputs) + panel - 1) / panel;
  return panels * panel * (1 + static_cast<std::size_t>(depth));
}

void pack_pointwise(const PointwiseKernel& kernel, const float* weights, const float* bias, int depth, int outputs,
                    float* packed) noexcept {
  for (std::ptrdiff_t first = 0; first < outputs; first += kernel.panel) {
    const std::ptrdiff_t last = first + kernel.panel;
    for (std::ptrdiff_t n = first; n < last; ++n) *packed++ = n < outputs ? bias[n] : 0.0f;
    for (int k = 0; k < depth; ++k)
      for (std::ptrdiff_t n = first; n < last; ++n) *packed++ = n < outputs ? weights[n * depth + k] : 0.0f;
  }
}

}  // namespace dtacs
