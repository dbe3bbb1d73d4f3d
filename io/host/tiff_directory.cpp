// SPDX-License-Identifier: Apache-2.0
#include "io/host/tiff_directory.h"

#include <bit>

namespace dtacs {
namespace {

enum Type : int { kAscii = 2, kShort = 3, kLong = 4, kDouble = 12, kLong8 = 16 };

}  // namespace

void put_le(TiffBytes& out, std::uint64_t v, int size) {
  for (int i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}

void TiffDirectory::shorts(int tag, const std::vector<std::uint16_t>& values) {
  Entry e{kShort, values.size(), {}};
  for (const std::uint16_t v : values) put_le(e.value, v, 2);
  entries_[tag] = std::move(e);
}

void TiffDirectory::longs(int tag, const std::vector<std::uint32_t>& values) {
  Entry e{kLong, values.size(), {}};
  for (const std::uint32_t v : values) put_le(e.value, v, 4);
  entries_[tag] = std::move(e);
}

void TiffDirectory::offsets(int tag, const std::vector<std::uint64_t>& values) {
  Entry e{big_ ? kLong8 : kLong, values.size(), {}};
  for (const std::uint64_t v : values) put_le(e.value, v, big_ ? 8 : 4);
  entries_[tag] = std::move(e);
}

void TiffDirectory::doubles(int tag, const std::vector<double>& values) {
  Entry e{kDouble, values.size(), {}};
  for (const double v : values) put_le(e.value, std::bit_cast<std::uint64_t>(v), 8);
  entries_[tag] = std::move(e);
}

void TiffDirectory::text(int tag, std::string_view s) {
  Entry e{kAscii, s.size() + 1, TiffBytes(s.begin(), s.end())};
  e.value.push_back(0);
  entries_[tag] = std::move(e);
}

TiffBytes TiffDirectory::header(bool big, std::uint64_t at) {
  TiffBytes h = {'I', 'I'};
  put_le(h, big ? 43 : 42, 2);
  if (big) {
    put_le(h, 8, 2);  // bytes of an offset
    put_le(h, 0, 2);
  }
  put_le(h, at, big ? 8 : 4);
  return h;
}

TiffBytes TiffDirectory::encode(std::uint64_t at) const {
  const int word = big_ ? 8 : 4;  // bytes of a count, an offset, an inline value
  const std::uint64_t entry_bytes = 4 + 2 * static_cast<std::uint64_t>(word);
  std::uint64_t value_at = at + (big_ ? 8 : 2) + entries_.size() * entry_bytes + static_cast<std::uint64_t>(word);
  TiffBytes out, values;
  put_le(out, entries_.size(), big_ ? 8 : 2);
  for (const auto& [tag, e] : entries_) {
    put_le(out, static_cast<std::uint64_t>(tag), 2);
    put_le(out, static_cast<std::uint64_t>(e.type), 2);
    put_le(out, e.count, word);
    if (e.value.size() <= static_cast<std::size_t>(word)) {
      TiffBytes inlined = e.value;
      inlined.resize(static_cast<std::size_t>(word), 0);
      out.insert(out.end(), inlined.begin(), inlined.end());
      continue;
    }
    while (value_at % 8 != 0) {
      values.push_back(0);
      ++value_at;
    }
    put_le(out, value_at, word);
    values.insert(values.end(), e.value.begin(), e.value.end());
    value_at += e.value.size();
  }
  put_le(out, 0, word);  // the next directory: none
  out.insert(out.end(), values.begin(), values.end());
  return out;
}

}  // namespace dtacs
