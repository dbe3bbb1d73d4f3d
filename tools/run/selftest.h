// SPDX-License-Identifier: Apache-2.0
// `dtacs selftest`: does this program compute on this machine what it should?
//
//   kernels   every variant this machine can run against the scalar reference
//   net       a small network of the whole vocabulary: the scalar logits have a known checksum
//             on every machine, other instruction sets are within tolerance of them
//   weights   those built in are undamaged, and give the scalar's logits with the best kernels
//   int8      the 8-bit weights built in give the same bytes on every instruction set
//   jp2       a Sentinel-2-like file decodes to samples of a known checksum
//
// Seconds at most, also on slow processors; no files.
#pragma once

#include "tools/run/args.h"

namespace dtacs {

extern const char* const kSelftestUsage;

// Prints a line per check.  Throws Failure(self_check) naming the checks that failed.
void selftest_command(Args& args);

}  // namespace dtacs
