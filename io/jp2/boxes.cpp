// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/boxes.h"

#include "io/bytes.h"

namespace dtacs::jp2 {
namespace {

constexpr std::uint32_t kSignature = 0x6a502020;   // "jP  "
constexpr std::uint32_t kCodestream = 0x6a703263;  // "jp2c"

}  // namespace

Outcome find_codestream(std::span<const std::byte> file, bool strict, std::span<const std::byte>& codestream) noexcept {
  Reader magic(file);
  const std::uint32_t first = magic.u32be(), second = magic.u32be();
  if (first == 0xff4fff51u) {  // SOC, SIZ
    codestream = file;
    return {};
  }
  if (!magic.ok() || first != 12 || second != kSignature)
    return {Status::bad_magic, "neither a JP2 file nor a JPEG 2000 codestream"};

  // Each box takes eight bytes or more, so the walk is bounded by the file.
  std::size_t at = 0;
  while (file.size() - at >= 8) {
    Reader head(file.subspan(at));
    std::uint64_t length = head.u32be();
    const std::uint32_t type = head.u32be();
    std::uint64_t header = 8;
    if (length == 1) {  // XLBox
      length = static_cast<std::uint64_t>(head.u32be()) << 32;
      length |= head.u32be();
      header = 16;
    } else if (length == 0) {  // to the end of the file
      length = file.size() - at;
    }
    if (!head.ok()) return truncated("the file ends inside a box header");
    if (length < header) return corrupt("a box is shorter than its own header");
    const bool cut = length > file.size() - at;
    if (type == kCodestream) {
      if (cut && strict) return truncated("the codestream box reaches past the end of the file");
      codestream = file.subspan(at);
      if (!cut) codestream = codestream.first(static_cast<std::size_t>(length));
      codestream = codestream.subspan(static_cast<std::size_t>(header));
      return {};
    }
    if (cut) return truncated("a box reaches past the end of the file");
    at += static_cast<std::size_t>(length);
  }
  return corrupt("no codestream box");
}

}  // namespace dtacs::jp2
