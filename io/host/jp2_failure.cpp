// SPDX-License-Identifier: Apache-2.0
#include "io/host/jp2_failure.h"

#include "io/host/failure.h"

namespace dtacs {

void throw_jp2(const std::string& path, const jp2::Outcome& o) {
  const auto say = [&](Exit exit, const char* what) { throw Failure(exit, path + ": " + what + o.detail); };
  switch (o.status) {
    case Status::wrong_shape: say(Exit::usage, ""); break;
    case Status::bad_magic: say(Exit::unsupported, ""); break;
    case Status::unsupported: say(Exit::unsupported, "JPEG 2000 feature that is not read: "); break;
    case Status::truncated: say(Exit::bad_data, "truncated JPEG 2000 file: "); break;
    default: break;
  }
  throw Failure(Exit::bad_data, path + ": damaged JPEG 2000 file: " + o.detail);
}

}  // namespace dtacs
