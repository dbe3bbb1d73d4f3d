// SPDX-License-Identifier: Apache-2.0
#include "io/host/stb_impl.h"

#include <cstdlib>

#include "io/host/tool_main.h"

namespace {

// stb writes on through a null pointer when its buffer cannot grow, so it must never
// see one.  Nothing can be thrown through it either: the process ends here.
void* resized(void* p, std::size_t bytes) {
  void* q = std::realloc(p, bytes);
  if (q != nullptr) return q;
  dtacs::out_of_memory();
}

}  // namespace

#define STBIW_MALLOC(bytes) resized(nullptr, bytes)
#define STBIW_REALLOC(p, bytes) resized(p, bytes)
#define STBIW_FREE(p) std::free(p)
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

namespace dtacs {
namespace {

// How many earlier places with the same three bytes are tried for a match.  stb takes
// nothing below 5, and more buys little: masks are runs, reflectance is noise.
constexpr int kQuality = 5;

StbBytes owned(unsigned char* data, int size) {
  StbBytes bytes;
  bytes.data.reset(data);
  bytes.size = static_cast<std::size_t>(size);
  return bytes;
}

}  // namespace

void StbBytes::Free::operator()(unsigned char* p) const {
  std::free(p);
}

StbBytes stb_zlib(const unsigned char* data, std::size_t bytes) {
  int size = 0;
  // It only reads through the pointer.
  unsigned char* z = stbi_zlib_compress(const_cast<unsigned char*>(data), static_cast<int>(bytes), &size, kQuality);
  return owned(z, size);
}

StbBytes stb_png(const unsigned char* pixels, int width, int height, int channels, int stride) {
  int size = 0;
  unsigned char* png = stbi_write_png_to_mem(pixels, stride, width, height, channels, &size);
  return owned(png, size);
}

}  // namespace dtacs
