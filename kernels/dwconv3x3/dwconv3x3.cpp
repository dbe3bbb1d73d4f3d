// SPDX-License-Identifier: Apache-2.0
#include "kernels/dwconv3x3/dwconv3x3.h"

namespace dtacs {

namespace {

constexpr Dwconv3x3Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512
    {"avx512", isa::avx512, dwconv3x3_f32_avx512},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, dwconv3x3_f32_avx2},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, dwconv3x3_f32_sse41},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, dwconv3x3_f32_neon},
#endif
    {"scalar", isa::none, dwconv3x3_f32_scalar},
};

}  // namespace

constexpr Family<Dwconv3x3Kernel> dwconv3x3_f32{"dwconv3x3_f32", kKernels, sizeof kKernels / sizeof *kKernels};

}  // namespace dtacs
