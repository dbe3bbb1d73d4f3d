// SPDX-License-Identifier: Apache-2.0
#include "io/host/tiff_fields.h"

#include <bit>

#include "io/host/failure.h"

namespace dtacs {

namespace {

constexpr std::uint64_t kMostFields = 4096;
constexpr std::uint64_t kMostText = 4 << 20;

// Bytes of a value by its type; 0: not known, and not needed.
int size_of_type(int type) {
  switch (type) {
    case 1:
    case 2:
    case 6:
    case 7: return 1;
    case 3:
    case 8: return 2;
    case 4:
    case 9:
    case 11:
    case 13: return 4;
    case 5:
    case 10:
    case 12:
    case 16:
    case 17:
    case 18: return 8;
    default: return 0;
  }
}

}  // namespace

std::uint64_t TiffFields::word(std::span<const std::uint8_t> bytes, std::size_t at, int size) const {
  std::uint64_t v = 0;
  for (int i = 0; i < size; ++i) {
    const std::size_t k = at + static_cast<std::size_t>(big_endian_ ? i : size - 1 - i);
    v = v << 8 | bytes[k];
  }
  return v;
}

TiffFields::TiffFields(std::span<const std::uint8_t> bytes, const std::string& file) : file_(file) {
  const auto damaged = [&](const char* what) { throw Failure(Exit::bad_data, file + ": damaged TIFF: " + what); };
  const bool little = bytes.size() >= 8 && bytes[0] == 'I' && bytes[1] == 'I';
  big_endian_ = bytes.size() >= 8 && bytes[0] == 'M' && bytes[1] == 'M';
  const std::uint64_t version = little || big_endian_ ? word(bytes, 2, 2) : 0;
  if (version != 42 && version != 43) throw Failure(Exit::unsupported, file + ": not a TIFF file");
  const bool big = version == 43;
  if (big && (bytes.size() < 16 || word(bytes, 4, 2) != 8)) damaged("its header is cut off or of another BigTIFF");
  const int offset_size = big ? 8 : 4, count_size = big ? 8 : 2;
  const std::uint64_t directory = word(bytes, static_cast<std::size_t>(offset_size), offset_size);
  const std::uint64_t size = bytes.size();
  if (directory > size || size - directory < static_cast<std::uint64_t>(count_size))
    damaged("its directory lies outside the file");
  const std::uint64_t count = word(bytes, static_cast<std::size_t>(directory), count_size);
  const std::uint64_t entry = big ? 20 : 12, first = directory + static_cast<std::uint64_t>(count_size);
  if (count > kMostFields || size - first < count * entry) damaged("its directory reaches outside the file");
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(first + i * entry);
    const int tag = static_cast<int>(word(bytes, at, 2)), type = static_cast<int>(word(bytes, at + 2, 2));
    const std::uint64_t n = word(bytes, at + 4, offset_size);
    const auto value_size = static_cast<std::uint64_t>(size_of_type(type));
    if (value_size == 0) continue;
    if (n > size / value_size) damaged("a field is larger than the file");
    const auto slot = at + 4 + static_cast<std::size_t>(offset_size);
    const std::uint64_t length = n * value_size;
    const std::uint64_t where =
        length <= static_cast<std::uint64_t>(offset_size) ? slot : word(bytes, slot, offset_size);
    if (where > size || size - where < length) damaged("a field lies outside the file");
    fields_[tag] = {type, n, bytes.subspan(static_cast<std::size_t>(where), static_cast<std::size_t>(length))};
  }
}

std::vector<std::uint64_t> TiffFields::numbers(int tag, std::uint64_t most) const {
  const auto at = fields_.find(tag);
  if (at == fields_.end()) return {};
  const Field& f = at->second;
  const bool whole = f.type == 1 || f.type == 3 || f.type == 4 || f.type == 13 || f.type == 16 || f.type == 18;
  if (!whole || f.count == 0 || f.count > most)
    throw Failure(Exit::bad_data, file_ + ": damaged TIFF: field " + std::to_string(tag) + " has type " +
                                      std::to_string(f.type) + " and " + std::to_string(f.count) + " values");
  const int size = size_of_type(f.type);
  std::vector<std::uint64_t> out(static_cast<std::size_t>(f.count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = word(f.value, i * static_cast<std::size_t>(size), size);
  return out;
}

std::uint64_t TiffFields::number(int tag, std::uint64_t otherwise) const {
  return has(tag) ? numbers(tag, 65536)[0] : otherwise;
}

std::vector<double> TiffFields::doubles(int tag) const {
  const auto at = fields_.find(tag);
  if (at == fields_.end() || at->second.type != 12 || at->second.count > 1024) return {};
  std::vector<double> out(static_cast<std::size_t>(at->second.count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::bit_cast<double>(word(at->second.value, 8 * i, 8));
  return out;
}

std::string TiffFields::text(int tag) const {
  const auto at = fields_.find(tag);
  if (at == fields_.end() || at->second.type != 2 || at->second.count > kMostText) return "";
  const auto v = at->second.value;
  std::string s(v.begin(), v.end());
  return s.substr(0, s.find('\0'));
}

}  // namespace dtacs
