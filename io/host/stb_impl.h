// SPDX-License-Identifier: Apache-2.0
// What the program uses of stb_image_write, which is compiled in one place only
// (stb_impl.cpp) and wrapped so that its memory is freed whatever happens.  Where there is none
// left the program ends, see out_of_memory().
#pragma once

#include <cstddef>
#include <memory>

namespace dtacs {

struct StbBytes {
  struct Free {
    void operator()(unsigned char* p) const;
  };
  std::unique_ptr<unsigned char, Free> data;
  std::size_t size = 0;
};

// A zlib stream.  bytes < 2^30.  It never grows by more
// than 5 bytes per 32767 and 6 more: what does not shrink is stored as it is.
StbBytes stb_zlib(const unsigned char* data, std::size_t bytes);

// A PNG file.  height * (width * channels + 1) < 2^30.
StbBytes stb_png(const unsigned char* pixels, int width, int height, int channels, int stride);

}  // namespace dtacs
