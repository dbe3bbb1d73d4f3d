// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/boxes.h"

#include "io/bytes.h"

namespace dtacs::jp2 {

bool Boxes::next(Box& box) noexcept {
  if (rest_.size() < 8) return false;
  Reader head(rest_);
  std::uint64_t length = head.u32be();
  box.type = head.u32be();
  std::uint64_t header = 8;
  if (length == 1) {  // XLBox
    length = static_cast<std::uint64_t>(head.u32be()) << 32;
    length |= head.u32be();
    header = 16;
  } else if (length == 0) {  // to the end
    length = rest_.size();
  }
  if (!head.ok()) {
    outcome_ = truncated("the file ends inside a box header");
    return false;
  }
  if (length < header) {
    outcome_ = corrupt("a box is shorter than its own header");
    return false;
  }
  box.cut = length > rest_.size();
  const std::size_t end = box.cut ? rest_.size() : static_cast<std::size_t>(length);
  box.content = rest_.first(end).subspan(static_cast<std::size_t>(header));
  rest_ = rest_.subspan(end);
  return true;
}

bool is_codestream(std::span<const std::byte> file) noexcept {
  Reader r(file);
  return r.u32be() == 0xff4fff51u && r.ok();
}

Outcome find_codestream(std::span<const std::byte> file, bool strict, std::span<const std::byte>& codestream) noexcept {
  if (file.empty()) return truncated("the file is empty");
  if (is_codestream(file)) {
    codestream = file;
    return {};
  }
  Reader magic(file);
  const bool signature = magic.u32be() == 12 && magic.u32be() == box_type("jP  ");
  if (!magic.ok() || !signature) return {Status::bad_magic, "not a JPEG 2000 file"};

  Boxes boxes(file);
  for (Box box; boxes.next(box);) {
    if (box.type == box_type("jp2c")) {
      if (box.cut && strict) return truncated("the codestream box reaches past the end of the file");
      codestream = box.content;
      return {};
    }
    if (box.cut) return truncated("a box reaches past the end of the file");
  }
  return boxes.outcome().ok() ? corrupt("no codestream box") : boxes.outcome();
}

}  // namespace dtacs::jp2
