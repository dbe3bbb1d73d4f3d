// SPDX-License-Identifier: Apache-2.0
// What a run on board is promised: a cap on memory, and outputs in pieces for the downlink.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/run/strip_runs.h"
#include "tests/support/shared_data.h"
#include "tools/convert/pack.h"

namespace dtacs::test {

namespace {

namespace fs = std::filesystem;

std::string bytes_that_would_do(const Outcome& refused) {
  CHECK(refused.exit == 71);
  const std::size_t at = refused.text.find("needs ");
  REQUIRE(at != std::string::npos);
  return refused.text.substr(at + 6, refused.text.find(' ', at + 6) - at - 6);
}

// What a run refused for memory says.
std::string least_of(const Strip& strip, std::vector<std::string> more) {
  const TempFolder refused;
  more.insert(more.end(), {"--max-mem", "1M"});
  const Outcome o = command(shell_words(strip.into(refused, more)));
  CHECK(refused.names().empty());
  return bytes_that_would_do(o);
}

// A run's exit code, and the most memory of its own, not of mapped files, that it had at any look.
struct Watched {
  int exit = -1;
  long long most = 0;
};
Watched watched(const std::vector<std::string>& words) {
  const pid_t child = start(words);
  const std::string status = "/proc/" + std::to_string(child) + "/status";
  Watched w;
  for (int ended = 0;; std::this_thread::sleep_for(std::chrono::microseconds(200))) {
    if (waitpid(child, &ended, WNOHANG) == child) {
      w.exit = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
      return w;
    }
    std::ifstream lines(status);  // its size is told as 0
    std::string name;
    std::getline(lines, name);
    if (name != "Name:\tdtacs") continue;  // this process still, which started it
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("RssAnon:")) w.most = std::max(w.most, 1024 * std::stoll(line.substr(8)));
  }
}

}  // namespace

TEST_CASE("memory cap: the run fits it or names the bytes that would do, and gives the same mask") {
  const Strip strip;
  const TempFolder peaceful, out;
  REQUIRE(exit_of(strip.into(peaceful, {})) == 0);
  // The least that is asked for is enough.
  CHECK(exit_of(strip.into(out, {"--max-mem", least_of(strip, {})})) == 0);
  CHECK((outputs(out) == outputs(peaceful)));
}

TEST_CASE("memory cap: what a run was told to do with it has, of raw bands and of JPEG 2000") {
  DTACS_NEEDS_OWN_MEMORY();
  const Strip strip;
  const auto check = [](const std::vector<std::string>& words, const std::string& least) {
    CAPTURE(least);
    const Watched w = watched(words);
    CHECK(w.exit == 0);
    CHECK(w.most > std::stoll(least) / 3);
    CHECK(w.most <= std::stoll(least));
  };
  for (const char* precision : {"f32", "int8"}) {
    const TempFolder out;
    const std::string least = least_of(strip, {"--precision", precision});
    check(strip.into(out, {"--precision", precision, "--max-mem", least}), least);
  }
  {
    const TempFolder out;
    const std::string least = least_of(strip, {"--only", "mask"});
    check(strip.into(out, {"--only", "mask", "--max-mem", least}), least);
  }
  const TempFolder out;
  const std::vector<std::string> demo = {DTACS_BINARY, "run", kDemo,      "--threads", "2",
                                         "--quiet",    "-o",  out.path(), "--max-mem"};
  auto capped = demo;
  capped.push_back("1M");
  const std::string least = bytes_that_would_do(command(shell_words(capped)));
  capped.back() = least;
  check(capped, least);
}

TEST_CASE("memory cap: weights that are unpacked were once not counted") {
  const Strip strip;
  const std::string plain = strip.folder / "ac.dtw", packed = strip.folder / "ac.dtwz";
  const std::vector<std::byte> weights = small_corrector();
  put_bytes(plain, weights);
  put_bytes(packed, pack(weights));
  const long long mapped = std::stoll(least_of(strip, {"--weights", plain}));
  const long long unpacked = std::stoll(least_of(strip, {"--weights", packed}));
  CHECK(unpacked - mapped == static_cast<long long>(weights.size()));
}

