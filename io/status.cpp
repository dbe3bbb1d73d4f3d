// SPDX-License-Identifier: Apache-2.0
#include "io/status.h"

namespace dtacs {

const char* describe(Status s) noexcept {
  switch (s) {
    case Status::ok: return "ok";
    case Status::truncated: return "the input ends too early";
    case Status::bad_magic: return "not a file of this format";
    case Status::bad_version: return "a version of the format this build does not read";
    case Status::corrupt: return "the input contradicts itself or its checksum";
    case Status::unsupported: return "the input uses a feature that is not implemented";
    case Status::wrong_shape: return "the shapes do not fit this network";
    case Status::arena_too_small: return "the arena is too small";
    case Status::wrong_base: return "not the file that this is the difference to";
  }
  return "unknown status";
}

}  // namespace dtacs
