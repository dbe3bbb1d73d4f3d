// SPDX-License-Identifier: Apache-2.0
// The MQ arithmetic decoder (T.800 Annex C) and the raw bits of the bypass mode.
//
// The interval A, the code register C and the probability Qe are kept at the top of
// 64-bit words: below the sixteen bits the standard names, C holds bits looked
// ahead, so that several bytes are taken in at once.  A context is a table entry
// itself: decoding needs one load.
//
// Decoders are copied into locals for a pass and back afterwards, so that their
// state stays in registers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace dtacs::jp2 {

// Bits 63..48 Qe, 23..16 the state after an LPS, 15..8 after an MPS, bit 0 the MPS.
// A state is 2 * row of table C.2 + MPS.
using MqContext = std::uint64_t;
extern const MqContext kMqStates[94];
constexpr MqContext kMqQe = std::uint64_t{0xffff} << 48;

class MqDecoder {
 public:
  void start(const std::uint8_t* data, std::size_t length) noexcept {
    at_ = data;
    end_ = data + length;
    a_ = std::uint64_t{0x8000} << 48;
    c_ = 0;
    ahead_ = -15;  // the first bit of the first byte is the second of the register
    previous_ = 0;
    missing_ = 0;
    take(refill_slowly(c_, ahead_, at_, end_, previous_, missing_));
  }

  // The next decision in `context`.  A branch on it would be mispredicted as often as a decision
  // is not the likelier one, which took a sixth of a band's time.
  [[gnu::always_inline]] unsigned decode(MqContext& context) noexcept {
    const MqContext e = context;
    const std::uint64_t q = e & kMqQe;
    const std::uint64_t a = a_ - q;
    // Masks, as GCC 12 makes branches of choices.
    const std::uint64_t lower = std::uint64_t{0} - (c_ < q), lps = lower ^ (std::uint64_t{0} - (a < q));
    a_ = a ^ ((a ^ q) & lower);
    c_ -= q & ~lower;
    const int n = std::countl_zero(a_);
#if defined(__x86_64__)  // whatever may follow is loaded before it is known what does: 8 % of a band's time
    const MqContext after_lps = kMqStates[static_cast<std::uint8_t>(e >> 16)];
    const MqContext after_mps = kMqStates[static_cast<std::uint8_t>(e >> 8)];
    const MqContext next = after_mps ^ ((after_mps ^ after_lps) & lps);
    context = n != 0 ? next : e;
#else  // which on ARM would be an eighth more instructions
    if (n != 0) context = kMqStates[static_cast<std::uint8_t>(e >> (8 + (lps & 8)))];
#endif
    renormalise(n);
    return static_cast<unsigned>((e ^ lps) & 1u);
  }

  // Bytes past the end of the data that were made up (as the standard wants, but
  // no encoder leaves out more than a few) and are used up.
  int missing() const noexcept {
    return (8 * missing_ - ahead_) >> 3;
  }

 private:
  [[gnu::always_inline]] void renormalise(int n) noexcept {
    a_ <<= n;
    c_ <<= n;
    ahead_ -= n;
    if (ahead_ < 16) [[unlikely]]
      refill();
  }

  // At least 16 bits ahead: the next shift is by 15 at most.
  [[gnu::always_inline]] void refill() noexcept {
    if (end_ - at_ >= 8) [[likely]] {
      std::uint64_t x = 0;
      for (int i = 0; i < 8; ++i) x = x << 8 | at_[i];
      // Without 0xff there is no stuffing.  A byte is 0xff where its complement is
      // zero; a borrow may report a byte too many, never too few.  At most five bytes
      // are taken, so the last three do not matter.
      const std::uint64_t z = ~x | 0xffffffu;
      if (previous_ != 0xff && ((z - 0x0101010101010101u) & ~z & 0x8080808080808080u) == 0) [[likely]] {
        const int bytes = (47 - ahead_) >> 3;  // 4 or 5
        c_ += x >> (64 - 8 * bytes) << (48 - ahead_ - 8 * bytes);
        ahead_ += 8 * bytes;
        at_ += bytes;
        return;
      }
    }
    take(refill_slowly(c_, ahead_, at_, end_, previous_, missing_));
  }

  // One byte at a time: handles stuffing, markers and the end of the data.  By value,
  // so that the decoder's address never leaves the pass it is a local of.
  struct Refilled {
    std::uint64_t c;
    const std::uint8_t* at;
    int ahead, missing;
    unsigned previous;
  };
  static Refilled refill_slowly(std::uint64_t c, int ahead, const std::uint8_t* at, const std::uint8_t* end,
                                unsigned previous, int missing) noexcept;
  [[gnu::always_inline]] void take(const Refilled& r) noexcept {
    c_ = r.c;
    at_ = r.at;
    ahead_ = r.ahead;
    missing_ = r.missing;
    previous_ = r.previous;
  }

  std::uint64_t a_, c_;
  int ahead_;  // valid bits of c_ below the top sixteen
  const std::uint8_t *at_, *end_;
  unsigned previous_;  // 0xff when the byte before at_ is
  int missing_;
};

// Raw bits (T.800 D.6): most significant first, seven after a byte 0xff, ones past the end.
class RawDecoder {
 public:
  void start(const std::uint8_t* data, std::size_t length) noexcept {
    at_ = data;
    end_ = data + length;
    byte_ = 0;
    left_ = 0;
    missing_ = 0;
  }
  unsigned bit() noexcept {
    if (left_ == 0) {
      left_ = byte_ == 0xff ? 7 : 8;
      if (at_ < end_ && !(byte_ == 0xff && *at_ > 0x8f)) {
        byte_ = *at_++;
      } else {
        at_ = end_;
        byte_ = 0xff;
        left_ = 8;
        ++missing_;
      }
    }
    --left_;
    return (byte_ >> left_) & 1u;
  }
  int missing() const noexcept { return missing_; }

 private:
  const std::uint8_t *at_, *end_;
  unsigned byte_;
  int left_, missing_;
};

}  // namespace dtacs::jp2
