// SPDX-License-Identifier: Apache-2.0
#include "kernels/pixels_s16/pixels_s16.h"

namespace dtacs {

namespace {

constexpr PixelsS16Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512
    {"avx512", isa::avx512, pixels_s16_avx512},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, pixels_s16_avx2},
#endif
    {"scalar", isa::none, pixels_s16_scalar},
};

}  // namespace

constexpr Family<PixelsS16Kernel> pixels_s16{"pixels_s16", kKernels, sizeof kKernels / sizeof *kKernels};

}  // namespace dtacs
