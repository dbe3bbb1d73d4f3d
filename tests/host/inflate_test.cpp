// SPDX-License-Identifier: Apache-2.0
#include "io/host/inflate.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "io/host/stb_impl.h"
#include "tests/host/temp_folder.h"
#include "tests/support/buffer.h"
#include "tests/support/suite.h"
#include "tests/support/tools.h"

namespace dtacs::test {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Unpack = Unpacked(std::span<const std::uint8_t>, std::span<std::uint8_t>);

struct Outcome {
  Bytes bytes;
  std::string problem;
};

// Both buffers end at an unreadable page.
Outcome unpack(Unpack* f, const Bytes& in, std::size_t room) {
  Guarded<std::uint8_t> from(in.size()), to(room);
  std::copy(in.begin(), in.end(), from.begin());
  const Unpacked got = f({from.data(), from.size()}, {to.data(), to.size()});
  CHECK(to.intact());
  REQUIRE(got.size <= room);
  return {Bytes(to.begin(), to.begin() + got.size), got.problem == nullptr ? "" : got.problem};
}

Bytes text(const std::string& s) {
  return Bytes(s.begin(), s.end());
}

// Runs, repeats near and far, and noise.
Bytes sample(std::size_t size, std::uint64_t seed) {
  Rng rng(seed);
  Bytes out;
  while (out.size() < size) {
    const std::size_t n = std::min<std::size_t>(static_cast<std::size_t>(rng.between(1, 700)), size - out.size());
    const int kind = rng.between(0, 3);
    const auto back = static_cast<std::size_t>(rng.between(1, 32768));
    const auto value = static_cast<std::uint8_t>(rng.next());
    for (std::size_t i = 0; i < n; ++i)
      out.push_back(kind == 0                         ? value
                    : kind == 1 && out.size() >= back ? out[out.size() - back]
                    : kind == 2                       ? static_cast<std::uint8_t>(rng.between(0, 15))
                                                      : static_cast<std::uint8_t>(rng.next()));
  }
  return out;
}

}  // namespace

TEST_CASE("inflate: streams written by hand") {
  const Bytes fixed = {0x78, 0x9c, 0x4b, 0x4c, 0x4a, 0x06, 0x00, 0x02, 0x4d, 0x01, 0x27};
  const Bytes stored = {0x78, 0x01, 0x01, 3, 0, 0xfc, 0xff, 'a', 'b', 'c', 0x02, 0x4d, 0x01, 0x27};
  const Bytes empty = {0x78, 0x9c, 0x03, 0x00, 0, 0, 0, 1};
  for (const Bytes& in : {fixed, stored}) {
    for (const std::size_t room : {3, 100}) {
      const Outcome got = unpack(inflate_zlib, in, room);
      CHECK(got.problem == "");
      CHECK(got.bytes == text("abc"));
    }
    CHECK(unpack(inflate_zlib, in, 2).problem.find("more than it should") != std::string::npos);
    for (std::size_t n = 0; n < in.size(); ++n)
      CHECK(unpack(inflate_zlib, Bytes(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n)), 100).problem != "");
    Bytes wrong = in;
    wrong.back() ^= 1;
    CHECK(unpack(inflate_zlib, wrong, 100).problem.find("checksum") != std::string::npos);
  }
  CHECK(unpack(inflate_zlib, empty, 0).problem == "");
  CHECK(unpack(inflate_zlib, {0x78, 0x9d, 0x03, 0x00, 0, 0, 0, 1}, 9).problem == "no zlib stream");
  CHECK(unpack(inflate_zlib, {0x78, 0xbb, 0, 0, 0, 0, 3, 0}, 9).problem.find("dictionary") != std::string::npos);
  // A block of the fourth kind; a match before the first byte (length 3, distance 1).
  CHECK(unpack(inflate_zlib, {0x78, 0x9c, 0x07, 0x00, 0, 0, 0, 1}, 9).problem.find("unknown kind") !=
        std::string::npos);
  CHECK(unpack(inflate_zlib, {0x78, 0x9c, 0x03, 0x02, 0x00, 0, 0, 0, 1}, 9).problem.find("before its beginning") !=
        std::string::npos);
}

TEST_CASE("inflate: what stb packs comes back") {
  for (const std::size_t size : {1, 2, 300, 70000, 1000000}) {
    const Bytes data = sample(size, size + 1);
    const StbBytes z = stb_zlib(data.data(), data.size());
    const Outcome got = unpack(inflate_zlib, Bytes(z.data.get(), z.data.get() + z.size), size);
    CHECK(got.problem == "");
    CHECK(got.bytes == data);
  }
}

