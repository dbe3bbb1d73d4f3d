// SPDX-License-Identifier: Apache-2.0
// The other side of the GeoTIFF writer: a strict reader of what it may write.
#pragma once

#include <doctest/doctest.h>
#include <stb_image.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "tests/host/temp_folder.h"

namespace dtacs::test {

class TiffProbe {
 public:
  explicit TiffProbe(const std::string& path) : bytes_(get_file(path)) {
    REQUIRE(bytes_.substr(0, 2) == "II");
    big = number(2, 2) == 43;
    if (!big) REQUIRE(number(2, 2) == 42);
    if (big) REQUIRE((number(4, 2) == 8 && number(6, 2) == 0));
    const std::uint64_t word = big ? 8 : 4;
    const std::uint64_t directory = number(word, word);
    CHECK(directory % 2 == 0);
    const std::uint64_t count = number(directory, big ? 8 : 2);
    std::uint64_t at = directory + (big ? 8 : 2);
    std::uint64_t before = 0;
    for (std::uint64_t i = 0; i < count; ++i, at += 4 + 2 * word) {
      const std::uint64_t tag = number(at, 2);
      CHECK(tag > before);  // sorted
      before = tag;
      read_entry(static_cast<int>(tag), at + 2, word);
    }
    CHECK(number(at, word) == 0);  // no further directory
  }

  bool big = false;
  std::map<int, std::vector<double>> numbers;
  std::map<int, std::string> texts;

  int value(int tag) const {
    const auto it = numbers.find(tag);
    REQUIRE_MESSAGE(it != numbers.end(), tag);
    return static_cast<int>(it->second.at(0));
  }
  int strips_per_band() const { return (value(257) + value(278) - 1) / value(278); }

  // The samples of one band, row after row.
  std::vector<int> band(int index) const {
    const int width = value(256), height = value(257), bits = value(258), rows_per_strip = value(278);
    const bool deflate = value(259) == 8, differences = numbers.count(317) != 0 && value(317) == 2;
    std::vector<int> out;
    for (int s = 0; s < strips_per_band(); ++s) {
      const auto strip = static_cast<std::size_t>(index * strips_per_band() + s);
      const auto offset = static_cast<std::size_t>(numbers.at(273).at(strip));
      const auto size = static_cast<std::size_t>(numbers.at(279).at(strip));
      REQUIRE(offset + size <= bytes_.size());
      std::string raw = bytes_.substr(offset, size);
      const int rows = std::min(rows_per_strip, height - s * rows_per_strip);
      if (deflate) {
        int length = 0;
        char* data = stbi_zlib_decode_malloc(raw.data(), static_cast<int>(raw.size()), &length);
        REQUIRE(data != nullptr);
        raw.assign(data, static_cast<std::size_t>(length));
        std::free(data);
      }
      REQUIRE(raw.size() == static_cast<std::size_t>(rows * width * bits / 8));
      for (int i = 0; i < rows * width; ++i) {
        const auto byte = [&](int k) { return static_cast<unsigned char>(raw[static_cast<std::size_t>(k)]); };
        int v = bits == 8 ? byte(i) : byte(2 * i) | (byte(2 * i + 1) << 8);
        if (differences && i % width != 0) v = (v + out.back()) & ((1 << bits) - 1);
        out.push_back(v);
      }
    }
    return out;
  }

 private:
  std::uint64_t number(std::uint64_t at, std::uint64_t size) const {
    REQUIRE(at + size <= bytes_.size());
    std::uint64_t v = 0;
    for (std::uint64_t i = 0; i < size; ++i)
      v |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[static_cast<std::size_t>(at + i)])) << (8 * i);
    return v;
  }

  void read_entry(int tag, std::uint64_t at, std::uint64_t word) {
    const std::uint64_t type = number(at, 2), count = number(at + 2, word);
    const std::uint64_t size = type == 2 ? 1 : type == 3 ? 2 : type == 4 ? 4 : type == 12 || type == 16 ? 8 : 0;
    REQUIRE(size != 0);
    const std::uint64_t inlined = at + 2 + word;
    const std::uint64_t value = size * count <= word ? inlined : number(inlined, word);
    if (type == 2) {
      texts[tag] = bytes_.substr(static_cast<std::size_t>(value), static_cast<std::size_t>(count - 1));
      CHECK(number(value + count - 1, 1) == 0);
      return;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t v = number(value + i * size, size);
      numbers[tag].push_back(type == 12 ? std::bit_cast<double>(v) : static_cast<double>(v));
    }
  }

  std::string bytes_;
};

}  // namespace dtacs::test
