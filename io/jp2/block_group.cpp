// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/block_group.h"

namespace dtacs::jp2 {
namespace {

constexpr BlockGroupKernel kKernels[] = {
#ifdef DTACS_WITH_AVX512VBMI
    {"avx512vbmi", isa::avx512vbmi, block_group_avx512vbmi, 16},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, block_group_avx2, 8},
#endif
    {"scalar", isa::none, nullptr, 0},
};

}  // namespace

constexpr Family<BlockGroupKernel> block_group{"block_group", kKernels, sizeof kKernels / sizeof *kKernels};

}  // namespace dtacs::jp2
