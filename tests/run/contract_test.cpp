// SPDX-License-Identifier: Apache-2.0
// What a run on board is promised: a cap on memory, and outputs in pieces for the downlink.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/run/strip_runs.h"
#include "tools/convert/pack.h"

namespace dtacs::test {

namespace {

namespace fs = std::filesystem;

// The bytes that a run refused for memory says would do.
std::string least_of(const Strip& strip, std::vector<std::string> more) {
  const TempFolder refused;
  more.insert(more.end(), {"--max-mem", "1M"});
  const Outcome o = command(shell_words(strip.into(refused, more)));
  CHECK(o.exit == 71);
  CHECK(refused.names().empty());
  const std::size_t at = o.text.find("needs ");
  REQUIRE(at != std::string::npos);
  return o.text.substr(at + 6, o.text.find(' ', at + 6) - at - 6);
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
}

}  // namespace dtacs::test
