// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3x3/conv3x3.h"

#include "kernels/panel_f32.h"

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

std::size_t packed_size_conv3x3(const Conv3x3Kernel& k, int channels, int outputs) noexcept {
  return packed_size_f32(k.panel, outputs, 9, channels);
}

void pack_conv3x3(const Conv3x3Kernel& k, const float* weights, const float* bias, int channels, int outputs,
                  float* packed) noexcept {
  const auto weight = [&](std::ptrdiff_t n, int tap, int c) { return weights[(n * channels + c) * 9 + tap]; };
  pack_f32(k.panel, bias, outputs, 9, channels, weight, packed);
}

}  // namespace dtacs
