// SPDX-License-Identifier: Apache-2.0
// The command line as a user meets it: options, exit codes, one line that says why.
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/run/strip_runs.h"
#include "tools/run/args.h"
#include "tools/run/loaded_weights.h"
#include "tools/run/radiometry_check.h"

namespace dtacs::test {

namespace {

Args args_of(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& w : words) pointers.push_back(w.data());
  return Args(static_cast<int>(pointers.size()), pointers.data());
}

Outcome dtacs(const std::string& arguments) {
  return command("'" DTACS_BINARY "' " + arguments);
}

}  // namespace

TEST_CASE("arguments: options in any order and form, mistakes named") {
  Args a = args_of({"--res", "20", "in", "--window=1,2,3,4", "--quiet", "--weights", "a", "--weights=b"});
  CHECK(a.number("--res", 10, 20) == 20);
  const auto r = a.rect("--window");
  REQUIRE(r.has_value());
  CHECK((r->x == 1 && r->y == 2 && r->width == 3 && r->height == 4));
  CHECK(a.flag("--quiet"));
  CHECK_FALSE(a.flag("--stack"));
  CHECK(a.values("--weights") == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(a.value("-o").has_value());
  CHECK(a.finish(1, "usage")[0] == "in");

  check_fails(Exit::usage, "--res 21", [] { args_of({"--res", "21"}).number("--res", 10, 20); });
  check_fails(Exit::usage, "--res 2x", [] { args_of({"--res", "2x"}).number("--res", 0, 20); });
  check_fails(Exit::usage, "--res needs a value", [] { args_of({"--res"}).number("--res", 0, 20); });
  check_fails(Exit::usage, "-o is given twice", [] { args_of({"-o", "a", "-o", "b"}).value("-o"); });
  for (const char* bad : {"1,2,3", "1,2,3,0", "-1,2,3,4", "1,2,3,4,5", "a,b,c,d", ""})
    check_fails(Exit::usage, "--window", [&] { args_of({"--window", bad}).rect("--window"); });
  check_fails(Exit::usage, "unknown option --frob", [] { args_of({"--frob", "x"}).finish(1, "usage"); });
  check_fails(Exit::usage, "one argument too many: b", [] { args_of({"a", "b"}).finish(1, "usage"); });
  check_fails(Exit::usage, "an argument is missing", [] { args_of({}).finish(1, "usage"); });
}

TEST_CASE("precision: int8 is the default where it is faster and float32 is slow") {
  for (const IsaName& isa : kIsaNames) {
    const std::string name = isa.name;
    INFO(name);
    CHECK(int8_by_default(isa.set) == (name == "sse41" || name == "dotprod" || name == "i8mm"));
  }
  CHECK_FALSE(int8_by_default(isa::avx512vbmi | isa::avx512vnni));
}

TEST_CASE("radiometry: a forgotten and a doubled offset are suspected, an ordinary scene is not") {
  const auto warning = [](int b02, int b10, int b12, float offset) {
    RadiometryCheck check;
    const std::vector<std::uint8_t> valid(400, 1);
    for (const auto& [band, dn] : {std::pair{1, b02}, {10, b10}, {12, b12}})
      check.add(band, std::vector<std::uint16_t>(400, static_cast<std::uint16_t>(dn)).data(), valid.data(), 400,
                offset);
    return check.warning(offset != 0);
  };
  CHECK(warning(700, 15, 300, 0).empty());
  CHECK(warning(1700, 1015, 1300, -1000).empty());
  CHECK(warning(1700, 1015, 1300, 0).find("-1000") != std::string::npos);
  CHECK(warning(700, 900, 300, 0).find("B10 900") != std::string::npos);
  CHECK(warning(1150, 15, 1020, -1000).find("already") != std::string::npos);
  CHECK(RadiometryCheck().warning(false).empty());
  RadiometryCheck alone;  // without B10 and B12, which were once told as 0
  alone.add(1, std::vector<std::uint16_t>(8, 1700).data(), std::vector<std::uint8_t>(8, 1).data(), 8, 0);
  CHECK(alone.warning(false).find("(1st percentile of B02 1700 DN)") != std::string::npos);
}

TEST_CASE("command: exit codes and one line each") {
  const TempFolder folder;
  const std::string out = " -o " + (folder / "out"), product = "'" + kDemo + "'";
  CHECK(dtacs("--version").text.starts_with("dtacs "));
  CHECK(dtacs("--help").text.find("dtacs run PRODUCT") != std::string::npos);
  CHECK(dtacs("run --help").text.find("--window X,Y,W,H") != std::string::npos);
  for (const auto& [arguments, exit, says] : std::vector<std::array<std::string, 3>>{
           {"", "64", "dtacs run"},
           {"frobnicate", "64", "unknown command frobnicate"},
           {"run", "64", "an argument is missing; see dtacs run --help"},
           {"run " + product, "64", "output folder"},
           {"run nowhere" + out, "66", "nowhere"},
           {"run " + product + out + " --isa mmx", "64", "mmx"},
           {"run " + product + out + " --window 400,0,100,10", "64", "420 x 420"},
           {"run " + product + out + " --weights '" DTACS_SOURCE_DIR "/README.md'", "69", "README.md"},
           {"run '" DTACS_SOURCE_DIR "/tests/data/demo/truth'" + out, "68", "B10"},
           {"run " + product + " -o '" DTACS_SOURCE_DIR "/README.md/out'", "73", "README.md"},
           {"run " + product + " -o " + std::string(300, 'x'), "73", "cannot create folder xxx"},
           {"run " + product + out + " --only mask --weights '" DTACS_SOURCE_DIR "/weights/correction.dtw'", "64",
            "correction.dtw corrects, but only the mask"},
           {"run " + product + out + " --only reflectance --weights '" DTACS_SOURCE_DIR "/weights/classification.dtw'",
            "64", "classification.dtw classifies, but only the reflectance"},
           {"run " + product + out + " --only mask --stack", "64", "--stack"},
           {"run " + product + out + " --only reflectance --precision f32", "64", "--precision"},
           {"run " + product + out + " --checkpoint 5", "64", "--checkpoint"},
           {"info '" DTACS_SOURCE_DIR "/README.md'", "67", "README.md"},
           {"decode '" DTACS_SOURCE_DIR "/README.md' -o " + (folder / "x.tif"), "67", "README.md"},
       }) {
    const Outcome o = dtacs(arguments);
    INFO(o.text);
    CHECK(o.exit == std::stoi(exit));
    CHECK(o.text.find(says) != std::string::npos);
    CHECK((arguments.empty() || std::count(o.text.begin(), o.text.end(), '\n') == 1));
  }
  CHECK(folder.names().empty());
  const Outcome full = command("{ '" DTACS_BINARY "' info " + product + " >/dev/full; }");
  CHECK(full.exit == 74);
  CHECK(full.text == "dtacs: standard output: writing failed\n");
  const Outcome info = dtacs("info " + product);
  CHECK(info.exit == 0);
  for (const char* word :
       {"SAFE compact", "05.11", "T31TDH", "EPSG:32631", "B8A         20       210       210    -1000"})
    CHECK(info.text.find(word) != std::string::npos);
}

TEST_CASE("command: the self-test passes here, and finds a damaged program") {
  const Outcome whole = dtacs("selftest");
  INFO(whole.text);
  CHECK(whole.exit == 0);
  for (const char* check :
       {"conv3x3_f32 scalar       ok", "net scalar               ok", "jp2 scalar               ok"})
    CHECK(whole.text.find(check) != std::string::npos);

  // One bit of what lies inside: the weights, the image.
  const std::string program = get_file(DTACS_BINARY_FILE);
  const TempFolder folder;
  for (const auto& [part, at, says] : {std::tuple{std::string("DTACSW\r\n\1\0", 10), 5000, "weights built in"},
                                       std::tuple{std::string("\0\0\0\14jP  ", 8), 3000, "jp2"}}) {
    std::string damaged = program;
    const std::size_t found = damaged.find(part);
    REQUIRE(found != std::string::npos);
    damaged[found + static_cast<std::size_t>(at)] ^= 4;
    put_file(folder / "dtacs", damaged);
    std::filesystem::permissions(folder / "dtacs", std::filesystem::perms::owner_all);
    const Outcome o = command(DTACS_EMULATOR " " + (folder / "dtacs") + " selftest");
    INFO(o.text);
    CHECK(o.exit == 70);
    CHECK(o.text.find(std::string("self-test failed: ") + says) != std::string::npos);
  }
}

TEST_CASE("command: a reader that goes away, and a limit on files, once left unfinished files") {
  const TempFolder folder;
  const std::string run = "'" DTACS_BINARY "' run '" + kDemo + "' -o " + (folder / "out");
  static_cast<void>(command("{ " + run + " 2>&1; echo >&3; } 3>/dev/null | true"));
  if (std::filesystem::exists(folder / "out"))
    for (const auto& e : std::filesystem::directory_iterator(folder / "out"))
      CHECK_FALSE(e.path().string().ends_with(".tmp"));
  const Outcome limited = command("{ ulimit -f 20; " + run + " --quiet; }");
  CHECK(limited.exit == 74);
  CHECK(limited.text.find("writing failed: File too large\n") != std::string::npos);
  for (const auto& e : std::filesystem::directory_iterator(folder / "out"))
    CHECK_FALSE(e.path().string().ends_with(".tmp"));
}

TEST_CASE("command: fewer threads than asked for once ended it with exit code 1") {
  DTACS_NEEDS_OWN_MEMORY();
  const TempFolder folder;
  const std::string decode = "'" DTACS_BINARY "' decode '" DTACS_SOURCE_DIR
                             "/tests/data/jp2/s2_20m.jp2' --threads 64 -o " +
                             (folder / "o.u16");
  const Outcome o = command("{ ulimit -v 150000; " + decode + "; }");
  INFO(o.text);
  // 64 stacks may leave too little for the rest.
  CHECK((o.exit == 0 || o.exit == 71));
  CHECK(std::count(o.text.begin(), o.text.end(), '\n') == (o.exit == 0 ? 0 : 1));
}

TEST_CASE("command: what nohup has it ignore once ended it") {
  const TempFolder folder;
  const std::string run = "'" DTACS_BINARY "' run '" + kDemo + "' --quiet -o " + (folder / "out");
  const Outcome o =
      command("{ trap '' HUP; " + run + " & while kill -HUP $! 2>/dev/null; do sleep 0.01; done; wait $!; }");
  CHECK(o.exit == 0);
  CHECK(std::filesystem::exists(folder / "out/report.json"));
}

TEST_CASE("command: a signal leaves no unfinished file") {
  // Stopped at several moments after its first temporary file is there: right then, when
  // the file is still being made, and later; the slow kernels leave it time.
  for (int delay = 0; delay < 6; ++delay) {
    const TempFolder folder;
    const std::string out = folder / "out";
    const pid_t child = fork();
    if (child == 0) {
      execl(DTACS_BINARY, "dtacs", "run", kDemo.c_str(), "-o", out.c_str(), "--quiet", "--isa", "scalar", nullptr);
      _exit(127);
    }
    bool seen = false;
    for (int i = 0; i < 200000 && !seen; ++i) {
      std::error_code none;
      for (const auto& e : std::filesystem::directory_iterator(out, none))
        seen = seen || e.path().string().ends_with(".tmp");
      usleep(50);
    }
    CHECK(seen);
    usleep(static_cast<useconds_t>(200 * delay * delay));
    kill(child, SIGTERM);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    for (const auto& e : std::filesystem::directory_iterator(out)) CHECK_FALSE(e.path().string().ends_with(".tmp"));
  }
}

}  // namespace dtacs::test
