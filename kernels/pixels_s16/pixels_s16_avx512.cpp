// SPDX-License-Identifier: Apache-2.0
#include "kernels/pixels_s16/pixels_s16.h"

namespace dtacs {

namespace {

#include "kernels/pixels_s16/pixels_s16.inl"

}  // namespace

void pixels_s16_avx512(const PixelsS16Args& a) noexcept {
  pixels_s16_rows(a);
}

}  // namespace dtacs
