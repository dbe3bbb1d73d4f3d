// SPDX-License-Identifier: Apache-2.0
// A stripe is four rows.  One word describes its column x together with all that the
// contexts of those four samples depend on:
//   bits  0..17  significance of the columns x-1, x, x+1 (bit 3k, 3k+1, 3k+2) in the
//                rows -1 .. 4 of the stripe (k = 0 .. 5); sample r is bit 3r+4 and its
//                3x3 neighbourhood are the bits 3r .. 3r+8
//   bits 18..23  sign of column x in the rows -1 .. 4
//   bits 24..27  sample r has been refined before
//   bits 28..31  sample r was visited by this bit-plane's significance pass
// A sample that becomes significant writes itself into the words around it, so that
// reading a context takes one word (two more for the signs left and right).
#include "io/jp2/tier1.h"

#include <bit>
#include <cstring>
#include <type_traits>

#include "io/jp2/codestream.h"

namespace dtacs::jp2 {
namespace {

constexpr std::uint32_t kSignificance = 0x3ffff;
constexpr std::uint32_t kRows = 0x249;  // bits 0, 3, 6, 9: rows 0 .. 3
constexpr int kSign = 18, kRefined = 24, kVisited = 28;

// Contexts: 0..8 zero coding, 9..13 sign, 14..16 refinement, 17 run length, 18 uniform.
constexpr int kSignContext = 9, kRefinement = 14, kRunLength = 17, kUniform = 18;

// Four bits spread to the distance of rows.
constexpr std::uint16_t kSpread[16] = {0x000, 0x001, 0x008, 0x009, 0x040, 0x041, 0x048, 0x049,
                                       0x200, 0x201, 0x208, 0x209, 0x240, 0x241, 0x248, 0x249};

struct Tables {
  std::uint8_t zero[4][512];  // table D.1, by orientation and neighbourhood
  std::uint8_t sign[256];     // tables D.2, D.3: context | flip << 7
};

constexpr Tables make_tables() {
  Tables t{};
  for (int o = 0; o < 4; ++o) {
    for (int i = 0; i < 512; ++i) {
      const auto bit = [i](int b) { return i >> b & 1; };
      int h = bit(3) + bit(5), v = bit(1) + bit(7);
      const int d = bit(0) + bit(2) + bit(6) + bit(8);
      if (o == kHL) {
        const int swap = h;
        h = v;
        v = swap;
      }
      int c = 0;
      if (o != kHH) {
        if (h == 2)
          c = 8;
        else if (h == 1)
          c = v >= 1 ? 7 : d >= 1 ? 6 : 5;
        else
          c = v == 2 ? 4 : v == 1 ? 3 : d >= 2 ? 2 : d;
      } else {
        const int hv = h + v;
        if (d >= 3)
          c = 8;
        else if (d == 2)
          c = hv >= 1 ? 7 : 6;
        else if (d == 1)
          c = hv >= 2 ? 5 : hv == 1 ? 4 : 3;
        else
          c = hv >= 2 ? 2 : hv;
      }
      t.zero[o][i] = static_cast<std::uint8_t>(c);
    }
  }
  // Index: significance above, left, right, below in bits 1, 3, 5, 7; their signs in 0, 2, 4, 6.
  for (int i = 0; i < 256; ++i) {
    const auto sign = [i](int b) { return (i >> (b + 1) & 1) == 0 ? 0 : (i >> b & 1) != 0 ? -1 : 1; };
    const auto clip = [](int v) { return v < -1 ? -1 : v > 1 ? 1 : v; };
    int h = clip(sign(2) + sign(4)), v = clip(sign(0) + sign(6));
    const bool flip = h < 0 || (h == 0 && v < 0);
    if (flip) {
      h = -h;
      v = -v;
    }
    const int c = h == 0 ? v : 3 + v;
    t.sign[i] = static_cast<std::uint8_t>((kSignContext + c) | (flip ? 0x80 : 0));
  }
  return t;
}
constexpr Tables kTables = make_tables();

// Neighbourhood signs of the sample at row bit b = 3r, from its word and those beside it.
[[gnu::always_inline]] inline unsigned sign_index(const std::uint32_t* f, int b, int r) noexcept {
  const std::uint32_t w = f[0];
  return (w >> b & 0xaau) | (w >> (kSign + r) & 1u) | (f[-1] >> (kSign + 1 + r) & 1u) << 2 |
         (f[1] >> (kSign + 1 + r) & 1u) << 4 | (w >> (kSign + 2 + r) & 1u) << 6;
}

[[gnu::always_inline]] inline int row_of(int bit) noexcept {
  return bit * 11 >> 5;
}  // bit / 3 for 0, 3, 6, 9

}  // namespace

void BlockDecoder::reset_contexts() noexcept {
  for (MqContext& c : contexts_) c = kMqStates[0];
  contexts_[0] = kMqStates[2 * 4];
  contexts_[kRunLength] = kMqStates[2 * 3];
  contexts_[kUniform] = kMqStates[2 * 46];
}

// Sample r of the word (bit = 3r) and the words that see it.
[[gnu::always_inline]] inline void BlockDecoder::become_significant(std::uint32_t* f, int bit,
                                                                    unsigned negative) noexcept {
  const int r = row_of(bit);
  f[-1] |= std::uint32_t{1} << (bit + 5);
  f[0] |= std::uint32_t{1} << (bit + 4) | negative << (kSign + 1 + r);
  f[1] |= std::uint32_t{1} << (bit + 3);
  if (r == 0 && !causal_) {
    std::uint32_t* up = f - stride_;
    up[-1] |= std::uint32_t{1} << 17;
    up[0] |= std::uint32_t{1} << 16 | negative << (kSign + 5);
    up[1] |= std::uint32_t{1} << 15;
  }
  if (r == 3) {
    std::uint32_t* down = f + stride_;
    down[-1] |= std::uint32_t{1} << 2;
    down[0] |= std::uint32_t{1} << 1 | negative << kSign;
    down[1] |= std::uint32_t{1} << 0;
  }
}

template <class Bits>
void BlockDecoder::significance_pass(Bits& state, std::uint32_t one_and_half) noexcept {
  constexpr bool kRaw = std::is_same_v<Bits, RawDecoder>;
  Bits bits = state;
  const std::uint8_t* zero = zero_contexts_;
  for (int s = 0; s < stripes_; ++s) {
    const int rows = height_ - 4 * s;
    const std::uint32_t inside = rows >= 4 ? kRows : kRows >> (3 * (4 - rows));
    std::uint32_t* f = flags_ + (s + 1) * stride_ + 1;
    std::uint32_t* m = magnitudes_ + 4 * s * width_;
    for (int x = 0; x < width_; ++x, ++f, m += 4) {
      const std::uint32_t sig = f[0] & kSignificance;
      if (sig == 0) continue;
      // Bit 3r: something in the 3x3 around sample r is significant.
      const std::uint32_t columns = sig | sig >> 1 | sig >> 2;
      const std::uint32_t open = ~(sig >> 4) & inside;
      std::uint32_t todo = (columns | columns >> 3 | columns >> 6) & open;
      if (todo == 0) continue;
      std::uint32_t visited = 0;
      do {
        const int b = std::countr_zero(todo), r = row_of(b);
        todo &= todo - 1;
        visited |= std::uint32_t{1} << (kVisited + r);
        if constexpr (kRaw) {
          if (bits.bit() == 0) continue;
          become_significant(f, b, bits.bit());
        } else {
          if (bits.decode(contexts_[zero[f[0] >> b & 0x1ff]]) == 0) continue;
          const unsigned sign = kTables.sign[sign_index(f, b, r)];
          become_significant(f, b, bits.decode(contexts_[sign & 0x7f]) ^ sign >> 7);
        }
        m[r] = one_and_half;
        todo |= std::uint32_t{8} << b & open;  // the sample below has a significant neighbour now
      } while (todo != 0);
      f[0] |= visited;
    }
  }
  state = bits;
}

template <class Bits>
void BlockDecoder::refinement_pass(Bits& state, std::uint32_t half) noexcept {
  constexpr bool kRaw = std::is_same_v<Bits, RawDecoder>;
  Bits bits = state;
  for (int s = 0; s < stripes_; ++s) {
    std::uint32_t* f = flags_ + (s + 1) * stride_ + 1;
    std::uint32_t* m = magnitudes_ + 4 * s * width_;
    for (int x = 0; x < width_; ++x, ++f, m += 4) {
      const std::uint32_t w = f[0];
      std::uint32_t todo = (w >> 4 & kRows) & ~static_cast<std::uint32_t>(kSpread[w >> kVisited]);
      if (todo == 0) continue;
      std::uint32_t refined = 0;
      do {
        const int b = std::countr_zero(todo), r = row_of(b);
        todo &= todo - 1;
        unsigned d;
        if constexpr (kRaw) {
          d = bits.bit();
        } else {
          const unsigned before = w >> (kRefined + r) & 1u, near = (w >> b & 0x1efu) != 0;
          d = bits.decode(contexts_[kRefinement + (before << 1 | (near & ~before))]);
        }
        // The magnitude stands in the middle of its interval: half a step up or down.
        m[r] += d != 0 ? half : 0u - half;
        refined |= std::uint32_t{1} << (kRefined + r);
      } while (todo != 0);
      f[0] = w | refined;
    }
  }
  state = bits;
}

void BlockDecoder::cleanup_pass(MqDecoder& state, std::uint32_t one_and_half, bool segmentation_symbol) noexcept {
  MqDecoder bits = state;
  const std::uint8_t* zero = zero_contexts_;
  for (int s = 0; s < stripes_; ++s) {
    const int rows = height_ - 4 * s;
    const bool full = rows >= 4;
    const std::uint32_t inside = full ? kRows : kRows >> (3 * (4 - rows));
    std::uint32_t* f = flags_ + (s + 1) * stride_ + 1;
    std::uint32_t* m = magnitudes_ + 4 * s * width_;
    for (int x = 0; x < width_; ++x, ++f, m += 4) {
      const std::uint32_t w = f[0];
      std::uint32_t todo = ~(w >> 4) & ~static_cast<std::uint32_t>(kSpread[w >> kVisited]) & inside;
      f[0] = w & ~(std::uint32_t{15} << kVisited);
      if (todo == 0) continue;
      if (full && (w & kSignificance) == 0) {
        if (bits.decode(contexts_[kRunLength]) == 0) continue;
        unsigned r = bits.decode(contexts_[kUniform]);
        r = r << 1 | bits.decode(contexts_[kUniform]);
        const int b = 3 * static_cast<int>(r);
        const unsigned sign = kTables.sign[sign_index(f, b, static_cast<int>(r))];
        become_significant(f, b, bits.decode(contexts_[sign & 0x7f]) ^ sign >> 7);
        m[r] = one_and_half;
        todo &= ~std::uint32_t{0} << (b + 1);
      }
      while (todo != 0) {
        const int b = std::countr_zero(todo), r = row_of(b);
        todo &= todo - 1;
        if (bits.decode(contexts_[zero[f[0] >> b & 0x1ff]]) == 0) continue;
        const unsigned sign = kTables.sign[sign_index(f, b, r)];
        become_significant(f, b, bits.decode(contexts_[sign & 0x7f]) ^ sign >> 7);
        m[r] = one_and_half;
      }
    }
  }
  if (segmentation_symbol)
    for (int i = 0; i < 4; ++i) bits.decode(contexts_[kUniform]);
  state = bits;
}

void BlockDecoder::write_samples() noexcept {
  for (int s = 0; s < stripes_; ++s) {
    const std::uint32_t* f = flags_ + (s + 1) * stride_ + 1;
    const std::uint32_t* m = magnitudes_ + 4 * s * width_;
    const int rows = height_ - 4 * s < 4 ? height_ - 4 * s : 4;
    std::int32_t* const out = samples_ + 4 * s * width_;
    for (int x = 0; x < width_; ++x, ++f, m += 4)
      for (int r = 0; r < rows; ++r) {
        const std::uint32_t negative = 0u - (f[0] >> (kSign + 1 + r) & 1u);
        out[r * width_ + x] = static_cast<std::int32_t>((m[r] ^ negative) - negative);
      }
  }
}

const std::int32_t* BlockDecoder::decode(const CodedBlock& block) noexcept {
  // Made-up bytes after which a segment counts as exhausted: no encoder leaves out
  // that many, and decoding on would only cost time.
  constexpr int kMissing = 64;

  width_ = block.width;
  height_ = block.height;
  stripes_ = (height_ + 3) / 4;
  stride_ = width_ + 2;
  causal_ = (block.style & kCausal) != 0;
  zero_contexts_ = kTables.zero[block.orientation];
  std::memset(flags_, 0, static_cast<std::size_t>((stripes_ + 2) * stride_) * sizeof flags_[0]);
  std::memset(magnitudes_, 0, static_cast<std::size_t>(stripes_ * 4 * width_) * sizeof magnitudes_[0]);
  reset_contexts();

  int pass = 0;  // 0 is the cleanup of the top plane; then significance, refinement, cleanup
  for (const CodedSegment& segment : block.segments) {
    const bool raw = (block.style & kBypass) != 0 && pass >= 10 && (pass + 2) % 3 != 2;
    MqDecoder mq;
    RawDecoder plain;
    if (raw)
      plain.start(segment.data, segment.length);
    else
      mq.start(segment.data, segment.length);
    for (int i = 0; i < segment.passes; ++i, ++pass) {
      const int plane = block.planes - 1 - (pass + 2) / 3;
      if (plane < 0 || (raw ? plain.missing() : mq.missing()) > kMissing) {
        pass += segment.passes - i;  // the next segment begins where this one should have ended
        break;
      }
      const std::uint32_t half = std::uint32_t{1} << plane, one_and_half = 3 * half;  // of 2^plane, in halves
      switch ((pass + 2) % 3) {
        case 0:
          if (raw)
            significance_pass(plain, one_and_half);
          else
            significance_pass(mq, one_and_half);
          break;
        case 1:
          if (raw)
            refinement_pass(plain, half);
          else
            refinement_pass(mq, half);
          break;
        default: cleanup_pass(mq, one_and_half, (block.style & kSegmentationSymbols) != 0); break;
      }
      if ((block.style & kReset) != 0) reset_contexts();
    }
  }
  write_samples();
  return samples_;
}

}  // namespace dtacs::jp2
