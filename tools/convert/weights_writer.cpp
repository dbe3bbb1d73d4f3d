// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/weights_writer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "io/crc32c.h"
#include "io/host/failure.h"
#include "weights/f16.h"
#include "weights/weights_layout.h"

namespace dtacs {

using namespace weights_v1;

namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Failure(Exit::bad_weights, why);
}

template <class T>
void put(std::vector<std::byte>& file, std::size_t at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    file[at + i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xffu);
}

// Returns where the string went.
std::size_t append(std::vector<std::byte>& file, const std::string& s) {
  const std::size_t at = file.size();
  for (const char c : s) file.push_back(static_cast<std::byte>(c));
  return at;
}

void pad(std::vector<std::byte>& file) {
  file.resize(align_up(file.size()));
}

void check(const WeightsTensor& t) {
  if (!is_name(t.name)) refuse("\"" + t.name + "\" is no tensor name: 1 to 63 letters, digits, '.', '_' or '-'");
  if (t.dims.empty() || t.dims.size() > 4) refuse(t.name + ": expected 1 to 4 dimensions");
  std::uint64_t count = 1;
  for (const std::uint32_t d : t.dims) {
    count *= d;  // both factors below 2^32
    if (count == 0 || count > kMaxFile) refuse(t.name + ": a dimension is 0 or the tensor too large");
  }
  const std::size_t given = is_integer(t.dtype) ? t.integers.size() : t.values.size();
  if (count != given)
    refuse(t.name + ": the shape has " + std::to_string(count) + " values, " + std::to_string(given) + " were given");
}

void append_integers(std::vector<std::byte>& file, const WeightsTensor& t) {
  const std::size_t size = element_bytes(t.dtype);
  const std::int64_t most = (std::int64_t{1} << (8 * size - 1)) - 1;
  std::size_t at = file.size();
  file.resize(at + t.integers.size() * size);
  for (const std::int32_t v : t.integers) {
    if (v > most || v < -most - 1) refuse(t.name + ": " + std::to_string(v) + " does not fit in its type");
    for (std::size_t i = 0; i < size; ++i, ++at)
      file[at] = static_cast<std::byte>(static_cast<std::uint32_t>(v) >> (8 * i) & 0xffu);
  }
}

void append_values(std::vector<std::byte>& file, const WeightsTensor& t) {
  if (is_integer(t.dtype)) return append_integers(file, t);
  const bool half = t.dtype == DType::f16;
  std::size_t at = file.size();
  file.resize(at + t.values.size() * (half ? 2 : 4));
  for (const float v : t.values) {
    if (!std::isfinite(v)) refuse(t.name + ": holds a value that is infinite or not a number");
    if (half) {
      const std::uint16_t h = f32_to_f16(v);
      if ((h & 0x7c00u) == 0x7c00u) refuse(t.name + ": " + std::to_string(v) + " does not fit in f16, convert to f32");
      put(file, at, h);
      at += 2;
    } else {
      put(file, at, std::bit_cast<std::uint32_t>(v));
      at += 4;
    }
  }
}

}  // namespace

std::vector<std::byte> write_weights(std::vector<WeightsTensor> tensors,
                                     const std::map<std::string, std::string>& meta) {
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  if (tensors.size() > kMaxTensors || meta.size() > kMaxMeta) refuse("too many tensors or metadata for one file");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check(tensors[i]);
    if (i > 0 && tensors[i].name == tensors[i - 1].name) refuse(tensors[i].name + ": there are two of this name");
  }
  for (const auto& [key, value] : meta) {
    if (!is_name(key)) refuse("\"" + key + "\" is no metadata key: 1 to 63 letters, digits, '.', '_' or '-'");
    if (value.size() > kMaxValue) refuse("metadata \"" + key + "\" is longer than 4095 bytes");
    if (!is_text(value)) refuse("metadata \"" + key + "\" is not UTF-8 or holds control characters");
  }

  const std::size_t metas_at = kHeaderBytes + tensors.size() * kTensorBytes;
  std::vector<std::byte> file(metas_at + meta.size() * kMetaBytes);
  put(file, kHeadStrings, static_cast<std::uint32_t>(file.size()));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::size_t r = kHeaderBytes + i * kTensorBytes;
    put(file, r + kTensorName, static_cast<std::uint32_t>(append(file, tensors[i].name)));
    put(file, r + kTensorNameLength, static_cast<std::uint8_t>(tensors[i].name.size()));
  }
  std::size_t r = metas_at;
  for (const auto& [key, value] : meta) {
    put(file, r + kMetaKey, static_cast<std::uint32_t>(append(file, key)));
    put(file, r + kMetaKeyLength, static_cast<std::uint32_t>(key.size()));
    put(file, r + kMetaValue, static_cast<std::uint32_t>(append(file, value)));
    put(file, r + kMetaValueLength, static_cast<std::uint32_t>(value.size()));
    r += kMetaBytes;
  }
  pad(file);
  put(file, kHeadData, static_cast<std::uint32_t>(file.size()));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const WeightsTensor& t = tensors[i];
    r = kHeaderBytes + i * kTensorBytes;
    const std::size_t at = file.size();
    append_values(file, t);
    put(file, r + kTensorDType, static_cast<std::uint8_t>(t.dtype));
    put(file, r + kTensorRank, static_cast<std::uint8_t>(t.dims.size()));
    for (std::size_t d = 0; d < t.dims.size(); ++d) put(file, r + kTensorDims + 4 * d, t.dims[d]);
    put(file, r + kTensorData, std::uint64_t{at});
    put(file, r + kTensorDataBytes, std::uint64_t{file.size() - at});
    put(file, r + kTensorCrc, crc32c(std::span<const std::byte>(file).subspan(at)));
    pad(file);
    if (file.size() > kMaxFile) refuse("the weights do not fit in a file of 2 GiB");
  }

  for (std::size_t i = 0; i < sizeof kMagic; ++i) file[i] = static_cast<std::byte>(kMagic[i]);
  const bool integers =
      std::any_of(tensors.begin(), tensors.end(), [](const WeightsTensor& t) { return is_integer(t.dtype); });
  put(file, kHeadVersion, integers ? kIntegerVersion : kVersion);
  put(file, kHeadBytes, std::uint64_t{file.size()});
  put(file, kHeadTensors, static_cast<std::uint32_t>(tensors.size()));
  put(file, kHeadMeta, static_cast<std::uint32_t>(meta.size()));
  put(file, kHeadCrc, crc32c(file));  // last, over a file in which these bytes are still zero
  return file;
}

}  // namespace dtacs
