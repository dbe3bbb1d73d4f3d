// SPDX-License-Identifier: Apache-2.0
#include "kernels/head3x3/head3x3.h"

namespace dtacs {

namespace {

constexpr Head3x3Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512
    {"avx512", isa::avx512, head3x3_f32_avx512},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, head3x3_f32_avx2},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, head3x3_f32_sse41},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, head3x3_f32_neon},
#endif
    {"scalar", isa::none, head3x3_f32_scalar},
};

}  // namespace

constexpr Family<Head3x3Kernel> head3x3_f32{"head3x3_f32", kKernels, sizeof kKernels / sizeof *kKernels};

}  // namespace dtacs
