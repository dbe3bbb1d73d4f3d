// SPDX-License-Identifier: Apache-2.0
// `dtacs watch`: every product once, none of them half.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/run/strip_runs.h"
#include "tools/run/watched_folder.h"

namespace dtacs::test {

namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

// The demo's images in a folder, without its metadata.
void put_loose_bands(const std::string& folder) {
  fs::create_directories(folder);
  for (const auto& file : fs::recursive_directory_iterator(kDemo))
    if (file.path().extension() == ".jp2") fs::create_symlink(file.path(), fs::path(folder) / file.path().filename());
}

// Reflectance of a corner, for what is about the watch alone.
std::vector<std::string> watch_once(const TempFolder& in, const TempFolder& out) {
  return {DTACS_BINARY, "watch",       in.path(),  out.path(),  "--once", "--interval",     "0",
          "--only",     "reflectance", "--window", "0,0,32,32", "--log",  out / "watch.log"};
}

}  // namespace

TEST_CASE("watch: every product once, a bad one is noted and holds up nobody") {
  const TempFolder in, out;
  fs::create_directory_symlink(kDemo, in / "good.SAFE");
  put_file(in / "bad.txt", "no product");
  const std::vector<std::string> words = {DTACS_BINARY,     "watch", in.path(), out.path(),    "--once",
                                          "--interval",     "0",     "--only",  "reflectance", "--log",
                                          out / "watch.log"};
  CHECK(exit_of(words) == 67);
  CHECK(fs::exists(out / "good.SAFE/report.json"));
  CHECK(fs::exists(out / "good.SAFE/reflectance_10m.tif"));
  CHECK(get_file(out / "bad.txt/failed.txt").find("not a product") != std::string::npos);
  const std::string log = get_file(out / "watch.log");
  CHECK(log.find("good.SAFE done in") != std::string::npos);
  CHECK(log.find("bad.txt exit 67") != std::string::npos);
  CHECK(exit_of(words) == 0);  // nothing is left to do
  CHECK(get_file(out / "watch.log") == log);

  // Looking on until it is told to stop, or until its time is up.
  const TempFolder other;
  const std::vector<std::string> idle = {DTACS_BINARY, "watch", other.path(), out.path(), "--interval", "1"};
  CHECK(run_for(idle, std::chrono::seconds(1), SIGTERM) == 75);
  CHECK(exit_of({DTACS_BINARY, "watch", other.path(), out.path(), "--interval", "1", "--time-budget", "1"}) == 76);
  CHECK(exit_of({DTACS_BINARY, "watch", in.path(), in.path(), "--once"}) == 64);
  // What holds the outputs is no product, however deep they lie.
  fs::create_directories(in / "results/masks");
  WatchedFolder deep(in.path(), in / "results/masks", "");
  CHECK(deep.look().arriving == Names{"bad.txt", "good.SAFE"});
  CHECK(exit_of({DTACS_BINARY, "watch", in / "nowhere", out.path(), "--once"}) == 66);
}

TEST_CASE("watch: a mistake in the command once marked all products as bad for good") {
  const TempFolder in, out;
  fs::create_directory_symlink(kDemo, in / "p.SAFE");
  const auto watch = [&](std::vector<std::string> options) {
    std::vector<std::string> words = {DTACS_BINARY, "watch", in.path(), out.path(), "--once", "--interval", "0"};
    words.insert(words.end(), {"--only", "reflectance"});
    words.insert(words.end(), options.begin(), options.end());
    return exit_of(words);
  };
  CHECK(watch({"--weights", in / "typo.dtw"}) == 66);
  CHECK_FALSE(fs::exists(out / "p.SAFE"));
  CHECK(watch({"--window", "0,0,90000,90000"}) == 64);
  CHECK(fs::exists(out / "p.SAFE/failed.txt"));
  CHECK(watch({"--window", "0,0,90000,90000"}) == 0);  // known by now
  CHECK(watch({"--window", "0,0,64,64"}) == 0);
  CHECK(fs::exists(out / "p.SAFE/report.json"));
}

TEST_CASE("watch: a product that took all memory once ended the watch, at every start anew") {
  const TempFolder in;
  for (const char* name : {"a.SAFE", "b.SAFE"}) fs::create_directory_symlink(kDemo, in / name);
  int given_up = 0;
  for (int n = 100; n < 20000; n += n / 4) {  // the n-th allocation fails
    const TempFolder out;
    const Outcome o =
        command("DTACS_FAIL_AT=" + std::to_string(n) + " " +
                shell_words({DTACS_SHORT_OF_MEMORY, "watch", in.path(), out.path(), "--once", "--interval", "0",
                             "--only", "reflectance", "--window", "0,0,32,32", "--threads", "1"}));
    if (!fs::exists(out / "a.SAFE/failed.txt")) continue;  // elsewhere, or got over
    ++given_up;
    CHECK(o.exit == 71);
    CHECK(o.text.find("a.SAFE exit 71: " + (in / "a.SAFE") + ": not enough memory") != std::string::npos);
    CHECK(fs::exists(out / "b.SAFE/report.json"));
  }
  CHECK(given_up > 0);
}

