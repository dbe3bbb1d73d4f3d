// SPDX-License-Identifier: Apache-2.0
#include "weights/packed_file.h"

#include "io/crc32c.h"
#include "weights/packed_layout.h"

namespace dtacs {

using namespace packed;

namespace {

using Bytes = std::span<const std::byte>;

std::uint32_t chunk_count(const std::byte* head) noexcept {
  const std::uint32_t chunk = number(head + kHeadChunk), original = number(head + kHeadOriginal);
  return (original + chunk - 1) / chunk;
}
std::size_t segments_end(const std::byte* head) noexcept {
  return kHeaderBytes + std::size_t{number(head + kHeadSegments)} * kSegmentBytes;
}
const std::byte* chunk_record(Bytes b, int i) noexcept {
  return b.data() + segments_end(b.data()) + static_cast<std::size_t>(i) * kChunkBytes;
}

// The segments are all of the original, and what they add to is within the base.
bool segments_are_valid(Bytes bytes) noexcept {
  const std::byte* const head = bytes.data();
  const std::uint32_t original = number(head + kHeadOriginal), base = number(head + kHeadBase);
  std::uint64_t sum = 0;
  for (std::size_t at = kHeaderBytes; at < segments_end(head); at += kSegmentBytes) {
    const Segment s = segment(head + at);
    if (s.element != 1 && s.element != 2 && s.element != 4) return false;
    std::uint64_t size = s.element;
    for (const std::uint32_t n : {s.rows, s.columns, s.group}) {
      size *= n;
      if (size == 0 || size > original) return false;
    }
    sum += size;
    if (sum > original) return false;
    if (s.base != kNoBase && (s.base > base || size > base - s.base)) return false;
  }
  return sum == original;
}

// A binary range decoder.  Past the end it reads zeros and says so at last.
class Decoder {
 public:
  explicit Decoder(Bytes in) noexcept : in_(in) {
    for (int i = 0; i < 5; ++i) code_ = code_ << 8 | next();
  }
  unsigned bit(Node& node) noexcept {
    const std::uint32_t split = (range_ >> kProbabilityBits) * node.zero();
    const unsigned one = code_ >= split;
    if (one != 0) {
      code_ -= split;
      range_ -= split;
    } else {
      range_ = split;
    }
    node.learn(one);
    while (range_ < kBottom) {
      range_ <<= 8;
      code_ = code_ << 8 | next();
    }
    return one;
  }
  bool used_up() const noexcept { return at_ == in_.size(); }

 private:
  std::uint32_t next() noexcept {
    const std::uint32_t v = at_ < in_.size() ? static_cast<std::uint32_t>(in_[at_]) : 0;
    ++at_;
    return v;
  }

