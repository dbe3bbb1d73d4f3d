// SPDX-License-Identifier: Apache-2.0
#include "kernels/pixelnet/pixelnet.h"

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace dtacs {

namespace {

#include "kernels/simd/f32_neon.inl"

#include "kernels/panel_f32.inl"

#include "kernels/pixelnet/pixelnet_f32.inl"

}  // namespace

void pixelnet_u16_neon(const PixelNetArgs& a) noexcept {
  pixelnet(a);
}

}  // namespace dtacs
