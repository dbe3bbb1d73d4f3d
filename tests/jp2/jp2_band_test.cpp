// SPDX-License-Identifier: Apache-2.0
// A JPEG 2000 file on disk: the host's reader and the decode command.
#include <doctest/doctest.h>

#include "io/host/failure.h"
#include "io/host/jp2_band.h"
#include "tests/host/temp_folder.h"
#include "tests/jp2/jp2_support.h"
#include "tools/run/decode.h"

namespace dtacs::test {
namespace {

namespace fs = std::filesystem;

const std::string kFolder = DTACS_SOURCE_DIR "/tests/data/jp2/";

void write_file(const std::string& path, const Bytes& bytes, std::size_t count) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(count));
}

template <class F>
std::pair<Exit, std::string> failure_of(F f) {
  try {
    f();
  } catch (const Failure& e) {
    return {e.exit(), e.what()};
  }
  return {Exit::ok, ""};
}

void decode_with(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& w : words) pointers.push_back(w.data());
  Args args(static_cast<int>(pointers.size()), pointers.data());
  decode_command(args);
}

}  // namespace

TEST_CASE("jp2 band: rows of a window of a file") {
  Image whole;
  REQUIRE(decode(read_file(kFolder + "s2_10m.jp2"), {}, whole).ok());
  Jp2Band band(kFolder + "s2_10m.jp2", BandOptions{.window = {11, 30, 80, 55}});
  REQUIRE(band.width() == 80);
  REQUIRE(band.height() == 55);
  CHECK(band.bits() == 15);
  Image got{80, 55, 15, false, std::vector<std::uint16_t>(80 * 55)};
  for (int y = 0; y < 55; y += 5) band.read_rows(5, got.pixels.data() + y * 80, 80);
  CHECK(got == crop(whole, 11, 30, 80, 55));
}

TEST_CASE("jp2 band: failures name the file and carry the exit code") {
  const TempFolder scratch;
  const std::string cut = scratch / "cut.jp2";
  const Bytes file = read_file(kFolder + "s2_20m.jp2");
  write_file(cut, file, file.size() / 2);
  const auto [exit, line] = failure_of([&] { Jp2Band(cut, Jp2Options{}); });
  CHECK(exit == Exit::bad_data);
  CHECK(line.find(cut) == 0);
  CHECK(line.find("truncated") != std::string::npos);
  CHECK(failure_of([&] { Jp2Band(scratch / "none.jp2", Jp2Options{}); }).first == Exit::missing_input);
  CHECK(failure_of([&] { Jp2Band(kFolder, Jp2Options{}); }).first == Exit::missing_input);
  CHECK(failure_of([&] { Jp2Band(kFolder + "expected.txt", Jp2Options{}); }).first == Exit::unsupported);
  CHECK(failure_of([&] { Jp2Band(kFolder + "s2_20m.jp2", Jp2Options{.reduce = 9}); }).first == Exit::usage);
  CHECK(failure_of([&] { Jp2Band(kFolder + "s2_20m.jp2", Jp2Options{.component = 1}); }).first == Exit::usage);
  CHECK(failure_of([&] {
          Jp2Band(kFolder + "s2_20m.jp2", Jp2Options{.window = {0, 0, 1, 5000}});
        }).first == Exit::usage);
  const auto [cap, message] = failure_of([&] { Jp2Band(kFolder + "s2_20m.jp2", Jp2Options{.memory_limit = 1000}); });
  CHECK(cap == Exit::memory_cap);
  CHECK(message.find("the limit is 1000") != std::string::npos);
  write_file(scratch / "empty.jp2", {}, 0);
  CHECK(failure_of([&] { Jp2Band(scratch / "empty.jp2", Jp2Options{}); }).first == Exit::bad_data);
}

TEST_CASE("decode: writes rows under a temporary name first") {
  const TempFolder scratch;
  const std::string out = scratch / "band.u16";
  decode_with({kFolder + "signed.j2k", "-o", out, "--reduce", "1", "--threads", "2", "--window", "3,2,20,10"});
  Image want;
  REQUIRE(
      decode(read_file(kFolder + "signed.j2k"), {.reduce = 1, .x = 3, .y = 2, .width = 20, .height = 10}, want).ok());
  const Bytes got = read_file(out);
  REQUIRE(got.size() == 2 * want.pixels.size());
  for (std::size_t i = 0; i < want.pixels.size(); ++i)
    CHECK((static_cast<unsigned>(got[2 * i]) | static_cast<unsigned>(got[2 * i + 1]) << 8) == want.pixels[i]);
  CHECK(std::distance(fs::directory_iterator(scratch.path()), {}) == 1);

  const std::string pgx = scratch / "band.pgx";
  decode_with({kFolder + "signed.j2k", "-o", pgx});
  REQUIRE(decode(read_file(kFolder + "signed.j2k"), {}, want).ok());
  CHECK(read_pgx(pgx) == want);
}

TEST_CASE("decode: a failure leaves no file behind") {
  const TempFolder scratch;
  // A file that only turns out to be damaged while rows are written.
  Bytes file = read_file(kFolder + "terminate_all.j2k");
  for (std::size_t i = file.size() - 400; i < file.size() - 2; ++i) file[i] = std::byte{0xfe};
  write_file(scratch / "bad.j2k", file, file.size());
  const auto run = [&](std::vector<std::string> args) {
    return failure_of([&] { decode_with(std::move(args)); }).first;
  };
  CHECK(run({scratch / "bad.j2k", "-o", scratch / "out.u16"}) == Exit::bad_data);
  CHECK(std::distance(fs::directory_iterator(scratch.path()), {}) == 1);
  CHECK(run({kFolder + "plain.j2k", "-o", scratch / "no/such/folder.u16"}) == Exit::cannot_create);
  CHECK(run({kFolder + "plain.j2k", "-o", "/dev/full/x.u16"}) == Exit::cannot_create);
  CHECK(run({kFolder + "plain.j2k"}) == Exit::usage);
  CHECK(run({"-o", scratch / "x.u16"}) == Exit::usage);
  CHECK(run({kFolder + "plain.j2k", "-o", scratch / "x.bmp"}) == Exit::usage);
  CHECK(run({kFolder + "plain.j2k", "-o", scratch / "x.u16", "--reduce", "x"}) == Exit::usage);
  CHECK(run({kFolder + "plain.j2k", "-o", scratch / "x.u16", "--window", "1,2,3"}) == Exit::usage);
  CHECK(run({kFolder + "plain.j2k", "-o", scratch / "x.u16", "--frobnicate"}) == Exit::usage);
  CHECK(run({kFolder + "plain.j2k", "-o", scratch / "x.u16", "--component", "1"}) == Exit::usage);
  CHECK(run({kFolder + "plain.j2k", "-o", scratch / "x.u16", "--reduce", "4"}) == Exit::usage);
  CHECK(run({kFolder + "plain.j2k", "-o", scratch / "x.tif", "--window", "60,0,11,1"}) == Exit::usage);
  CHECK(std::distance(fs::directory_iterator(scratch.path()), {}) == 1);
}

}  // namespace dtacs::test
