// SPDX-License-Identifier: Apache-2.0
#include "io/crc32c.h"

namespace dtacs {

namespace {

// of[k][b]: what byte b does to the CRC once k more bytes have passed, so that eight
// bytes take eight independent look-ups.
struct Tables {
  std::uint32_t of[8][256] = {};

  constexpr Tables() {
    for (std::uint32_t b = 0; b < 256; ++b) {
      std::uint32_t c = b;
      for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1u) != 0 ? 0x82f63b78u : 0u);
      of[0][b] = c;
    }
    for (int k = 1; k < 8; ++k)
      for (int b = 0; b < 256; ++b) of[k][b] = (of[k - 1][b] >> 8) ^ of[0][of[k - 1][b] & 0xffu];
  }
};

constexpr Tables kTables;

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
  const auto& of = kTables.of;
  const auto at = [p = bytes.data()](std::size_t i) { return static_cast<std::uint32_t>(p[i]); };
  std::uint32_t c = ~before;
  std::size_t i = 0;
  for (; bytes.size() - i >= 8; i += 8) {
    c ^= at(i) | at(i + 1) << 8 | at(i + 2) << 16 | at(i + 3) << 24;
    c = of[7][c & 0xffu] ^ of[6][(c >> 8) & 0xffu] ^ of[5][(c >> 16) & 0xffu] ^ of[4][c >> 24] ^  //
        of[3][at(i + 4)] ^ of[2][at(i + 5)] ^ of[1][at(i + 6)] ^ of[0][at(i + 7)];
  }
  for (; i < bytes.size(); ++i) c = (c >> 8) ^ of[0][(c ^ at(i)) & 0xffu];
  return ~c;
}

}  // namespace dtacs
