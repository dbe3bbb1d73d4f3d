// SPDX-License-Identifier: Apache-2.0
// dtacs decode BAND.jp2 -o OUT.u16 [--reduce N] [--window X,Y,W,H] [--threads N] [--component K] [--lenient]
//
// Decodes one component of a JPEG 2000 file.  OUT.u16: rows of little-endian 16-bit
// words, nothing else.  OUT.pgx: the same with the header of the JPEG 2000 test
// images, big-endian.
#pragma once

#include <span>

namespace dtacs {

inline constexpr const char* kDecodeUsage =
    "usage: dtacs decode BAND.jp2 -o OUT.u16|OUT.pgx [--reduce N] [--window X,Y,W,H] [--threads N] [--component K]\n"
    "                    [--lenient]\n";

// args: what follows the word `decode`.  Returns 0; throws Failure.
int decode_command(std::span<char* const> args);

}  // namespace dtacs
