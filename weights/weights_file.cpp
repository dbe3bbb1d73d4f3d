// SPDX-License-Identifier: Apache-2.0
#include "weights/weights_file.h"

#include <bit>

#include "io/crc32c.h"
#include "weights/f16.h"
#include "weights/weights_layout.h"

namespace dtacs {

using namespace weights_v1;

namespace {

using Bytes = std::span<const std::byte>;

// Assembled byte by byte: right on any machine, and one load where it is little-endian.
template <class T>
T little(const std::byte* p) noexcept {
  T v = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    v = static_cast<T>(static_cast<T>(v << (sizeof(T) > 1 ? 8 : 0)) | static_cast<T>(p[i]));
  return v;
}
std::uint32_t u32(const std::byte* p) noexcept {
  return little<std::uint32_t>(p);
}
std::uint64_t u64(const std::byte* p) noexcept {
  return little<std::uint64_t>(p);
}
std::uint8_t u8(const std::byte* p) noexcept {
  return static_cast<std::uint8_t>(*p);
}

std::string_view text(Bytes bytes, std::uint64_t at, std::size_t length) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()) + at, length};
}

const std::byte* tensor_record(Bytes b, std::size_t i) noexcept {
  return b.data() + kHeaderBytes + i * kTensorBytes;
}
const std::byte* meta_record(Bytes b, std::size_t i) noexcept {
  return tensor_record(b, u32(b.data() + kHeadTensors)) + i * kMetaBytes;
}

bool all_zero(Bytes bytes) noexcept {
  for (const std::byte b : bytes)
    if (b != std::byte{0}) return false;
  return true;
}

bool all_finite(Bytes data, DType dtype) noexcept {
  std::uint32_t bad = 0;  // no early exit: a loop the compiler can vectorise
  if (dtype == DType::f16) {
    for (std::size_t i = 0; i < data.size(); i += 2) bad |= (little<std::uint16_t>(&data[i]) & 0x7c00u) == 0x7c00u;
  } else if (dtype == DType::f32) {
    for (std::size_t i = 0; i < data.size(); i += 4) bad |= (u32(&data[i]) & 0x7f800000u) == 0x7f800000u;
  }
  return bad == 0;
}

// Everything about the strings and tables.  A valid file has one form only: strings
// and data follow each other in table order, so checking an offset means comparing
// it with where the last thing ended.
bool strings_are_valid(Bytes bytes, std::uint32_t tensors, std::uint32_t metas, std::uint64_t data) noexcept {
  std::uint64_t at = u32(bytes.data() + kHeadStrings);
  const auto next = [&](std::uint64_t offset, std::size_t length, std::string_view& s) {
    if (offset != at || length > data - at) return false;  // at <= data throughout
    s = text(bytes, at, length);
    at += length;
    return true;
  };
  std::string_view before, s;
  for (std::uint32_t i = 0; i < tensors; ++i, before = s) {
    const std::byte* r = tensor_record(bytes, i);
    if (!next(u32(r + kTensorName), u8(r + kTensorNameLength), s) || !is_name(s)) return false;
    if (i > 0 && !(before < s)) return false;
  }
  for (std::uint32_t i = 0; i < metas; ++i, before = s) {
    const std::byte* r = meta_record(bytes, i);
    std::string_view value;
    if (!next(u32(r + kMetaKey), u32(r + kMetaKeyLength), s) || s.size() > kMaxKey || !is_name(s)) return false;
    if (i > 0 && !(before < s)) return false;
    if (!next(u32(r + kMetaValue), u32(r + kMetaValueLength), value) || value.size() > kMaxValue || !is_text(value))
      return false;
  }
  return align_up(at) == data && all_zero(bytes.subspan(at, data - at));
}

Status tensor_is_valid(Bytes bytes, const std::byte* r, std::uint64_t& at) noexcept {
  if (u8(r + kTensorDType) > static_cast<std::uint8_t>(DType::s32)) return Status::corrupt;
  const auto dtype = static_cast<DType>(u8(r + kTensorDType));
  const std::uint32_t rank = u8(r + kTensorRank);
  if (rank < 1 || rank > 4 || u8(r + kTensorReserved) != 0) return Status::corrupt;
  std::uint64_t count = 1;  // stays below 2^31: no product overflows
  for (std::uint32_t d = 0; d < 4; ++d) {
    const std::uint32_t dim = u32(r + kTensorDims + 4 * d);
    if ((dim != 0) != (d < rank)) return Status::corrupt;
    if (d < rank) count *= dim;
    if (count > bytes.size()) return Status::corrupt;
  }
  const std::uint64_t size = count * element_bytes(dtype);
  if (u64(r + kTensorData) != at || u64(r + kTensorDataBytes) != size || size > bytes.size() - at)
    return Status::corrupt;
  if (!all_zero({r + kTensorReserved2, kTensorBytes - kTensorReserved2})) return Status::corrupt;
  const Bytes data = bytes.subspan(at, size);
  if (crc32c(data) != u32(r + kTensorCrc) || !all_finite(data, dtype)) return Status::corrupt;
  const std::uint64_t end = align_up(at + size);
  if (end > bytes.size() || !all_zero(bytes.subspan(at + size, end - at - size))) return Status::corrupt;
  at = end;
  return Status::ok;
}

}  // namespace

