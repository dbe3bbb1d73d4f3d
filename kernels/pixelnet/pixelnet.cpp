// SPDX-License-Identifier: Apache-2.0
#include "kernels/pixelnet/pixelnet.h"

namespace dtacs {

namespace {

constexpr PixelNetKernel kKernels[] = {
#ifdef DTACS_WITH_AVX512
    {"avx512", isa::avx512, pixelnet_u16_avx512},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, pixelnet_u16_avx2},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, pixelnet_u16_sse41},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, pixelnet_u16_neon},
#endif
    {"scalar", isa::none, pixelnet_u16_scalar},
};

}  // namespace

constexpr Family<PixelNetKernel> pixelnet_u16{"pixelnet_u16", kKernels, sizeof kKernels / sizeof *kKernels};

}  // namespace dtacs
