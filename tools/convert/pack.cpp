// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/pack.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "io/crc32c.h"
#include "io/host/failure.h"
#include "weights/packed_file.h"
#include "weights/packed_layout.h"
#include "weights/weights_file.h"

namespace dtacs {

using namespace packed;

namespace {

using Bytes = std::span<const std::byte>;

void put(std::vector<std::byte>& out, std::size_t at, std::uint32_t v) {
  for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<std::byte>(v >> (8 * i));
}

// A binary range coder: low_ may carry into bytes that are therefore held back.
class Encoder {
 public:
  void bit(Node& node, unsigned one) {
    const std::uint32_t split = (range_ >> kProbabilityBits) * node.zero();
    if (one != 0) {
      low_ += split;
      range_ -= split;
    } else {
      range_ = split;
    }
    node.learn(one);
    while (range_ < kBottom) {
      range_ <<= 8;
      shift();
    }
  }
  std::vector<std::byte> finish() {
    for (int i = 0; i < 5; ++i) shift();
    return std::move(out_);
  }

 private:
  void shift() {
    if (low_ < 0xff000000u || low_ > 0xffffffffu) {
      const auto carry = static_cast<unsigned>(low_ >> 32);
      for (; held_ > 0; --held_) {
        out_.push_back(static_cast<std::byte>(first_ + carry));
        first_ = 0xff;
      }
      first_ = static_cast<unsigned>(low_ >> 24) & 255u;
    }
    ++held_;
    low_ = (low_ & 0x00ffffffu) << 8;
  }

  std::vector<std::byte> out_;
  std::uint64_t low_ = 0;
  std::uint32_t range_ = 0xffffffffu;
  unsigned first_ = 0;      // of the bytes held back; the others are 255
  std::uint64_t held_ = 1;  // the first byte of all is 0
};

std::vector<std::byte> encode(Bytes in, Model& model) {
  model.reset();
  Encoder encoder;
  for (const std::byte b : in) {
    Node* const tree = model.tree();
    const unsigned symbol = static_cast<unsigned>(b) ^ 128u;
    unsigned node = 1;
    for (int i = 7; i >= 0; --i) {
      const unsigned bit = symbol >> i & 1u;
      encoder.bit(tree[node], bit);
      node = node << 1 | bit;
    }
    model.saw(symbol);
  }
  std::vector<std::byte> out = encoder.finish();
  if (out.size() >= in.size()) out.assign(in.begin(), in.end());
  return out;
}

// Everything up to the first tensor, each tensor, and what is between them.
std::vector<Segment> segments_of(Bytes original, Bytes base) {
  std::vector<Segment> segments;
  std::size_t at = 0;
  const auto plain_up_to = [&](std::size_t end) {
    if (end > at) segments.push_back({.group = static_cast<std::uint32_t>(end - at)});
    at = end;
  };
  WeightsFile file, old;
  // Tensors and the padding between them must be at most so many segments.
  if (WeightsFile::open(original, file) == Status::ok && 2 * file.tensor_count() < static_cast<int>(kMaxSegments)) {
    const bool difference = WeightsFile::open(base, old) == Status::ok;
    for (int i = 0; i < file.tensor_count(); ++i) {
      const TensorView t = file.tensor(i);
      plain_up_to(static_cast<std::size_t>(t.bytes.data() - original.data()));
      Segment s{.rows = t.dims[0], .element = static_cast<std::uint32_t>(element_bytes(t.dtype))};
      if (t.rank > 1) s.columns = t.dims[1];
      if (t.rank > 2) s.group = t.dims[2];
      if (t.rank > 3) s.group *= t.dims[3];
      if (difference) {
        const TensorView before = old.find(t.name);
        if (before.rank == t.rank && before.dtype == t.dtype && std::equal(t.dims, t.dims + 4, before.dims))
          s.base = static_cast<std::uint32_t>(before.bytes.data() - base.data());
      }
      segments.push_back(s);
      at += static_cast<std::size_t>(s.bytes());
    }
  }
  plain_up_to(original.size());
  return segments;
}

}  // namespace

std::vector<std::byte> pack(Bytes original, Bytes base, std::uint32_t chunk) {
  if (original.empty() || original.size() > kMaxFile || base.size() > kMaxFile)
    throw Failure(Exit::usage, "expected a file of 1 to 2147483647 bytes to pack");
  const std::vector<Segment> segments = segments_of(original, base);
  const std::size_t chunks = (original.size() + chunk - 1) / chunk;
  const std::size_t first_chunk = kHeaderBytes + segments.size() * kSegmentBytes;
  std::vector<std::byte> out(first_chunk + chunks * kChunkBytes);
  std::memcpy(out.data(), kMagic, sizeof kMagic);
  const auto size = static_cast<std::uint32_t>(original.size());
  put(out, kHeadVersion, kVersion);
  put(out, kHeadOriginal, size);
  put(out, kHeadOriginalCrc, crc32c(original));
  put(out, kHeadBase, static_cast<std::uint32_t>(base.size()));
  put(out, kHeadBaseCrc, base.empty() ? 0 : crc32c(base));
  put(out, kHeadSegments, static_cast<std::uint32_t>(segments.size()));
  put(out, kHeadChunk, chunk);
  std::size_t at = kHeaderBytes;
  for (const Segment& s : segments)
    for (const std::uint32_t v : {s.rows, s.columns, s.group, s.element, s.base}) {
      put(out, at, v);
      at += 4;
    }
  const std::vector<std::byte> table(out.begin() + kHeaderBytes,
                                     out.begin() + static_cast<std::ptrdiff_t>(first_chunk));  // out grows below
  Walk walk(table, 0);
  const auto model = std::make_unique<Model>();
  std::vector<std::byte> in;
  for (std::size_t i = 0; i < chunks; ++i) {
    in.resize(std::min<std::size_t>(chunk, original.size() - i * chunk));
    for (std::byte& b : in) {
      const unsigned before = walk.has_base() ? static_cast<unsigned>(base[walk.base_at()]) : 0;
      b = static_cast<std::byte>(static_cast<unsigned>(original[walk.at()]) - before);
      walk.next();
    }
    const std::vector<std::byte> coded = encode(in, *model);
    const std::size_t record = first_chunk + i * kChunkBytes;
    put(out, record + kChunkBegin, static_cast<std::uint32_t>(out.size()));
    put(out, record + kChunkLength, static_cast<std::uint32_t>(coded.size()));
    put(out, record + kChunkCrc, crc32c(coded));
    out.insert(out.end(), coded.begin(), coded.end());
  }
  if (out.size() > kMaxFile) throw Failure(Exit::usage, "expected a file of 1 to 2147483647 bytes to pack");
  put(out, kHeadPacked, static_cast<std::uint32_t>(out.size()));
  put(out, kHeadCrc, crc32c(Bytes(out).first(first_chunk + chunks * kChunkBytes)));
  return out;
}

}  // namespace dtacs