TEST_CASE("watch: what a report warns of stands in the log too") {
  const TempFolder in, out;
  put_loose_bands(in / "bands");
  const Outcome o = command(shell_words(
      {DTACS_BINARY, "watch", in.path(), out.path(), "--once", "--interval", "0", "--only", "reflectance"}));
  CHECK(o.exit == 0);
  CHECK(o.text.find("bands done in") != std::string::npos);
  CHECK(o.text.find(", warning: ") != std::string::npos);
}

TEST_CASE("watch: what another watch did since the look is not done again") {
  const TempFolder in, out;
  put_file(in / "p.SAFE/image", "");
  WatchedFolder folder(in.path(), out.path(), ""), other = folder;
  CHECK_FALSE(folder.done("p.SAFE"));
  put_file(out / "p.SAFE/report.json", "{}");
  CHECK_FALSE(folder.done("p.SAFE"));  // of another run, or killed before it was noted which product it was
  CHECK(other.look().arriving.size() == 1);
  other.note_done("p.SAFE");
  CHECK(folder.done("p.SAFE"));
}

TEST_CASE("watch: a product that changed after its run was once left as it was") {
  const TempFolder in, out;
  put_loose_bands(in / "bands");
  CHECK(exit_of(watch_once(in, out)) == 0);
  CHECK(get_file(out / "bands/report.json").find("\"assumed\"") != std::string::npos);
  fs::copy_file(kDemo + "/MTD_MSIL1C.xml", in / "bands/MTD_MSIL1C.xml");
  CHECK(exit_of(watch_once(in, out)) == 0);
  CHECK(get_file(out / "bands/report.json").find("\"metadata\"") != std::string::npos);
  const std::string log = get_file(out / "watch.log");
  CHECK(exit_of(watch_once(in, out)) == 0);
  CHECK(get_file(out / "watch.log") == log);
}

TEST_CASE("watch: a product that changed during its run once counted as done") {
  const Strip strip;
  const TempFolder out;
  const std::vector<std::string> words = {
      DTACS_BINARY, "watch",    strip.folder.path(), out.path(), "--once", "--interval",     "0",
      "--raw",      strip.line, "--threads",         "2",        "--log",  out / "watch.log"};
  const pid_t watch = start(words);
  while (!fs::exists(out / "strip.u16/mask.tif.part") && waitpid(watch, nullptr, WNOHANG) == 0) usleep(200);
  REQUIRE(kill(watch, SIGSTOP) == 0);
  CHECK(!fs::exists(out / "strip.u16/report.json"));
  fs::last_write_time(strip.folder / "strip.u16", fs::file_time_type::clock::now() + std::chrono::hours(1));
  kill(watch, SIGCONT);
  CHECK(end_of(watch) == 0);
  CHECK(get_file(out / "watch.log").find("strip.u16 changed while it was run") != std::string::npos);
  CHECK(get_file(out / "watch.log").find("done in") == std::string::npos);
  CHECK(exit_of(words) == 0);
  CHECK(get_file(out / "watch.log").find("strip.u16 done in") != std::string::npos);
}

TEST_CASE("watch: done is what was looked at, however the folder is named") {
  const TempFolder in, out;
  WatchedFolder folder(in.path(), out.path(), "");
  put_file(in / "p.SAFE/B02.jp2", "whole");
  static_cast<void>(folder.look());
  CHECK_FALSE(folder.changed("p.SAFE"));

  put_file(in / "p.SAFE/B02.jp2", "cut");
  CHECK(folder.changed("p.SAFE"));
  put_file(out / "p.SAFE/report.json", "{}");
  folder.note_done("p.SAFE");
  CHECK_FALSE(folder.done("p.SAFE"));
  CHECK(folder.look().arriving == Names{"p.SAFE"});
  CHECK(folder.look().whole == Names{"p.SAFE"});
  folder.note_done("p.SAFE");
  CHECK(folder.look().whole.empty());
  CHECK(WatchedFolder(in / ".", out.path(), "other weights").look().arriving.empty());
}

