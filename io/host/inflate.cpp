// SPDX-License-Identifier: Apache-2.0
#include "io/host/inflate.h"

#include <algorithm>
#include <cstring>

namespace dtacs {

namespace {

constexpr int kMostCodeBits = 15;
constexpr int kQuickBits = 10;  // codes up to this long are found by one look

// Bits of deflate: the lowest of each byte first.  Behind the end there are zeros, and
// overrun() tells that some of them were taken.
class BitSource {
 public:
  explicit BitSource(std::span<const std::uint8_t> in) : in_(in) {}

  std::uint32_t peek(int count) {
    while (held_ < count) {
      if (at_ < in_.size())
        word_ |= static_cast<std::uint64_t>(in_[at_++]) << held_;
      else
        ++missing_;
      held_ += 8;
    }
    return static_cast<std::uint32_t>(word_ & ((std::uint64_t{1} << count) - 1));
  }
  void drop(int count) {
    word_ >>= count;
    held_ -= count;
  }
  std::uint32_t take(int count) {
    const std::uint32_t v = peek(count);
    drop(count);
    return v;
  }
  bool overrun() const { return missing_ * 8 > held_; }

  // To the next whole byte, and the bytes from there on.
  std::span<const std::uint8_t> bytes() {
    drop(held_ % 8);
    const auto unread = static_cast<std::size_t>(std::max(held_ / 8 - missing_, 0));
    word_ = 0;
    held_ = missing_ = 0;
    at_ -= unread;
    return in_.subspan(at_);
  }
  void skip(std::size_t count) { at_ += count; }

 private:
  std::span<const std::uint8_t> in_;
  std::size_t at_ = 0;
  std::uint64_t word_ = 0;
  int held_ = 0;     // bits in word_, missing ones included
  int missing_ = 0;  // bytes taken from behind the end
};

// A canonical prefix code: codes of one length are consecutive numbers, in the order of
// their symbols, highest bit first.
class PrefixCode {
 public:
  // False when the lengths make no prefix code, or leave bit patterns without a meaning
  // (deflate allows that to a code of one symbol or none).
  bool build(const std::uint8_t* lengths, int symbols) {
    std::fill(std::begin(count_), std::end(count_), std::uint16_t{0});
    std::fill(std::begin(quick_), std::end(quick_), std::uint16_t{0});
    for (int s = 0; s < symbols; ++s) ++count_[lengths[s]];
    const int used = symbols - count_[0];
    count_[0] = 0;
    int left = 1;  // patterns of the present length that are not yet taken
    std::uint16_t first[kMostCodeBits + 2] = {}, code[kMostCodeBits + 2] = {};
    for (int n = 1; n <= kMostCodeBits; ++n) {
      left = 2 * left - count_[n];
      if (left < 0) return false;
      first[n + 1] = static_cast<std::uint16_t>(first[n] + count_[n]);
      code[n + 1] = static_cast<std::uint16_t>((code[n] + count_[n]) << 1);
    }
    if (left > 0 && used > 1) return false;
    for (int s = 0; s < symbols; ++s) {
      const int n = lengths[s];
      if (n == 0) continue;
      symbols_[first[n]++] = static_cast<std::uint16_t>(s);
      const unsigned c = code[n]++;
      if (n > kQuickBits) continue;
      unsigned reversed = 0;
      for (int i = 0; i < n; ++i) reversed |= (c >> i & 1u) << (n - 1 - i);
      for (unsigned i = reversed; i < (1u << kQuickBits); i += 1u << n)
        quick_[i] = static_cast<std::uint16_t>(s << 4 | n);
    }
    return true;
  }

  // The next symbol; -1 for a pattern without a meaning.
  int next(BitSource& bits) const {
    std::uint32_t pattern = bits.peek(kMostCodeBits);
    if (const std::uint16_t q = quick_[pattern & ((1u << kQuickBits) - 1)]; q != 0) {
      bits.drop(q & 15);
      return q >> 4;
    }
    int code = 0, first = 0, index = 0;
    for (int n = 1; n <= kMostCodeBits; ++n) {
      code |= static_cast<int>(pattern & 1u);
      pattern >>= 1;
      if (code - first < count_[n]) {
        bits.drop(n);
        return symbols_[index + code - first];
      }
      index += count_[n];
      first = (first + count_[n]) << 1;
      code <<= 1;
    }
    return -1;
  }

