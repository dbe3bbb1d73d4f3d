// SPDX-License-Identifier: Apache-2.0
#include "weights/weights_file.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "io/crc32c.h"
#include "io/host/failure.h"
#include "tests/support/buffer.h"
#include "tests/support/suite.h"
#include "tools/convert/weights_writer.h"
#include "weights/weights_layout.h"

namespace dtacs {

using namespace weights_v1;

namespace {

using Bytes = std::vector<std::byte>;

// The file that FORMAT.md shows.
Bytes tiny() {
  return write_weights({{.name = "a0.w", .dtype = DType::f16, .dims = {1, 2, 1, 1}, .values = {0.5f, -2.0f}},
                        {.name = "a0.b", .dims = {1}, .values = {0.25f}}},
                       {{"net", "linear"},
                        {"task", "correction"},
                        {"bands", "B02,B03"},
                        {"outputs", "B03"},
                        {"input", "toa_reflectance"}});
}

std::string hexdump(const Bytes& bytes) {
  std::string out;
  char text[24];
  for (std::size_t row = 0; row < bytes.size(); row += 16) {
    std::snprintf(text, sizeof text, "%08zx ", row);
    out += text;
    std::string letters;
    for (std::size_t i = row; i < row + 16 && i < bytes.size(); ++i) {
      const int b = static_cast<int>(bytes[i]);
      std::snprintf(text, sizeof text, "%s%02x", i % 8 == 0 && i != row ? "  " : " ", static_cast<unsigned>(b));
      out += text;
      letters += b >= 0x20 && b < 0x7f ? static_cast<char>(b) : '.';
    }
    out += "  |" + letters + "|\n";
  }
  return out;
}

std::string documented_hexdump() {
  std::ifstream in(DTACS_SOURCE_DIR "/weights/FORMAT.md");
  std::stringstream all;
  all << in.rdbuf();
  const std::string doc = all.str(), fence = "```hexdump\n";
  const std::size_t begin = doc.find(fence);
  if (begin == doc.npos) return "no hexdump in FORMAT.md";
  return doc.substr(begin + fence.size(), doc.find("```", begin + 3) - begin - fence.size());
}

Bytes parse_hexdump(const std::string& dump) {
  Bytes bytes;
  std::istringstream lines(dump);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line.substr(0, line.find('|')));
    std::string word;
    for (numbers >> word; numbers >> word;) bytes.push_back(static_cast<std::byte>(std::stoi(word, nullptr, 16)));
  }
  return bytes;
}

// From a copy that ends at an unreadable page: reading too far is a fault.
Status open_status(const Bytes& bytes) {
  test::Guarded<std::byte> copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.begin());
  WeightsFile f;
  const Status s = WeightsFile::open({copy.data(), copy.size()}, f);
  if (s != Status::ok) CHECK(f.tensor_count() + f.meta_count() == 0);
  return s;
}

template <class T>
void put(Bytes& b, std::size_t at, T v) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    b[at + i] = static_cast<std::byte>(static_cast<std::uint64_t>(v) >> (8 * i));
}

// Makes all checksums right again, as somebody with bad intentions would.
void seal(Bytes& b) {
  put(b, kHeadCrc, std::uint32_t{0});
  put(b, kHeadCrc, crc32c(b));
}

}  // namespace

TEST_CASE("weights file: the writer writes what FORMAT.md shows, and that file opens") {
  CHECK_MESSAGE(hexdump(tiny()) == documented_hexdump(), "FORMAT.md should show:\n" << hexdump(tiny()));
  const Bytes bytes = parse_hexdump(documented_hexdump());
  WeightsFile f;
  REQUIRE(WeightsFile::open(bytes, f) == Status::ok);
  REQUIRE(f.tensor_count() == 2);
  CHECK(f.tensor(0).name == "a0.b");
  CHECK(f.meta("bands") == "B02,B03");
  CHECK(f.meta("nothing") == "");
  const TensorView w = f.find("a0.w");
  REQUIRE(w.rank == 4);
  CHECK(w.dtype == DType::f16);
  CHECK(w.dims[1] == 2);
  REQUIRE(w.count() == 2);
  float v[2] = {};
  w.to_f32(v);
  CHECK(v[0] == 0.5f);
  CHECK(v[1] == -2.0f);
}