TEST_CASE("downlink: pieces in order of worth, together the outputs") {
  const Strip strip;
  const TempFolder out;
  REQUIRE(exit_of(strip.into(out, {"--split", "100K"})) == 0);
  std::map<std::string, std::string> joined;
  std::vector<std::string> order, pieces;
  for (const auto& entry : fs::directory_iterator(out / "downlink")) pieces.push_back(entry.path().filename().string());
  std::sort(pieces.begin(), pieces.end());
  for (const std::string& piece : pieces) {
    if (piece == "index.txt") continue;
    const std::string content = get_file(out / ("downlink/" + piece));
    CHECK(content.size() <= 100 * 1024);
    const std::string name = piece.substr(5);
    if (order.empty() || order.back() != name) order.push_back(name);
    joined[name] += content;
  }
  REQUIRE(order.size() == 8);
  CHECK(order[0] == "report.json");
  CHECK(order[1].ends_with(".png"));
  CHECK(order[4].starts_with("mask"));
  CHECK(order[7] == "reflectance_10m.tif");
  for (const auto& [name, content] : joined) CHECK(content == get_file(out / name));
  CHECK(pieces.size() > order.size() + 1);
  const std::string index = get_file(out / "downlink/index.txt");
  CHECK(std::count(index.begin(), index.end(), '\n') == static_cast<std::ptrdiff_t>(pieces.size()) - 1);
  CHECK(command(shell_words(strip.into(out, {"--split", "10"}))).text.find("at least 64K") != std::string::npos);
  // The next run takes its own away again.
  REQUIRE(exit_of(strip.into(out, {})) == 0);
  CHECK_FALSE(fs::exists(out / "downlink"));
}

TEST_CASE("truth: one of another size was once compared all the same") {
  const Strip strip;
  const TempFolder out;
  const Outcome o = command(shell_words(strip.into(out, {"--truth", DTACS_SOURCE_DIR "/tests/data/demo/truth"})));
  CHECK(o.exit == 65);
  CHECK(o.text.find("mask.jp2: 420 x 420 pixels, the scene has 64 x 2400\n") != std::string::npos);
  CHECK(out.names().empty());
}

TEST_CASE("truth: a mask that was not made was once scored, and all pixels called clear") {
  const TempFolder truth, out;
  const std::string demo = DTACS_SOURCE_DIR "/tests/data/demo/";
  const auto run = [&](const std::string& with) {
    const Outcome o = command("'" DTACS_BINARY "' run '" + kDemo + "' --window 0,0,60,60 --only reflectance -o " +
                              (out / "o") + " --truth '" + with + "'");
    CHECK(o.exit == 0);
    return o.text + get_file(out / "o/report.json");
  };
  const std::string with_mask = run(demo + "truth");
  CHECK(with_mask.find("agreement of the mask") == std::string::npos);
  CHECK(with_mask.find("reflectance of clear pixels against the truth") != std::string::npos);
  CHECK(with_mask.find("\"reflectance_of_clear_pixels\"") != std::string::npos);
  fs::copy_file(demo + "truth/B02.jp2", truth / "B02.jp2");
  const std::string without = run(truth.path());
  CHECK(without.find("reflectance against the truth") != std::string::npos);
  CHECK(without.find("\"reflectance\": {") != std::string::npos);
}

TEST_CASE("outputs: what a run takes away of an earlier one it names") {
  const Strip strip;
  const TempFolder out;
  REQUIRE(exit_of(strip.into(out, {"--only", "mask"})) == 0);
  std::vector<std::string> words = strip.into(out, {"--only", "reflectance"});
  words.erase(std::find(words.begin(), words.end(), "--quiet"));
  const Outcome o = command(shell_words(words));
  CHECK(o.exit == 0);
  CHECK(o.text.find("removed, of an earlier run: mask.tif, mask.tif.aux.xml, mask.qml, mask_overlay.png\n") !=
        std::string::npos);
  CHECK_FALSE(fs::exists(out / "mask.tif"));
}

TEST_CASE("outputs: files of others that look like ours were once removed") {
  const Strip strip;
  const TempFolder out;
  const std::string theirs[] = {
      "downlink/mine.txt",         "downlink/0001_mine.txt",    "mask_notes.tmp",      "mask.tif.backup.tmp",
      "reflectance_2019.tif.part", "true_colour_l1c.png.-.bak", "reflectance_30m.tif", "notes.json"};
  const std::string ours[] = {"downlink/0001_report.json",    "downlink/10000_mask.tif",
                              "downlink/index.txt",           "mask.tif.4711.tmp",
                              "downlink/0002_mask.tif.9.tmp", "downlink/index.txt.9-1.tmp",
                              "mask.tif.4711-2.tmp",          "reflectance_60m.tif",
                              "reflectance_60m.tif.part",     "resume.state",
                              "resume.state.12.tmp"};
  fs::create_directory(out / "downlink");
  for (const std::string& name : theirs) put_file(out / name, "mine");
  for (const std::string& name : ours) put_file(out / name, "of an earlier run");
  REQUIRE(exit_of(strip.into(out, {"--only", "mask"})) == 0);
  for (const std::string& name : theirs) CHECK(fs::exists(out / name));
  for (const std::string& name : ours) CHECK_FALSE(fs::exists(out / name));
  const TempFolder other;
  put_file(other / "downlink", "a file of this name");
  REQUIRE(exit_of(strip.into(other, {"--only", "mask"})) == 0);
  CHECK(get_file(other / "downlink") == "a file of this name");
}

}  // namespace dtacs::test
