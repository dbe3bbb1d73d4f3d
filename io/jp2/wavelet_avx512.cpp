// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <type_traits>

#include "io/jp2/wavelet_rows.h"

namespace dtacs::jp2 {
namespace {

constexpr int kLanes = 16;

#include "io/jp2/wavelet_rows.inl"

}  // namespace

constexpr WaveletOps wavelet_avx512 = kOps;

}  // namespace dtacs::jp2
