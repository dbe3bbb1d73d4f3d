// SPDX-License-Identifier: Apache-2.0
// The box structure around a codestream (T.800 Annex I).  Only the place of the
// codestream is of interest: sizes, depths and colours that other boxes repeat are
// not believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/jp2/outcome.h"

namespace dtacs::jp2 {

// The codestream inside `file`: the contents of the first jp2c box, or the whole
// file when it begins with SOC.  A jp2c box that reaches past the end of the file
// is truncated (strict) or ends there.
Outcome find_codestream(std::span<const std::byte> file, bool strict, std::span<const std::byte>& codestream) noexcept;

}  // namespace dtacs::jp2