  Bytes in_;
  std::size_t at_ = 0;
  std::uint32_t range_ = 0xffffffffu, code_ = 0;
};

}  // namespace

Status PackedFile::open(Bytes bytes, PackedFile& out) noexcept {
  out.bytes_ = {};
  for (std::size_t i = 0; i < sizeof kMagic && i < bytes.size(); ++i)
    if (static_cast<std::uint8_t>(bytes[i]) != kMagic[i]) return Status::bad_magic;
  if (bytes.size() < kHeaderBytes) return Status::truncated;
  const std::byte* const head = bytes.data();
  if (number(head + kHeadVersion) != kVersion) return Status::bad_version;
  const std::uint32_t segments = number(head + kHeadSegments), chunk = number(head + kHeadChunk),
                      original = number(head + kHeadOriginal), size = number(head + kHeadPacked);
  if (segments == 0 || segments > kMaxSegments || chunk < kLeastChunk || chunk > kMostChunk || original == 0 ||
      original > kMaxFile || number(head + kHeadBase) > kMaxFile || size > kMaxFile)
    return Status::corrupt;
  const std::size_t tables = segments_end(head) + std::size_t{chunk_count(head)} * kChunkBytes;
  if (tables > size || bytes.size() > size) return Status::corrupt;
  if (bytes.size() < tables) return Status::truncated;
  if (crc32c_without(bytes.first(tables), kHeadCrc) != number(head + kHeadCrc)) return Status::corrupt;

  // From here on the tables are what somebody meant to write, which may still be nonsense.
  for (std::size_t i = kHeadReserved; i < kHeaderBytes; ++i)
    if (bytes[i] != std::byte{0}) return Status::corrupt;
  if (number(head + kHeadBase) == 0 && number(head + kHeadBaseCrc) != 0) return Status::corrupt;
  if (!segments_are_valid(bytes)) return Status::corrupt;
  std::uint64_t at = tables;
  for (std::uint32_t i = 0; i < chunk_count(head); ++i) {
    const std::byte* const r = chunk_record(bytes, static_cast<int>(i));
    const std::uint32_t length = number(r + kChunkLength);
    const std::uint32_t left = original - i * chunk;
    if (number(r + kChunkBegin) != at || length == 0 || length > (left < chunk ? left : chunk)) return Status::corrupt;
    at += length;
  }
  if (at != size) return Status::corrupt;
  out.bytes_ = bytes;
  return Status::ok;
}

std::size_t PackedFile::packed_bytes() const noexcept {
  return number(bytes_.data() + kHeadPacked);
}
std::size_t PackedFile::original_bytes() const noexcept {
  return number(bytes_.data() + kHeadOriginal);
}
std::uint32_t PackedFile::original_crc() const noexcept {
  return number(bytes_.data() + kHeadOriginalCrc);
}
std::size_t PackedFile::base_bytes() const noexcept {
  return number(bytes_.data() + kHeadBase);
}
std::uint32_t PackedFile::base_crc() const noexcept {
  return number(bytes_.data() + kHeadBaseCrc);
}
int PackedFile::chunks() const noexcept {
  return static_cast<int>(chunk_count(bytes_.data()));
}

std::size_t PackedFile::chunk_begin(int i) const noexcept {
  return number(chunk_record(bytes_, i) + kChunkBegin);
}
std::size_t PackedFile::chunk_bytes(int i) const noexcept {
  return number(chunk_record(bytes_, i) + kChunkLength);
}

Status PackedFile::check_chunk(int i) const noexcept {
  const std::size_t begin = chunk_begin(i), length = chunk_bytes(i);
  if (begin + length > bytes_.size()) return Status::truncated;
  return crc32c(bytes_.subspan(begin, length)) == number(chunk_record(bytes_, i) + kChunkCrc) ? Status::ok
                                                                                              : Status::corrupt;
}

Status PackedFile::check_base(Bytes base) const noexcept {
  const bool right = base.size() == base_bytes() && (base.empty() || crc32c(base) == base_crc());
  return right ? Status::ok : Status::wrong_base;
}

Status PackedFile::unpack_chunk(int i, Bytes base, std::span<std::byte> out, Model& model) const noexcept {
  if (base.size() != base_bytes()) return Status::wrong_base;
  if (out.size() != original_bytes()) return Status::wrong_shape;
  if (const Status s = check_chunk(i); s != Status::ok) return s;
  const std::uint32_t chunk = number(bytes_.data() + kHeadChunk), begin = static_cast<std::uint32_t>(i) * chunk;
  const std::uint32_t left = number(bytes_.data() + kHeadOriginal) - begin, count = left < chunk ? left : chunk;
  const Bytes in = bytes_.subspan(chunk_begin(i), chunk_bytes(i));
  Walk walk(bytes_.subspan(kHeaderBytes, segments_end(bytes_.data()) - kHeaderBytes), begin);
  const auto put = [&](unsigned value) {
    if (walk.has_base()) value += static_cast<unsigned>(base[walk.base_at()]);
    out[walk.at()] = static_cast<std::byte>(value);
    walk.next();
  };
  if (in.size() == count) {
    for (const std::byte b : in) put(static_cast<unsigned>(b));
    return Status::ok;
  }
  model.reset();
  Decoder decoder(in);
  for (std::uint32_t n = 0; n < count; ++n) {
    Node* const tree = model.tree();
    unsigned node = 1;
    while (node < 256) node = node << 1 | decoder.bit(tree[node]);
    model.saw(node & 255u);
    put((node & 255u) ^ 128u);
  }
  return decoder.used_up() ? Status::ok : Status::corrupt;
}

}  // namespace dtacs