TEST_CASE("watch: a file in the place of one product's outputs once stopped it for all others") {
  const TempFolder in, out;
  for (const char* name : {"a.SAFE", "b.SAFE"}) fs::create_directory_symlink(kDemo, in / name);
  put_file(out / "a.SAFE", "in the way");
  CHECK(exit_of(watch_once(in, out)) == 73);
  CHECK(get_file(out / "watch.log").find("a.SAFE exit 73: ") != std::string::npos);
  CHECK(fs::exists(out / "b.SAFE/report.json"));

  // An output whose place is taken.
  fs::remove(out / "a.SAFE");
  fs::create_directories(out / "a.SAFE/reflectance_10m.tif");
  CHECK(exit_of(watch_once(in, out)) == 73);
  CHECK(fs::exists(out / "a.SAFE/failed.txt"));
  CHECK(exit_of(watch_once(in, out)) == 0);  // known by now

  // One that looks on tries again when the place is free.
  fs::remove_all(out / "a.SAFE");
  put_file(out / "a.SAFE", "in the way");
  WatchedFolder folder(in.path(), out.path(), "");
  static_cast<void>(folder.look());
  CHECK(folder.look().whole == Names{"a.SAFE"});
  folder.give_up("a.SAFE", "it is there and is a file");
  CHECK(folder.look().whole.empty());
  fs::remove(out / "a.SAFE");
  CHECK(folder.look().whole == Names{"a.SAFE"});

  // No product's fault.
  const Outcome o =
      command(shell_words({DTACS_BINARY, "watch", in.path(), out / "watch.log", "--once", "--interval", "0"}));
  CHECK(o.exit == 73);
  CHECK(o.text.find("b.SAFE") == std::string::npos);
}

TEST_CASE("watch: its log among the products was once taken for one") {
  const TempFolder in, out;
  put_file(in / "p.txt", "no product");
  const std::vector<std::string> words = {DTACS_BINARY, "watch", in.path(), out.path(),        "--once",
                                          "--interval", "0",     "--log",   in / "./watch.log"};
  CHECK(exit_of(words) == 67);
  CHECK(exit_of(words) == 0);
  const std::string log = get_file(in / "watch.log");
  CHECK(log.find("p.txt exit 67") != std::string::npos);
  CHECK(log.find("watch.log") == std::string::npos);
  CHECK_FALSE(fs::exists(out / "watch.log"));
}

TEST_CASE("watch: a product that was still being copied in was once run, and noted as bad for ever") {
  const TempFolder in, out;
  WatchedFolder folder(in.path(), out.path(), "");
  put_file(in / "p.SAFE/MTD_MSIL1C.xml", "<half");
  CHECK(folder.look().arriving == Names{"p.SAFE"});
  put_file(in / "p.SAFE/GRANULE/B02.jp2", "deep inside");
  CHECK(folder.look().whole.empty());
  put_file(in / "p.SAFE/GRANULE/B02.jp2", "deep inside, longer");
  CHECK(folder.look().whole.empty());
  CHECK(folder.look().whole == Names{"p.SAFE"});

  folder.give_up("p.SAFE", "a band is missing");
  CHECK(folder.look().whole.empty());
  CHECK(folder.look().arriving.empty());
  CHECK(WatchedFolder(in.path(), out.path(), "other weights").look().arriving == Names{"p.SAFE"});
  put_file(in / "p.SAFE/GRANULE/B03.jp2", "the rest, later");
  CHECK(folder.look().arriving == Names{"p.SAFE"});
  CHECK(folder.look().whole == Names{"p.SAFE"});

  // What came while it was run: the failure is of what the look saw.
  put_file(in / "p.SAFE/GRANULE/B04.jp2", "more");
  folder.give_up("p.SAFE", "a band is missing");
  CHECK(folder.look().arriving == Names{"p.SAFE"});

  // A raw band without its header is none yet.
  put_file(in / "raw.u16", "samples");
  static_cast<void>(folder.look());
  folder.give_up("raw.u16", "raw bands need a header");
  put_file(in / "raw.u16.hdr", "ENVI");
  CHECK(folder.look().arriving == Names{"raw.u16"});
}

TEST_CASE("watch: products whose names differ behind a dot once shared a folder, and the second was not run") {
  const TempFolder in, out;
  for (const char* name : {"scene.1", "scene.2", "a.b.SAFE", "a.c.SAFE", "a", ".hidden", "copy.part", "x.hdr"})
    put_file(in / name, "a product");
  WatchedFolder folder(in.path(), out.path(), "");
  static_cast<void>(folder.look());
  const Names all = {"a", "a.b.SAFE", "a.c.SAFE", "scene.1", "scene.2"};
  CHECK(folder.look().whole == all);
  for (const char* name : {"scene.1", "a.b.SAFE"}) {
    put_file(folder.folder(name) + "/report.json", "{}");
    folder.note_done(name);
  }
  CHECK(folder.look().whole == Names{"a", "a.c.SAFE", "scene.2"});
}

TEST_CASE("watch: one that changes all the time is left for the next time, and said so") {
  const TempFolder in, out;
  put_file(in / "slow.raw", "x");
  const pid_t watch =
      start({DTACS_BINARY, "watch", in.path(), out.path(), "--once", "--interval", "1", "--log", out / "log"});
  int status = 0;
  for (int n = 2; waitpid(watch, &status, WNOHANG) == 0; ++n) {
    put_file(in / "slow.raw", std::string(static_cast<std::size_t>(n), 'x'));
    usleep(1000);
  }
  CHECK(status == 0);
  CHECK(get_file(out / "log").find("slow.raw is still changing") != std::string::npos);
  CHECK(!fs::exists(out / "slow.raw"));
}

}  // namespace dtacs::test
