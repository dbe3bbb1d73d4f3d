// SPDX-License-Identifier: Apache-2.0
// What one block of columns of a fused inverted residual works on: the result's columns
// are cut into blocks, for good, and each keeps three expanded rows of its own,
// neighbours included.  Row y of what is expanded lives in slot y % 3.
#pragma once

#include "net/cut.h"
#include "net/schedule.h"

namespace dtacs {

struct ResidualBlock {
  int x0, x1;      // columns of the result
  int left;        // column of the expanded row that its slot begins with: -1 at the image's edge
  int begin, end;  // those that exist of the columns the depthwise convolution reads
};

// width: of the result; wide: of what is expanded.
constexpr ResidualBlock residual_block(int width, int wide, int stride, int blocks, int block) noexcept {
  const int x0 = part_begin(width, blocks, block), x1 = part_begin(width, blocks, block + 1);
  const int left = x0 * stride - 1, right = (x1 - 1) * stride + 2;
  return {x0, x1, left, left < 0 ? 0 : left, right < wide ? right : wide};
}

// Of `rows` expanded rows, those that row y of the result is the first to need.
constexpr RowRange newly_needed(int y, int stride, int rows) noexcept {
  const int end = y * stride + 2;
  return {y == 0 ? 0 : (y - 1) * stride + 2, end < rows ? end : rows};
}

}  // namespace dtacs
