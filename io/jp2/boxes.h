// SPDX-License-Identifier: Apache-2.0
// The box structure around a codestream (T.800 Annex I).  For decoding only the place of
// the codestream is of interest: sizes, depths and colours that other boxes repeat are
// not believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/jp2/outcome.h"

namespace dtacs::jp2 {

// "jp2c" as a number.
constexpr std::uint32_t box_type(const char (&name)[5]) noexcept {
  std::uint32_t v = 0;
  for (int i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(name[i]);
  return v;
}

struct Box {
  std::uint32_t type;
  std::span<const std::byte> content;
  bool cut;  // it reaches past the end, and `content` ends there
};

// The boxes of a file, or of a box that holds others, one after the other.  Each takes
// eight bytes or more, so the walk is bounded by the bytes.
class Boxes {
 public:
  explicit Boxes(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

  // False at the end, or where no box can begin: then outcome() says why.
  bool next(Box& box) noexcept;
  const Outcome& outcome() const noexcept { return outcome_; }

 private:
  std::span<const std::byte> rest_;
  Outcome outcome_;
};

// Whether the file begins with SOC and SIZ instead of a box.
bool is_codestream(std::span<const std::byte> file) noexcept;

// The codestream inside `file`: the contents of the first jp2c box, or the whole
// file when it is one.  A jp2c box that reaches past the end of the file
// is truncated (strict) or ends there.
Outcome find_codestream(std::span<const std::byte> file, bool strict, std::span<const std::byte>& codestream) noexcept;

}  // namespace dtacs::jp2
