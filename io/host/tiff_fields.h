// SPDX-License-Identifier: Apache-2.0
// The fields of a TIFF's first directory, classic or BigTIFF, of either byte order, over
// the bytes of the whole file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace dtacs {

class TiffFields {
 public:
  // `file` names it in messages.  Throws Failure(bad_data); unsupported for what is no TIFF.
  TiffFields(std::span<const std::uint8_t> bytes, const std::string& file);

  bool big_endian() const { return big_endian_; }
  bool has(int tag) const { return fields_.count(tag) != 0; }
  // Whole numbers of a field of shorts, longs or their 64-bit kind, empty when there is none.
  // Throws Failure(bad_data) for another type or more than `most` values.
  std::vector<std::uint64_t> numbers(int tag, std::uint64_t most) const;
  std::uint64_t number(int tag, std::uint64_t otherwise) const;
  std::vector<double> doubles(int tag) const;  // of a field of doubles; else empty
  std::string text(int tag) const;             // of a field of ASCII, without the final zero; else ""

 private:
  struct Field {
    int type;
    std::uint64_t count;
    std::span<const std::uint8_t> value;
  };
  std::uint64_t word(std::span<const std::uint8_t> bytes, std::size_t at, int size) const;

  std::string file_;
  bool big_endian_ = false;
  std::map<int, Field> fields_;
};

}  // namespace dtacs