TEST_CASE("weights file: every cut, every flipped bit and anything appended is refused") {
  const Bytes good = tiny();
  REQUIRE(open_status(good) == Status::ok);
  for (std::size_t n = 0; n < good.size(); ++n) {
    CAPTURE(n);
    REQUIRE(open_status(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))) == Status::truncated);
  }
  for (std::size_t i = 0; i < good.size() * 8; ++i) {
    CAPTURE(i);
    Bytes bad = good;
    bad[i / 8] ^= static_cast<std::byte>(1u << (i % 8));
    REQUIRE(open_status(bad) != Status::ok);
  }
  for (std::size_t i = 0; i < good.size(); ++i) {  // and every byte replaced by another
    Bytes bad = good;
    bad[i] ^= std::byte{0xff};
    REQUIRE(open_status(bad) != Status::ok);
  }
  Bytes longer = good;
  longer.resize(good.size() + 64);
  CHECK(open_status(longer) == Status::corrupt);
  Bytes magic = good;
  magic[6] = std::byte{'\n'};  // what a text-mode transfer does
  CHECK(open_status(magic) == Status::bad_magic);
  Bytes version = good;
  put(version, kHeadVersion, std::uint32_t{3});
  seal(version);
  CHECK(open_status(version) == Status::bad_version);
}

TEST_CASE("weights file: a hostile header with the right checksum is refused") {
  const Bytes good = tiny();
  const std::size_t t0 = kHeaderBytes, t1 = t0 + kTensorBytes, m0 = t1 + kTensorBytes;
  std::uint32_t strings = 0, data = 0;
  for (int i = 3; i >= 0; --i) {
    strings = strings << 8 | static_cast<std::uint32_t>(good[kHeadStrings + static_cast<std::size_t>(i)]);
    data = data << 8 | static_cast<std::uint32_t>(good[kHeadData + static_cast<std::size_t>(i)]);
  }
  const std::pair<const char*, std::function<void(Bytes&)>> kAttacks[] = {
      {"tensors", [](Bytes& b) { put(b, kHeadTensors, 0xffffffffu); }},
      {"one tensor more", [](Bytes& b) { put(b, kHeadTensors, 3u); }},
      {"one tensor fewer", [](Bytes& b) { put(b, kHeadTensors, 1u); }},
      {"pairs", [](Bytes& b) { put(b, kHeadMeta, 0xffffffffu); }},
      {"strings", [](Bytes& b) { put(b, kHeadStrings, 0xffffffffu); }},
      {"data", [](Bytes& b) { put(b, kHeadData, 0xffffffc0u); }},
      {"data early", [=](Bytes& b) { put(b, kHeadData, data - 64); }},
      {"reserved", [](Bytes& b) { put(b, kHeadReserved, std::uint8_t{1}); }},
      {"name offset", [=](Bytes& b) { put(b, t0 + kTensorName, 0xfffffffeu); }},
      {"name length", [=](Bytes& b) { put(b, t0 + kTensorNameLength, std::uint8_t{255}); }},
      {"no name", [=](Bytes& b) { put(b, t0 + kTensorNameLength, std::uint8_t{0}); }},
      {"dtype", [=](Bytes& b) { put(b, t0 + kTensorDType, std::uint8_t{2}); }},
      {"other dtype", [=](Bytes& b) { put(b, t1 + kTensorDType, std::uint8_t{0}); }},
      {"no dtype", [=](Bytes& b) { put(b, t0 + kTensorDType, std::uint8_t{9}); }},
      {"rank 0", [=](Bytes& b) { put(b, t0 + kTensorRank, std::uint8_t{0}); }},
      {"rank 5", [=](Bytes& b) { put(b, t1 + kTensorRank, std::uint8_t{5}); }},
      {"rank 3", [=](Bytes& b) { put(b, t1 + kTensorRank, std::uint8_t{3}); }},
      {"dims 0", [=](Bytes& b) { put(b, t1 + kTensorDims + 4, 0u); }},
      {"dims overflow",
       [=](Bytes& b) {
         for (std::size_t d = 0; d < 4; ++d) put(b, t1 + kTensorDims + 4 * d, 0x10000u);  // product is 2^64
       }},
      {"dims wrap to the right size", [=](Bytes& b) { put(b, t1 + kTensorDims, 0x80000001u); }},
      {"dims beyond rank", [=](Bytes& b) { put(b, t0 + kTensorDims + 4, 1u); }},
      {"data offset", [=](Bytes& b) { put(b, t1 + kTensorData, ~std::uint64_t{63}); }},
      {"data shared", [=](Bytes& b) { put(b, t1 + kTensorData, std::uint64_t{data}); }},
      {"data bytes", [=](Bytes& b) { put(b, t1 + kTensorDataBytes, ~std::uint64_t{0}); }},
      {"data crc", [=](Bytes& b) { put(b, t1 + kTensorCrc, 1u); }},
      {"record reserved", [=](Bytes& b) { put(b, t1 + kTensorReserved2, 1u); }},
      {"record reserved, inside", [=](Bytes& b) { put(b, t1 + kTensorReserved2 + 4, std::uint64_t{64}); }},
      {"record reserved, its end", [=](Bytes& b) { put(b, t1 + kTensorReserved2 + 12, std::uint64_t{1} << 63); }},
      {"key offset", [=](Bytes& b) { put(b, m0 + kMetaKey, 0u); }},
      {"key length", [=](Bytes& b) { put(b, m0 + kMetaKeyLength, 0xffffffffu); }},
      {"value offset", [=](Bytes& b) { put(b, m0 + kMetaValue, 0xffffffffu); }},
      {"value length", [=](Bytes& b) { put(b, m0 + kMetaValueLength, 0xfffffff0u); }},
      {"name with a slash", [=](Bytes& b) { b[strings + 2] = std::byte{'/'}; }},
      {"names out of order", [=](Bytes& b) { b[strings] = std::byte{'z'}; }},
      {"names equal", [=](Bytes& b) { b[strings + 3] = std::byte{'w'}; }},
      {"value with an escape sequence", [=](Bytes& b) { b[strings + 8 + 5] = std::byte{0x1b}; }},
      {"value not UTF-8", [=](Bytes& b) { b[strings + 8 + 5] = std::byte{0xc0}; }},
      {"padding before data", [=](Bytes& b) { b[data - 1] = std::byte{1}; }},
      {"padding after data", [=](Bytes& b) { b[data + 63] = std::byte{1}; }},
      {"last padding", [=](Bytes& b) { b[b.size() - 1] = std::byte{1}; }},
  };
  for (const auto& attack : kAttacks) {
    CAPTURE(attack.first);
    Bytes bad = good;
    attack.second(bad);
    REQUIRE(bad != good);
    seal(bad);
    CHECK(open_status(bad) != Status::ok);
  }
  // Infinity and not-a-number, with the tensor's own checksum right as well.
  for (const std::uint32_t bits : {0x7f800000u, 0xff800000u, 0x7fc00001u}) {
    Bytes bad = good;
    put(bad, data, bits);
    put(bad, t0 + kTensorCrc, crc32c(std::span<const std::byte>(bad).subspan(data, 4)));
    seal(bad);
    CHECK(open_status(bad) == Status::corrupt);
  }
}

