// SPDX-License-Identifier: Apache-2.0
// Decompression of zlib streams (RFC 1950 around RFC 1951), and of the two older packings
// of TIFF.  All three take hostile bytes: they read nothing outside `in`, write nothing
// outside `out`, and stop when one of the two is used up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dtacs {

struct Unpacked {
  std::size_t size = 0;           // bytes written to `out`, also when there is a problem
  const char* problem = nullptr;  // what is wrong with the stream; null: nothing
};

// A whole zlib stream that unpacks to at most out.size() bytes; more is a problem, as is a
// checksum (Adler-32) that does not fit.
Unpacked inflate_zlib(std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

// TIFF's LZW: codes of 9 to 12 bits, highest bit first, which grow one code early.  Ends
// with its end code, the input, or a full `out`.
Unpacked unpack_lzw(std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

// PackBits: runs and literals of up to 128 bytes.  Ends with the input or a full `out`.
Unpacked unpack_bits(std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

}  // namespace dtacs
