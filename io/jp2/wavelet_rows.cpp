// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/wavelet_rows.h"

namespace dtacs::jp2 {
namespace {

constexpr WaveletKernel kKernels[] = {
#ifdef DTACS_WITH_AVX512
    {"avx512", isa::avx512, &wavelet_avx512},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, &wavelet_avx2},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, &wavelet_sse41},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, &wavelet_neon},
#endif
    {"scalar", isa::none, &wavelet_scalar},
};

}  // namespace

constexpr Family<WaveletKernel> wavelet{"wavelet", kKernels, sizeof kKernels / sizeof *kKernels};

}  // namespace dtacs::jp2