TEST_CASE("weights file: thousands of sealed mutations never crash the reader") {
  const Bytes good = tiny();
  test::Rng rng(7);
  int opened = 0;
  for (int round = 0; round < 20000; ++round) {
    Bytes bad = good;
    for (int n = rng.between(1, 3); n > 0; --n) {
      const auto at = static_cast<std::size_t>(rng.between(8, static_cast<int>(bad.size()) - 1));
      static constexpr std::uint64_t kValues[] = {0, 1, 2, 0x7f, 0x80, 0xff};
      bad[at] = static_cast<std::byte>(rng.between(0, 1) == 0 ? kValues[rng.between(0, 5)] : rng.next());
    }
    seal(bad);
    WeightsFile f;
    if (WeightsFile::open(bad, f) != Status::ok) continue;
    ++opened;  // letters of names and values may change
    for (int i = 0; i < f.tensor_count(); ++i) {
      std::vector<float> v(f.tensor(i).count());
      f.tensor(i).to_f32(v.data());
      CHECK(f.find(f.tensor(i).name).bytes.data() == f.tensor(i).bytes.data());
    }
  }
  CHECK(opened > 0);
  CHECK(opened < 20000);
}

TEST_CASE("weights file: many tensors are found by name, in any order of writing") {
  std::vector<WeightsTensor> tensors;
  for (std::uint32_t i = 0; i < 131; ++i)
    tensors.push_back({.name = std::string("t") + std::to_string(i * 7 % 131),
                       .dims = {i + 1},
                       .values = std::vector<float>(i + 1, static_cast<float>(i))});
  const std::map<std::string, std::string> meta = {{"description", "na\u00efve \u2014 \U0001f6f0"}, {"empty", ""}};
  const Bytes bytes = write_weights(tensors, meta);
  std::vector<WeightsTensor> reversed(tensors.rbegin(), tensors.rend());
  CHECK(write_weights(reversed, meta) == bytes);
  CHECK(bytes.size() % kAlign == 0);
  WeightsFile f;
  REQUIRE(WeightsFile::open(bytes, f) == Status::ok);
  CHECK(f.meta("description") == "na\u00efve \u2014 \U0001f6f0");
  CHECK(f.meta("empty") == "");
  REQUIRE(f.meta_count() == 2);
  CHECK(f.meta_key(1) == "empty");
  for (const WeightsTensor& t : tensors) {
    const TensorView v = f.find(t.name);
    REQUIRE(v.rank == 1);
    REQUIRE(v.count() == t.values.size());
    CHECK((v.bytes.data() - bytes.data()) % static_cast<std::ptrdiff_t>(kAlign) == 0);
    std::vector<float> values(v.count());
    v.to_f32(values.data());
    CHECK(values == t.values);
  }
  for (const char* absent : {"", "t", "t131", "zz", "a"}) CHECK(f.find(absent).rank == 0);
  const Bytes none = write_weights({}, {});
  REQUIRE(WeightsFile::open(none, f) == Status::ok);
  CHECK(f.find("t0").rank == 0);
}