 private:
  std::uint16_t count_[kMostCodeBits + 1];
  std::uint16_t symbols_[288];
  std::uint16_t quick_[1 << kQuickBits];  // symbol and length of the code these bits begin with; 0: longer
};

constexpr std::uint16_t kLengthBase[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                           31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::uint8_t kLengthBits[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                          2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::uint16_t kDistanceBase[30] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                             33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                             1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

class Inflate {
 public:
  Inflate(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) : bits_(in), out_(out) {}

  const char* run() {
    for (bool last = false; !last;) {
      last = bits_.take(1) != 0;
      const std::uint32_t kind = bits_.take(2);
      const char* problem = kind == 0   ? stored()
                            : kind == 1 ? fixed()
                            : kind == 2 ? dynamic()
                                        : "a deflate block of an unknown kind";
      if (problem == nullptr && bits_.overrun()) problem = "the deflate stream is cut off";
      if (problem != nullptr) return problem;
    }
    return nullptr;
  }
  std::size_t size() const { return size_; }
  std::span<const std::uint8_t> rest() { return bits_.bytes(); }

 private:
  static constexpr const char* kTooLong = "the deflate stream unpacks to more than it should";

  const char* stored() {
    const auto bytes = bits_.bytes();
    if (bytes.size() < 4) return "the deflate stream is cut off";
    const std::size_t n = bytes[0] | static_cast<std::size_t>(bytes[1]) << 8;
    if ((n ^ (bytes[2] | static_cast<std::size_t>(bytes[3]) << 8)) != 0xffff) return "a damaged stored deflate block";
    if (bytes.size() - 4 < n) return "the deflate stream is cut off";
    if (out_.size() - size_ < n) return kTooLong;
    std::copy_n(bytes.data() + 4, n, out_.data() + size_);
    size_ += n;
    bits_.skip(4 + n);
    return nullptr;
  }

  const char* fixed() {
    std::uint8_t lengths[288];
    for (int s = 0; s < 288; ++s) lengths[s] = s < 144 ? 8 : s < 256 ? 9 : s < 280 ? 7 : 8;
    literals_.build(lengths, 288);
    std::fill_n(lengths, 32, std::uint8_t{5});  // 30 and 31 have codes that no stream may use
    distances_.build(lengths, 32);
    return codes();
  }

  const char* dynamic() {
    constexpr const char* kDamaged = "a damaged deflate code table";
    constexpr std::uint8_t kOrder[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const int literals = static_cast<int>(bits_.take(5)) + 257, distances = static_cast<int>(bits_.take(5)) + 1;
    const int described = static_cast<int>(bits_.take(4)) + 4;
    if (literals > 286 || distances > 30) return kDamaged;
    std::uint8_t lengths[286 + 30] = {}, of_lengths[19] = {};
    for (int i = 0; i < described; ++i) of_lengths[kOrder[i]] = static_cast<std::uint8_t>(bits_.take(3));
    if (!literals_.build(of_lengths, 19)) return kDamaged;
    for (int i = 0; i < literals + distances;) {
      const int symbol = literals_.next(bits_);
      if (symbol < 0 || bits_.overrun()) return kDamaged;
      if (symbol < 16) {
        lengths[i++] = static_cast<std::uint8_t>(symbol);
        continue;
      }
      if (symbol == 16 && i == 0) return kDamaged;
      const std::uint8_t value = symbol == 16 ? lengths[i - 1] : std::uint8_t{0};
      const int repeat = static_cast<int>(symbol == 16   ? 3 + bits_.take(2)
                                          : symbol == 17 ? 3 + bits_.take(3)
                                                         : 11 + bits_.take(7));
      if (repeat > literals + distances - i) return kDamaged;
      std::fill_n(lengths + i, repeat, value);
      i += repeat;
    }
    if (lengths[256] == 0 || !literals_.build(lengths, literals) || !distances_.build(lengths + literals, distances))
      return kDamaged;
    return codes();
  }

  const char* codes() {
    for (;;) {
      int symbol = literals_.next(bits_);
      if (symbol < 0) return "a damaged deflate stream";
      if (bits_.overrun()) return "the deflate stream is cut off";
      if (symbol < 256) {
        if (size_ == out_.size()) return kTooLong;
        out_[size_++] = static_cast<std::uint8_t>(symbol);
        continue;
      }
      if (symbol == 256) return nullptr;
      symbol -= 257;
      if (symbol >= 29) return "a damaged deflate stream";
      const std::size_t length = kLengthBase[symbol] + bits_.take(kLengthBits[symbol]);
      const int d = distances_.next(bits_);
      if (d < 0 || d >= 30) return "a damaged deflate stream";
      const std::size_t distance = kDistanceBase[d] + bits_.take(d < 4 ? 0 : d / 2 - 1);
      if (distance > size_) return "a deflate stream that refers to bytes before its beginning";
      if (length > out_.size() - size_) return kTooLong;
      // Byte by byte: source and destination overlap where a pattern repeats.
      const std::uint8_t* from = out_.data() + size_ - distance;
      std::uint8_t* to = out_.data() + size_;
      for (std::size_t i = 0; i < length; ++i) to[i] = from[i];
      size_ += length;
    }
  }

  BitSource bits_;
  std::span<std::uint8_t> out_;
  std::size_t size_ = 0;
  PrefixCode literals_, distances_;
};

std::uint32_t adler32(const std::uint8_t* data, std::size_t size) {
  std::uint32_t a = 1, b = 0;
  while (size > 0) {
    const std::size_t n = std::min<std::size_t>(size, 5552);  // sums of so many bytes stay below 2^32
    for (std::size_t i = 0; i < n; ++i) {
      a += data[i];
      b += a;
    }
    a %= 65521;
    b %= 65521;
    data += n;
    size -= n;
  }
  return b << 16 | a;
}

}  // namespace

Unpacked inflate_zlib(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) {
  if (in.size() < 2) return {0, "the zlib stream is cut off"};
  const unsigned head = static_cast<unsigned>(in[0]) << 8 | in[1];
  if ((in[0] & 15) != 8 || in[0] >> 4 > 7 || head % 31 != 0) return {0, "no zlib stream"};
  if ((in[1] & 0x20) != 0) return {0, "a zlib stream with a dictionary of its own"};
  Inflate inflate(in.subspan(2), out);
  if (const char* problem = inflate.run()) return {inflate.size(), problem};
  const auto tail = inflate.rest();
  if (tail.size() < 4) return {inflate.size(), "the zlib stream is cut off"};
  const std::uint32_t sum = static_cast<std::uint32_t>(tail[0]) << 24 | static_cast<std::uint32_t>(tail[1]) << 16 |
                            static_cast<std::uint32_t>(tail[2]) << 8 | tail[3];
  if (sum != adler32(out.data(), inflate.size())) return {inflate.size(), "the zlib checksum does not fit"};
  return {inflate.size(), nullptr};
}

Unpacked unpack_lzw(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) {
  constexpr int kClear = 256, kEnd = 257, kFirst = 258, kMost = 4096;
  // Every string is a part of the output already written: where it begins, and its length.
  std::size_t begin[kMost];
  std::uint32_t length[kMost];
  std::size_t size = 0, at = 0;
  std::uint32_t word = 0;
  int held = 0, width = 9, next = kFirst, previous = -1;
  std::size_t previous_begin = 0, previous_length = 0;
  while (size < out.size()) {
    while (held < width && at < in.size()) {
      word = word << 8 | in[at++];
      held += 8;
    }
    if (held < width) break;
    const int code = static_cast<int>(word >> (held - width) & ((1u << width) - 1));
    held -= width;
    if (code == kEnd) break;
    if (code == kClear) {
      width = 9;
      next = kFirst;
      previous = -1;
      continue;
    }
    const std::size_t start = size;
    std::size_t wanted = 1;
    if (code < 256) {
      out[size++] = static_cast<std::uint8_t>(code);
    } else {
      if (previous < 0 || code > next || (code == next && next == kMost)) return {size, "a damaged LZW stream"};
      // The code being defined stands for the previous string and its own first byte, which
      // are the bytes from there on.
      const std::size_t from = code == next ? previous_begin : begin[code];
      wanted = code == next ? previous_length + 1 : length[code];
      const std::size_t n = std::min(wanted, out.size() - size);
      for (std::size_t i = 0; i < n; ++i) out[size + i] = out[from + i];
      size += n;
    }
    if (previous >= 0 && next < kMost) {
      begin[next] = previous_begin;
      length[next] = static_cast<std::uint32_t>(previous_length + 1);
      ++next;
      if (next + 1 == 1 << width && width < 12) ++width;
    }
    previous = code;
    previous_begin = start;
    previous_length = wanted;
  }
  return {size, nullptr};
}

Unpacked unpack_bits(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) {
  std::size_t size = 0, at = 0;
  while (at < in.size() && size < out.size()) {
    const std::uint8_t n = in[at++];
    if (n == 128) continue;  // means nothing
    const std::size_t wanted = n < 128 ? n + std::size_t{1} : 257 - std::size_t{n};
    const std::size_t count = std::min(wanted, out.size() - size);
    if (at == in.size() || (n < 128 && in.size() - at < count)) return {size, "the PackBits stream is cut off"};
    if (n < 128)
      std::copy_n(in.data() + at, count, out.data() + size);
    else
      std::memset(out.data() + size, in[at], count);
    at += n < 128 ? count : 1;
    size += count;
  }
  return {size, nullptr};
}

}  // namespace dtacs
