// SPDX-License-Identifier: Apache-2.0
#include "weights/packed_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "io/crc32c.h"
#include "io/host/failure.h"
#include "io/host/file.h"
#include "tools/convert/pack.h"
#include "tools/convert/weights_writer.h"
#include "tools/run/unpack.h"

namespace dtacs::test {
namespace {

using Data = std::vector<std::byte>;
using Bytes = std::span<const std::byte>;

Status unpack_all(Bytes packed, Bytes base, Data& out, int& failed) {
  PackedFile f;
  failed = -1;
  if (const Status s = PackedFile::open(packed, f); s != Status::ok) return s;
  out.assign(f.original_bytes(), std::byte{0xa5});
  const auto model = std::make_unique<packed::Model>();
  if (const Status s = f.check_base(base); s != Status::ok) return s;
  for (int i = 0; i < f.chunks(); ++i)
    if (const Status s = f.unpack_chunk(i, base, out, *model); s != Status::ok) {
      failed = i;
      return s;
    }
  return crc32c(out) == f.original_crc() ? Status::ok : Status::corrupt;
}

void check_round_trip(Bytes original, Bytes base = {}, std::uint32_t chunk = 1u << 16) {
  Data out;
  int failed = 0;
  REQUIRE(unpack_all(pack(original, base, chunk), base, out, failed) == Status::ok);
  CHECK(std::equal(out.begin(), out.end(), original.begin(), original.end()));
}

// Bytes that are small, large, all alike or of any size, with stretches between.
Data some_bytes(std::size_t count, unsigned kind) {
  std::mt19937 random(kind * 977u + static_cast<unsigned>(count));
  Data d(count);
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned v = random();
    const unsigned values[] = {v & 7u, v, 128u, v & 128u, (i >> 9 & 1u) != 0 ? v : 0u, 0u, 255u};
    d[i] = static_cast<std::byte>(values[kind % 7]);
  }
  return d;
}

}  // namespace

TEST_CASE("packed: every weights file, as it was") {
  for (const char* name : {"classification_int8", "correction", "correction_linear", "correction_phisat2",
                           "correction_planetscope", "correction_probav"}) {
    CAPTURE(name);
    const MappedFile file(DTACS_SOURCE_DIR "/weights/" + std::string(name) + ".dtw");
    check_round_trip(file.bytes());
  }
}

TEST_CASE("packed: any bytes, as they were") {
  for (const std::size_t count : {1u, 2u, 63u, 1024u, 1025u, 9000u})
    for (unsigned kind = 0; kind < 7; ++kind) check_round_trip(some_bytes(count, kind), {}, 1024);
}

TEST_CASE("packed: the bytes of a small file") {
  const Data packed = pack(some_bytes(3000, 0), {}, 1024);
  CHECK(packed.size() == 1426);
  CHECK(crc32c(packed) == 2187296331u);
}

TEST_CASE("packed: the default int8 weights in 2.5 MB") {
  const MappedFile file(DTACS_SOURCE_DIR "/weights/classification_int8.dtw");
  CHECK(pack(file.bytes()).size() < 2500000);
}

TEST_CASE("packed: every truncation and every changed bit is refused") {
  const Data original = some_bytes(2100, 0), packed = pack(original, {}, 1024);
  Data out;
  int failed = 0;
  for (std::size_t n = 0; n < packed.size(); ++n)
    CHECK(unpack_all(Bytes(packed).first(n), {}, out, failed) != Status::ok);
  for (std::size_t i = 0; i < 8 * packed.size(); ++i) {
    Data bad = packed;
    bad[i / 8] ^= static_cast<std::byte>(1u << i % 8);
    CHECK(unpack_all(bad, {}, out, failed) != Status::ok);
  }
  Data longer = packed;
  longer.push_back({});
  CHECK(unpack_all(longer, {}, out, failed) == Status::corrupt);
}

TEST_CASE("packed: a file that arrives chunk by chunk") {
  const Data original = some_bytes(5000, 0), packed = pack(original, {}, 1024);
  PackedFile whole, part;
  REQUIRE(PackedFile::open(packed, whole) == Status::ok);
  REQUIRE(whole.chunks() == 5);
  Data arrived(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(whole.chunk_begin(2) + 1));
  REQUIRE(PackedFile::open(arrived, part) == Status::ok);
  for (int i = 0; i < 5; ++i) CHECK(part.check_chunk(i) == (i < 2 ? Status::ok : Status::truncated));
  // The rest came, but for chunk 3, in whose place there are zeros.
  arrived.resize(packed.size());
  for (const int i : {2, 4})
    std::copy_n(packed.begin() + static_cast<std::ptrdiff_t>(whole.chunk_begin(i)), whole.chunk_bytes(i),
                arrived.begin() + static_cast<std::ptrdiff_t>(whole.chunk_begin(i)));
  Data out;
  int failed = -1;
  CHECK(unpack_all(arrived, {}, out, failed) == Status::corrupt);
  CHECK(failed == 3);
  CHECK_THROWS_WITH_AS(static_cast<void>(unpack("up.dtwz", arrived)), doctest::Contains("up.dtwz: chunk 3 of 5"),
                       Failure);
  std::copy_n(packed.begin() + static_cast<std::ptrdiff_t>(whole.chunk_begin(3)), whole.chunk_bytes(3),
              arrived.begin() + static_cast<std::ptrdiff_t>(whole.chunk_begin(3)));
  CHECK(unpack_all(arrived, {}, out, failed) == Status::ok);
  CHECK(out == original);
  CHECK(unpack("up.dtwz", packed, {}, original.size()).size == original.size());
  CHECK_THROWS_WITH_AS(static_cast<void>(unpack("up.dtwz", packed, {}, original.size() - 1)),
                       "up.dtwz: unpacks to 5000 bytes, 4999 are allowed", Failure);  // a memory cap once came too late
}

TEST_CASE("packed: a new version as the difference to an old one") {
  const auto version = [](int step, const char* note) {
    WeightsTensor t{.name = "a0.w", .dtype = DType::s8, .dims = {16, 24, 3, 3}, .values = {}};
    std::mt19937 random(1);
    for (int i = 0; i < 16 * 24 * 9; ++i) {
      const int v = static_cast<int>(random() % 200u) - 100;
      t.integers.push_back(v + (i % 37 == 0 ? step : 0));
    }
    return write_weights({t}, {{"note", note}});
  };
  const Data old = version(0, "old"),
             now = version(1, "a new version, whose metadata are so long that tensors move on");
  REQUIRE(old.size() != now.size());
  const Data patch = pack(now, old);
  CHECK(5 * patch.size() < pack(now).size());
  Data out;
  int failed = 0;
  REQUIRE(unpack_all(patch, old, out, failed) == Status::ok);
  CHECK(out == now);
  CHECK(unpack_all(patch, now, out, failed) == Status::wrong_base);
  CHECK(unpack_all(patch, {}, out, failed) == Status::wrong_base);
  CHECK(unpack_all(pack(now), old, out, failed) == Status::wrong_base);
}

}  // namespace dtacs::test