TEST_CASE("weights file: integers make version 2, and come back") {
  const Bytes file =
      write_weights({{.name = "a", .dtype = DType::s8, .dims = {3}, .values = {}, .integers = {-128, 0, 127}},
                     {.name = "b", .dtype = DType::s16, .dims = {2}, .values = {}, .integers = {-32768, 32767}},
                     {.name = "c", .dtype = DType::s32, .dims = {1}, .values = {}, .integers = {-2000000001}},
                     {.name = "d", .dims = {1}, .values = {0.5f}}},
                    {});
  WeightsFile f;
  REQUIRE(WeightsFile::open(file, f) == Status::ok);
  CHECK(f.find("a").dtype == DType::s8);
  const auto holds = [&](const char* name, std::initializer_list<int> little_endian) {
    const std::span<const std::byte> got = f.find(name).bytes;
    return std::equal(got.begin(), got.end(), little_endian.begin(), little_endian.end(),
                      [](std::byte b, int want) { return static_cast<int>(b) == want; });
  };
  CHECK(holds("a", {0x80, 0, 0x7f}));
  CHECK(holds("b", {0, 0x80, 0xff, 0x7f}));
  CHECK(f.find("c").count() == 1);
  CHECK(holds("c", {0xff, 0x6b, 0xca, 0x88}));
  CHECK(static_cast<int>(file[kHeadVersion]) == 2);
  CHECK(static_cast<int>(tiny()[kHeadVersion]) == 1);
  // A version says what is inside, and nothing else.
  Bytes as_1 = file, as_2 = tiny();
  put(as_1, kHeadVersion, std::uint32_t{1});
  put(as_2, kHeadVersion, std::uint32_t{2});
  seal(as_1);
  seal(as_2);
  CHECK(open_status(as_1) == Status::corrupt);
  CHECK(open_status(as_2) == Status::corrupt);
}

TEST_CASE("weights writer: what the format cannot hold is refused") {
  const auto refused = [](WeightsTensor t, const std::map<std::string, std::string>& meta = {}) {
    CHECK_THROWS_AS(static_cast<void>(write_weights({std::move(t)}, meta)), Failure);
  };
  const WeightsTensor ok{.name = "x", .dims = {1}, .values = {1}};
  CHECK(write_weights({ok}, {{"k", "v"}}).size() > 0);
  refused({.name = "x", .dims = {1}, .values = {std::numeric_limits<float>::infinity()}});
  refused({.name = "x", .dims = {1}, .values = {std::numeric_limits<float>::quiet_NaN()}});
  refused({.name = "x", .dtype = DType::f16, .dims = {1}, .values = {65520}});
  refused({.name = "x", .dtype = DType::s8, .dims = {1}, .values = {}, .integers = {128}});
  refused({.name = "x", .dtype = DType::s16, .dims = {1}, .values = {}, .integers = {-32769}});
  refused({.name = "x", .dtype = DType::s8, .dims = {1}, .values = {1}});
  refused({.name = "x y", .dims = {1}, .values = {1}});
  refused({.name = "", .dims = {1}, .values = {1}});
  refused({.name = std::string(64, 'x'), .dims = {1}, .values = {1}});
  refused({.name = "x", .dims = {}, .values = {1}});
  refused({.name = "x", .dims = {1, 1, 1, 1, 1}, .values = {1}});
  refused({.name = "x", .dims = {2}, .values = {1}});
  refused({.name = "x", .dims = {0}, .values = {}});
  refused({.name = "x", .dims = {0x80000000u, 2, 0x80000000u, 2}, .values = {}});
  refused(ok, {{"bad key", "v"}});
  refused(ok, {{"k", "two\nlines"}});
  refused(ok, {{"k", "\xff"}});
  refused(ok, {{"k", "\xed\xa0\x80"}});  // a surrogate
  refused(ok, {{"k", "\xc0\xaf"}});      // an overlong slash
  refused(ok, {{"k", std::string(4096, 'v')}});
  CHECK_THROWS_AS(static_cast<void>(write_weights({ok, ok}, {})), Failure);
}

}  // namespace dtacs
