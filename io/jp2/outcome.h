// SPDX-License-Identifier: Apache-2.0
// How the JPEG 2000 decoder says what is wrong with a file: a Status to act on and
// a constant clause for people ("a packet reaches past the end of its tile-part").
#pragma once

#include "io/status.h"

namespace dtacs::jp2 {

struct [[nodiscard]] Outcome {
  Status status = Status::ok;
  const char* detail = "";  // static storage, no trailing period

  constexpr bool ok() const noexcept { return status == Status::ok; }
};

constexpr Outcome truncated(const char* detail) noexcept {
  return {Status::truncated, detail};
}
constexpr Outcome corrupt(const char* detail) noexcept {
  return {Status::corrupt, detail};
}
constexpr Outcome unsupported(const char* detail) noexcept {
  return {Status::unsupported, detail};
}

}  // namespace dtacs::jp2
