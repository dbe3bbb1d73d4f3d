// SPDX-License-Identifier: Apache-2.0
// What the JPEG 2000 decoder answers, as the host's exception.
#pragma once

#include <string>

#include "io/jp2/outcome.h"

namespace dtacs {

// For an outcome that is not ok.  Failure: usage (the image does not have what was asked
// for), unsupported (not JPEG 2000, or a part of it that is not read), bad_data (damaged).
[[noreturn]] void throw_jp2(const std::string& path, const jp2::Outcome& outcome);

}  // namespace dtacs
