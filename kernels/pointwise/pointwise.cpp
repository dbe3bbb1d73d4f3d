// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointwise/pointwise.h"

#include "kernels/panel_f32.h"

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

std::size_t packed_size_pointwise(const PointwiseKernel& k, int depth, int outputs) noexcept {
  return packed_size_f32(k.panel, outputs, 1, depth);
}

void pack_pointwise(const PointwiseKernel& k, const float* weights, const float* bias, int depth, int outputs,
                    float* packed) noexcept {
  pack_f32(
      k.panel, bias, outputs, 1, depth, [&](std::ptrdiff_t n, int, int c) { return weights[n * depth + c]; }, packed);
}

}  // namespace dtacs
