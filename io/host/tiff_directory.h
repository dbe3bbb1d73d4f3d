// SPDX-License-Identifier: Apache-2.0
// A TIFF image file directory as bytes, classic or BigTIFF, little-endian.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dtacs {

using TiffBytes = std::vector<std::uint8_t>;

// The low `size` bytes of v, lowest first.
void put_le(TiffBytes& out, std::uint64_t v, int size);

class TiffDirectory {
 public:
  explicit TiffDirectory(bool big) : big_(big) {}

  void shorts(int tag, const std::vector<std::uint16_t>& values);
  void longs(int tag, const std::vector<std::uint32_t>& values);
  void offsets(int tag, const std::vector<std::uint64_t>& values);  // 4 bytes each, in BigTIFF 8
  void doubles(int tag, const std::vector<double>& values);
  void text(int tag, std::string_view s);  // with its final zero

  // The file header, for a directory at `at`.
  static TiffBytes header(bool big, std::uint64_t at);
  // The directory as it stands at file offset `at` (even), values that do not fit an
  // entry after it, and no further directory.
  TiffBytes encode(std::uint64_t at) const;

 private:
  struct Entry {
    int type;
    std::uint64_t count;
    TiffBytes value;
  };

  bool big_;
  std::map<int, Entry> entries_;  // a directory is sorted by tag
};

}  // namespace dtacs
