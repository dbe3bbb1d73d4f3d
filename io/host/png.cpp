// SPDX-License-Identifier: Apache-2.0
#include "io/host/png.h"

#include "io/host/failure.h"
#include "io/host/output_file.h"
#include "io/host/stb_impl.h"

namespace dtacs {

void write_png(const std::string& path, const Picture& picture) {
  const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(picture.width) * picture.channels;
  const std::ptrdiff_t stride = picture.stride != 0 ? picture.stride : row;
  constexpr std::ptrdiff_t kMost = 1 << 30;
  if (picture.width < 1 || picture.height < 1 || picture.channels < 1 || picture.channels > 4 || stride < row ||
      stride > kMost || (row + 1) > kMost / picture.height)
    throw Failure(Exit::usage, path + ": no picture of " + std::to_string(picture.width) + " x " +
                                   std::to_string(picture.height) + " pixels can be written as PNG");
  OutputFile file(path);
  const StbBytes png =
      stb_png(picture.pixels, picture.width, picture.height, picture.channels, static_cast<int>(stride));
  file.append(png.data.get(), png.size);
  file.finish();
}

}  // namespace dtacs
