// SPDX-License-Identifier: Apache-2.0
// DEFLATE, LZW and PackBits into rooms of any size.
#include "io/host/inflate.h"

#include <memory>

#include "tests/fuzz/target.h"

namespace dtacs::fuzz {

DTACS_FUZZ_TARGET(inflate) {
  Choices c(in);
  const int which = c.up_to(2);
  const auto room = static_cast<std::size_t>(c.up_to(4096));
  const auto out = std::make_unique<std::uint8_t[]>(room);
  const auto unpack = which == 0 ? inflate_zlib : which == 1 ? unpack_lzw : unpack_bits;
  const Unpacked u = unpack(c.rest(), {out.get(), room});
  require(u.size <= room, "no more bytes than there is room for");
}

}  // namespace dtacs::fuzz
