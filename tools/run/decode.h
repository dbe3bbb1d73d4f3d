// SPDX-License-Identifier: Apache-2.0
// `dtacs decode`: one component of a JPEG 2000 file.
//
//   OUT.tif   GeoTIFF, 8 or 16 bits, placed as the file's GML or GeoJP2 box says; plain, or with --deflate
//   OUT.u16   rows of little-endian 16-bit words, nothing else
//   OUT.pgx   the same with the header of the JPEG 2000 test images, big-endian
#pragma once

#include "tools/run/args.h"

namespace dtacs {

extern const char* const kDecodeUsage;

// Throws Failure.
void decode_command(Args& args);

}  // namespace dtacs