TEST_CASE("inflate: what zlib packs comes back, at every level and strategy") {
  DTACS_NEEDS_TOOL("python3", std::string(kPython) + " -c 'import zlib'");
  const TempFolder folder;
  const Bytes data = sample(200000, 5);
  put_file(folder / "data", std::string(data.begin(), data.end()));
  output_of(
      std::string(kPython) +
      " -c \"import zlib,sys\nd=open(sys.argv[1]+'/data','rb').read()\nfor l in range(10):\n for s in range(5):\n  "
      "c=zlib.compressobj(l,8,15,9,s); open(f'{sys.argv[1]}/{l}{s}','wb').write(c.compress(d)+c.flush())\" " +
      folder.path());
  int cases = 0;
  for (char level = '0'; level <= '9'; ++level)
    for (char strategy = '0'; strategy <= '4'; ++strategy, ++cases) {
      const std::string z = get_file(folder / (std::string{level} + strategy));
      const Outcome got = unpack(inflate_zlib, text(z), data.size());
      CHECK_MESSAGE(got.problem == "", level, strategy);
      CHECK(got.bytes == data);
    }
  CHECK(cases == 50);
}

TEST_CASE("inflate: damaged streams end in a problem, or in the right bytes") {
  const Bytes data = sample(3000, 9);
  const StbBytes z = stb_zlib(data.data(), data.size());
  const Bytes good(z.data.get(), z.data.get() + z.size);
  Rng rng(4);
  int problems = 0;
  for (int i = 0; i < 4000; ++i) {
    Bytes bad = good;
    const int kind = rng.between(0, 2);
    const auto at = static_cast<std::size_t>(rng.between(2, static_cast<int>(bad.size()) - 1));
    if (kind == 0)
      bad[at] ^= static_cast<std::uint8_t>(1 << rng.between(0, 7));
    else if (kind == 1)
      bad.resize(at);
    else
      for (std::size_t k = at; k < std::min(bad.size(), at + 8); ++k) bad[k] = static_cast<std::uint8_t>(rng.next());
    const Outcome got = unpack(inflate_zlib, bad, data.size());
    if (got.problem.empty())
      CHECK(got.bytes == data);
    else
      ++problems;
  }
  CHECK(problems > 3900);
  for (int i = 0; i < 4000; ++i) {
    Bytes noise(static_cast<std::size_t>(rng.between(0, 200)));
    for (auto& b : noise) b = static_cast<std::uint8_t>(rng.next());
    if (noise.size() > 1) noise[0] = 0x78, noise[1] = 0x9c;
    unpack(inflate_zlib, noise, 5000);
    unpack(unpack_lzw, noise, 5000);
    unpack(unpack_bits, noise, 500);
  }
}

TEST_CASE("inflate: LZW and PackBits of the TIFF specification") {
  // The specification's example: 7 7 7 8 8 7 7 6 6 is Clear 7 258 8 8 258 6 6 End in codes of nine bits.
  Bytes packed;
  unsigned word = 0, held = 0;
  for (const unsigned code : {256u, 7u, 258u, 8u, 8u, 258u, 6u, 6u, 257u}) {
    word = word << 9 | code;
    for (held += 9; held >= 8; held -= 8) packed.push_back(static_cast<std::uint8_t>(word >> (held - 8)));
  }
  packed.push_back(static_cast<std::uint8_t>(word << (8 - held)));
  const Outcome lzw = unpack(unpack_lzw, packed, 100);
  CHECK(lzw.problem == "");
  CHECK(lzw.bytes == Bytes{7, 7, 7, 8, 8, 7, 7, 6, 6});
  CHECK(unpack(unpack_lzw, packed, 4).bytes == Bytes{7, 7, 7, 8});
  CHECK(unpack(unpack_lzw, {0x80, 0x5f, 0xff, 0xff}, 9).problem != "");  // Clear, then a code not yet defined

  const Bytes bits = {0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7, 0xaa};
  const Outcome runs = unpack(unpack_bits, bits, 100);
  CHECK(runs.problem == "");
  CHECK(runs.bytes == Bytes{0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00,
                            0x2a, 0x22, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa});
  CHECK(unpack(unpack_bits, {0x05, 1, 2}, 100).problem != "");
  CHECK(unpack(unpack_bits, {0xfe}, 100).problem != "");
}

}  // namespace dtacs::test
