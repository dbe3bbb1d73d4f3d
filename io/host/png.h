// SPDX-License-Identifier: Apache-2.0
// 8-bit PNG pictures, through stb_image_write and a temporary file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace dtacs {

struct Picture {
  const std::uint8_t* pixels = nullptr;  // (height, width, channels)
  int width = 0, height = 0;
  int channels = 3;           // 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA
  std::ptrdiff_t stride = 0;  // bytes from row to row; 0: width * channels
};

// Needs about twice the picture's bytes of memory beside it, so quicklooks are made small
// first.  Throws Failure: cannot_create, io_error; usage for an empty picture or above 2^30 bytes.
void write_png(const std::string& path, const Picture& picture);

}  // namespace dtacs
