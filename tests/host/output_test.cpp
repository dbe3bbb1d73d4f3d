// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <stb_image.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <limits>

#include "io/host/file.h"
#include "io/host/json.h"
#include "io/host/output_file.h"
#include "io/host/png.h"
#include "tests/host/temp_folder.h"

namespace dtacs::test {

TEST_CASE("output file: appears whole, under its name, at finish") {
  const TempFolder folder;
  const std::string path = folder / "out.bin";
  std::string want;
  {
    OutputFile file(path);
    for (int i = 0; i < 1000; ++i) {  // below, at and above the buffer's size
      const std::string part(static_cast<std::size_t>(i % 7 == 0 ? 300000 : i), static_cast<char>('a' + i % 26));
      if (want.size() < 4000000) {
        file.append(part);
        want += part;
      }
    }
    file.patch(1, "XYZ", 3);
    want.replace(1, 3, "XYZ");
    file.append("end");
    want += "end";
    CHECK(file.size() == want.size());
    CHECK_FALSE(std::filesystem::exists(path));
    file.finish();
  }
  CHECK(get_file(path) == want);
  CHECK(folder.names() == std::vector<std::string>{"out.bin"});
}

TEST_CASE("output file: an unfinished one leaves nothing, and what was there stays") {
  const TempFolder folder;
  put_file(folder / "out.txt", "old");
  {
    OutputFile file(folder / "out.txt");
    file.append("new, but cut short");
  }
  CHECK(folder.names() == std::vector<std::string>{"out.txt"});
  CHECK(get_file(folder / "out.txt") == "old");
  write_file(folder / "out.txt", "new");
  CHECK(get_file(folder / "out.txt") == "new");
  CHECK(folder.names() == std::vector<std::string>{"out.txt"});
}

TEST_CASE("output file: what a writer appends first once overwrote the end of what was taken up") {
  const TempFolder folder;
  StateArchive saved;
  {
    OutputFile file(folder / "x", Unfinished::kept);
    file.append("header, rows");
    file.exchange(saved);
    file.append(" beyond the state");
  }
  OutputFile file(folder / "x", Unfinished::kept);
  file.append("header");
  StateArchive state(saved.bytes());
  file.exchange(state);
  file.append(", more rows");
  file.finish();
  CHECK(get_file(folder / "x") == "header, rows, more rows");
}

TEST_CASE("output file: two writers of one name do not mix") {
  const TempFolder folder;
  OutputFile a(folder / "x"), b(folder / "x");
  a.append("aaa");
  b.append("bb");
  a.finish();
  b.finish();
  CHECK(get_file(folder / "x") == "bb");
  CHECK(folder.names() == std::vector<std::string>{"x"});
}

TEST_CASE("output file: where nothing can be created") {
  const TempFolder folder;
  put_file(folder / "file", "");
  check_fails(Exit::cannot_create, "no/such/out.bin|No such file", [&] { OutputFile f(folder / "no/such/out.bin"); });
  check_fails(Exit::cannot_create, "file/out.bin", [&] { OutputFile f(folder / "file/out.bin"); });
  check_fails(Exit::cannot_create, folder.path() + "|not a regular file", [&] { OutputFile f(folder.path()); });
  check_fails(Exit::cannot_create, "/dev/full|not a regular file", [&] { OutputFile f("/dev/full"); });
  check_fails(Exit::cannot_create, "/proc/dtacs.tif", [&] { OutputFile f("/proc/dtacs.tif"); });
  check_fails(Exit::cannot_create, "file", [&] { make_folder(folder / "file"); });
  check_fails(Exit::cannot_create, "file/below", [&] { make_folder(folder / "file/below"); });
  make_folder(folder / "a/b/c");
  make_folder(folder / "a/b/c");
  CHECK(std::filesystem::is_directory(folder / "a/b/c"));
}

TEST_CASE("output file: a full disk is an I/O error and leaves nothing") {
  const TempFolder folder;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000000;  // files larger than that fail as on a full disk
  int failures = 0;
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{700000}}) {
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    try {
      OutputFile file(folder / "big.bin");
      for (std::size_t n = 0; n < 3000000; n += piece) file.append(std::string(piece, 'x'));
      file.finish();
    } catch (const Failure& e) {
      failures +=
          e.exit() == Exit::io_error && std::string(e.what()).find("big.bin: writing failed") != std::string::npos;
    }
    setrlimit(RLIMIT_FSIZE, &before);
  }
  std::signal(SIGXFSZ, handler);
  CHECK(failures == 2);
  CHECK(folder.names().empty());
}