std::size_t TensorView::count() const noexcept {
  return bytes.size() / element_bytes(dtype);
}

void TensorView::to_f32(float* dst) const noexcept {
  const std::size_t n = count();
  if (dtype == DType::f16) {
    for (std::size_t i = 0; i < n; ++i) dst[i] = f16_to_f32(little<std::uint16_t>(&bytes[2 * i]));
  } else {
    for (std::size_t i = 0; i < n; ++i) dst[i] = std::bit_cast<float>(u32(&bytes[4 * i]));
  }
}

Status WeightsFile::open(Bytes bytes, WeightsFile& out) noexcept {
  out.bytes_ = {};
  for (std::size_t i = 0; i < sizeof kMagic && i < bytes.size(); ++i)
    if (u8(&bytes[i]) != kMagic[i]) return Status::bad_magic;
  if (bytes.size() < kHeaderBytes) return Status::truncated;
  const std::byte* head = bytes.data();
  const std::uint32_t version = u32(head + kHeadVersion);
  if (version != kVersion && version != kIntegerVersion) return Status::bad_version;
  if (u64(head + kHeadBytes) > bytes.size()) return Status::truncated;
  if (u64(head + kHeadBytes) < bytes.size() || bytes.size() > kMaxFile) return Status::corrupt;
  if (u32(head + kHeadCrc) != crc32c_without(bytes, kHeadCrc)) return Status::corrupt;

  // From here on the bytes are what somebody meant to write, which may still be nonsense.
  const std::uint32_t tensors = u32(head + kHeadTensors), metas = u32(head + kHeadMeta);
  const std::uint64_t strings = u32(head + kHeadStrings), data = u32(head + kHeadData);
  if (tensors > kMaxTensors || metas > kMaxMeta ||
      !all_zero(bytes.subspan(kHeadReserved, kHeaderBytes - kHeadReserved)))
    return Status::corrupt;
  if (strings != kHeaderBytes + tensors * std::uint64_t{kTensorBytes} + metas * std::uint64_t{kMetaBytes} ||
      strings > data || data > bytes.size() || !strings_are_valid(bytes, tensors, metas, data))
    return Status::corrupt;
  std::uint64_t at = data;
  bool integers = false;
  for (std::uint32_t i = 0; i < tensors; ++i) {
    const std::byte* r = tensor_record(bytes, i);
    if (const Status s = tensor_is_valid(bytes, r, at); s != Status::ok) return s;
    integers = integers || is_integer(static_cast<DType>(u8(r + kTensorDType)));
  }
  if (at != bytes.size() || integers != (version == kIntegerVersion)) return Status::corrupt;
  out.bytes_ = bytes;
  return Status::ok;
}

int WeightsFile::tensor_count() const noexcept {
  return bytes_.empty() ? 0 : static_cast<int>(u32(bytes_.data() + kHeadTensors));
}

TensorView WeightsFile::tensor(int index) const noexcept {
  const std::byte* r = tensor_record(bytes_, static_cast<std::size_t>(index));
  TensorView t;
  t.name = text(bytes_, u32(r + kTensorName), u8(r + kTensorNameLength));
  t.dtype = static_cast<DType>(u8(r + kTensorDType));
  t.rank = u8(r + kTensorRank);
  for (std::size_t d = 0; d < 4; ++d) t.dims[d] = u32(r + kTensorDims + 4 * d);
  t.bytes = bytes_.subspan(static_cast<std::size_t>(u64(r + kTensorData)),
                           static_cast<std::size_t>(u64(r + kTensorDataBytes)));
  return t;
}

TensorView WeightsFile::find(std::string_view name) const noexcept {
  int low = 0, high = tensor_count();  // the answer is in [low, high)
  while (low < high) {
    const int middle = low + (high - low) / 2;
    const TensorView t = tensor(middle);
    if (t.name == name) return t;
    if (t.name < name) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {};
}

int WeightsFile::meta_count() const noexcept {
  return bytes_.empty() ? 0 : static_cast<int>(u32(bytes_.data() + kHeadMeta));
}

std::string_view WeightsFile::meta_key(int index) const noexcept {
  const std::byte* r = meta_record(bytes_, static_cast<std::size_t>(index));
  return text(bytes_, u32(r + kMetaKey), u32(r + kMetaKeyLength));
}

std::string_view WeightsFile::meta_value(int index) const noexcept {
  const std::byte* r = meta_record(bytes_, static_cast<std::size_t>(index));
  return text(bytes_, u32(r + kMetaValue), u32(r + kMetaValueLength));
}

std::string_view WeightsFile::meta(std::string_view key) const noexcept {
  for (int i = 0; i < meta_count(); ++i)
    if (meta_key(i) == key) return meta_value(i);
  return {};
}

unsigned WeightsFile::version() const noexcept {
  return bytes_.empty() ? 0 : u32(bytes_.data() + kHeadVersion);
}

std::uint32_t WeightsFile::crc() const noexcept {
  return bytes_.empty() ? 0 : u32(bytes_.data() + kHeadCrc);
}

}  // namespace dtacs
