// SPDX-License-Identifier: Apache-2.0
#include "kernels/pixelnet/pixelnet.h"

#include <smmintrin.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_sse41.inl"

#include "kernels/panel_f32.inl"

#include "kernels/pixelnet/pixelnet_f32.inl"

}  // namespace

void pixelnet_u16_sse41(const PixelNetArgs& a) noexcept {
  pixelnet(a);
}

}  // namespace dtacs