TEST_CASE("output file: an input that becomes shorter while it is read is an I/O error and leaves nothing") {
  const TempFolder folder, other;
  const std::string input = other / "input.bin", said = other / "stderr.txt";
  put_file(input, std::string(1 << 16, 'x'));
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    remove_unfinished_on_signals("dtacs");
    if (std::freopen(said.c_str(), "w", stderr) == nullptr) _exit(1);
    OutputFile unfinished(folder / "out.bin");
    unfinished.append("some");
    const MappedFile file(input);
    if (truncate(input.c_str(), 10) != 0) _exit(2);
    const volatile std::byte last = file.bytes()[file.bytes().size() - 1];
    _exit(last == std::byte{'x'} ? 3 : 4);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == static_cast<int>(Exit::io_error));
  const auto line = [](const std::string& name) {
    return "dtacs: " + name + ": became shorter or unreadable while it was read\n";
  };
  const std::string got = get_file(said);
  // qemu-arm hands on the address in its own memory instead of the program's, which is then of no file.
  CHECK((got == line(input) || (sizeof(void*) == 4 && got == line("an input file"))));
  CHECK(folder.names().empty());
}

TEST_CASE("json: nesting, numbers, strings") {
  JsonWriter j;
  j.begin_object();
  j.member("name", "T31TDH").member("count", 13).member("big", std::uint64_t{1} << 63).member("yes", true);
  j.member("tenth", 0.1).member("whole", 3.0).member("nan", std::numeric_limits<double>::quiet_NaN());
  j.key("none").null();
  j.key("bands").begin_array().value(-1).value("B8A");
  j.begin_object().end();
  j.begin_array().end();
  j.end();
  j.end();
  CHECK(j.text() ==
        "{\n  \"name\": \"T31TDH\",\n  \"count\": 13,\n  \"big\": 9223372036854775808,\n  \"yes\": true,\n"
        "  \"tenth\": 0.1,\n  \"whole\": 3,\n  \"nan\": null,\n  \"none\": null,\n"
        "  \"bands\": [\n    -1,\n    \"B8A\",\n    {},\n    []\n  ]\n}\n");
}

TEST_CASE("json: strings are escaped and always UTF-8") {
  const auto quoted = [](std::string_view s) {
    JsonWriter j;
    j.value(s);
    return j.text();
  };
  CHECK(quoted("a\"b\\c\n\t\x01/") == "\"a\\\"b\\\\c\\n\\u0009\\u0001/\"\n");
  CHECK(quoted("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9b\xb0") == "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9b\xb0\"\n");
  const std::string bad = "\xef\xbf\xbd";
  CHECK(quoted("\xff") == "\"" + bad + "\"\n");
  CHECK(quoted("\xc0\xaf") == "\"" + bad + bad + "\"\n");            // overlong
  CHECK(quoted("\xed\xa0\x80") == "\"" + bad + bad + bad + "\"\n");  // a surrogate
  CHECK(quoted("x\xe2\x82") == "\"x" + bad + bad + "\"\n");          // cut
}

TEST_CASE("png: pixels come back") {
  const TempFolder folder;
  for (const int channels : {1, 2, 3, 4}) {
    CAPTURE(channels);
    const int width = 37, height = 19, stride = width * channels + 5;
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(stride * height));
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i / 7);
    const std::string path = folder / "p.png";
    write_png(path,
              {.pixels = pixels.data(), .width = width, .height = height, .channels = channels, .stride = stride});
    int w = 0, h = 0, c = 0;
    unsigned char* back = stbi_load(path.c_str(), &w, &h, &c, 0);
    REQUIRE(back != nullptr);
    CHECK((w == width && h == height && c == channels));
    int wrong = 0;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width * channels; ++x)
        wrong += back[y * width * channels + x] != pixels[static_cast<std::size_t>(y * stride + x)];
    CHECK(wrong == 0);
    stbi_image_free(back);
  }
  const std::uint8_t one = 0;
  check_fails(Exit::usage, "no.png|0 x 1", [&] { write_png(folder / "no.png", {.pixels = &one, .height = 1}); });
  check_fails(Exit::usage, "no.png",
              [&] { write_png(folder / "no.png", {.pixels = &one, .width = 40000, .height = 40000, .channels = 4}); });
  check_fails(Exit::cannot_create, "none/p.png",
              [&] { write_png(folder / "none/p.png", {.pixels = &one, .width = 1, .height = 1, .channels = 1}); });
}

}  // namespace dtacs::test
