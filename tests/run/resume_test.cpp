// SPDX-License-Identifier: Apache-2.0
// A run that is stopped, killed, or finds its state damaged ends in the outputs of one that
// was left in peace.
#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/settle.h"
#include "net/unet_mobilenet_v2.h"
#include "tests/host/temp_folder.h"
#include "tests/net/streaming.h"
#include "tests/run/strip_runs.h"
#include "tests/support/check_family.h"

namespace dtacs::test {

namespace {

namespace fs = std::filesystem;

// The scene row a state goes on from: behind the header and the job's identity.
int restart_row(const TempFolder& folder) {
  if (!fs::exists(folder / "resume.state")) return -1;
  const std::string state = get_file(folder / "resume.state");
  std::uint64_t identity = 0;
  int row = -1;
  if (state.size() < 32) return -1;
  std::memcpy(&identity, state.data() + 24, sizeof identity);
  if (identity + 36 > state.size()) return -1;
  std::memcpy(&row, state.data() + 32 + identity, sizeof row);
  return row;
}

void damage(const TempFolder& folder, Rng& rng) {
  std::vector<std::string> victims;
  for (const std::string& name : folder.names())
    if (name == "resume.state" || name.ends_with(".part")) victims.push_back(name);
  if (victims.empty()) return;
  const std::string path =
      folder / victims[static_cast<std::size_t>(rng.between(0, static_cast<int>(victims.size()) - 1))];
  std::string content = get_file(path);
  if (content.empty()) return;
  const auto at = static_cast<std::size_t>(rng.between(0, static_cast<int>(content.size()) - 1));
  if (rng.between(0, 1) == 0)
    content.resize(at);
  else
    content[at] = static_cast<char>(content[at] ^ (1 << rng.between(0, 7)));
  put_file(path, content);
}

}  // namespace

TEST_CASE("resume: a stream that starts inside the image is right from its settled row on") {
  // The golden network's logits from row 0, and from row 64.
  const Golden golden = read_golden();
  const AlignedBytes bytes(golden_weights(golden));
  WeightsFile weights;
  REQUIRE(WeightsFile::open(bytes.bytes(), weights) == Status::ok);
  constexpr int kStart = 64, kHeight = 512;
  const Image whole{kHeight, 32, 13, hashed_scene(13, kHeight, 32)};
  const Image rest{kHeight - kStart, 32, 13,
                   std::vector<float>(whole.at(kStart, 0), whole.values.data() + whole.values.size())};
  const auto all = run_streaming(kUnetSc, weights, whole, 16, 1, detect_isa()).tensors.back();
  const auto part = run_streaming(kUnetSc, weights, rest, 16, 1, detect_isa()).tensors.back();
  int wrong = 0;  // rows at the top of the part that differ
  for (int y = 0; y < rest.height; ++y) {
    const auto row = part.begin() + y * 32 * 4;
    if (!std::equal(row, row + 32 * 4, all.begin() + (y + kStart) * 32 * 4)) wrong = y + 1;
  }
  CHECK(wrong <= rows_to_settle(kUnetSc));
  CHECK(wrong > rows_to_settle(kUnetSc) / 2);
  CHECK(rows_to_settle(kUnetSc) < kHeight - kStart);
}

TEST_CASE("resume: killed, stopped and damaged at random moments, the outputs are the same") {
  const Strip strip;
  const TempFolder peaceful;
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(exit_of(strip.into(peaceful, {})) == 0);
  auto whole = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  const auto want = outputs(peaceful);
  REQUIRE(want.size() == 8);

  const char* asked = std::getenv("DTACS_KILLS");
  const int kills = asked != nullptr ? std::atoi(asked) : 12;
  Rng rng(seed());
  int done = 0, deepest = 0, stopped = 0;
  while (done < kills) {
    const TempFolder out;
    // Some way down already, at places that do not depend on time.
    const auto no_time = strip.into(out, {"--time-budget", "0"});
    for (int n = rng.between(1, 3); n > 0; --n) REQUIRE(exit_of(no_time) == 76);
    const auto words = strip.into(out, {"--resume", "--checkpoint", "0"});
    for (int round = 0; round < 4 && done < kills; ++round, ++done) {
      const bool terminate = rng.between(0, 2) == 0;
      const int code = run_for(words, whole * rng.between(1, 100) / 100, terminate ? SIGTERM : SIGKILL);
      if (code == 0) {  // too late: the machine has become quicker
        whole -= whole / 8;
        break;
      }
      CHECK((code == -1 || (terminate && code == 75)));
      stopped += code == 75 ? 1 : 0;
      deepest = std::max(deepest, restart_row(out));
      if (rng.between(0, 3) == 0) damage(out, rng);
    }
    REQUIRE(exit_of(words) == 0);
    CHECK((outputs(out) == want));
  }
  MESSAGE(done, " kills, ", stopped, " of them answered; the deepest restart at row ", deepest);
  CHECK(deepest > 0);
}

TEST_CASE("resume: a time budget stops with 76, and the same command goes on") {
  const Strip strip;
  const TempFolder peaceful, out;
  REQUIRE(exit_of(strip.into(peaceful, {})) == 0);
  // No time at all: each run stops as soon as the next one starts lower.
  const auto words = strip.into(out, {"--time-budget", "0"});
  int runs = 0, row = -1;
  for (int code = 76; code == 76 && runs < 20; ++runs) {
    code = exit_of(words);
    CHECK((code == 0 || restart_row(out) > row));
    row = restart_row(out);
    if (code == 76) CHECK(!fs::exists(out / "mask.tif"));
  }
  CHECK(runs > 3);
  CHECK((outputs(out) == outputs(peaceful)));
}

TEST_CASE("resume: a state of another job is left aside") {
  const Strip strip;
  const TempFolder peaceful, out;
  REQUIRE(exit_of(strip.into(peaceful, {"--only", "reflectance"})) == 0);
  REQUIRE(exit_of(strip.into(out, {"--time-budget", "0"})) == 76);
  REQUIRE(exit_of(strip.into(out, {"--only", "reflectance", "--resume"})) == 0);
  CHECK((outputs(out) == outputs(peaceful)));
}

TEST_CASE("resume: the same file described in another shape once went on from the first shape's rows") {
  const Strip strip;
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string line = strip.line;
    return line.replace(line.find(from), from.size(), to);
  };
  for (const std::string& other :
       {with("width=64,height=2400", "width=128,height=1200"), with("B01+B02", "B02+B01"), strip.line + ",order=big",
        strip.line + ",quantification=5000", strip.line + ",nodata=7", with("ulx=399960", "ulx=399970")}) {
    INFO(other);
    const TempFolder peaceful, out;
    const std::vector<std::string> quick = {"--only", "reflectance", "--resume"};
    REQUIRE(exit_of(strip.into(out, {"--only", "reflectance", "--time-budget", "0"})) == 76);
    CHECK(exit_of(strip.described_as(other, out, quick)) == 0);
    REQUIRE(exit_of(strip.described_as(other, peaceful, quick)) == 0);
    CHECK((outputs(out) == outputs(peaceful)));
  }
}

TEST_CASE("resume: a run that was refused once took the state of an earlier one along") {
  const Strip strip;
  const TempFolder out;
  REQUIRE(exit_of(strip.into(out, {"--time-budget", "0"})) == 76);
  const auto everything = [&] {
    std::map<std::string, std::string> all;
    for (const std::string& name : out.names()) all[name] = get_file(out / name);
    return all;
  };
  const auto before = everything();
  REQUIRE(before.count("resume.state") == 1);
  for (const auto& [words, code] : std::vector<std::pair<std::vector<std::string>, int>>{
           {{"--max-mem", "1M"}, 71}, {{"--window", "0,0,65,1"}, 64}, {{"--weights", "nowhere"}, 66}}) {
    std::vector<std::string> more = words;
    more.emplace_back("--resume");
    CHECK(exit_of(strip.into(out, more)) == code);
    CHECK((everything() == before));
  }
  CHECK(exit_of(strip.into(out, {"--resume"})) == 0);
  CHECK(!fs::exists(out / "resume.state"));
}

TEST_CASE("resume: a full disk once took the state along") {
  const Strip strip;
  const TempFolder peaceful, out;
  REQUIRE(exit_of(strip.into(peaceful, {})) == 0);
  REQUIRE(exit_of(strip.into(out, {"--time-budget", "0"})) == 76);
  const std::string state = get_file(out / "resume.state");
  CHECK(command("ulimit -f 1; " + shell_words(strip.into(out, {"--resume"}))).exit == 74);
  CHECK(get_file(out / "resume.state") == state);
  CHECK(command(shell_words(strip.into(out, {"--resume"}))).text.find("starting afresh") == std::string::npos);
  CHECK((outputs(out) == outputs(peaceful)));
}

TEST_CASE("resume: a signal while pieces are split once lost the run") {
  const Strip strip;
  const TempFolder peaceful, out;
  const std::vector<std::string> split = {"--resume", "--split", "64K"};
  REQUIRE(exit_of(strip.into(peaceful, split)) == 0);
  const pid_t child = start(strip.into(out, split));
  while (!fs::exists(out / "downlink") && kill(child, 0) == 0) usleep(100);
  kill(child, SIGTERM);
  CHECK(end_of(child) == 0);
  for (const char* name : {"mask.tif", "reflectance_10m.tif"})
    CHECK((get_file(out / name) == get_file(peaceful / name)));
  CHECK(fs::exists(out / "downlink/index.txt"));
  CHECK(fs::exists(out / "report.json"));
}

TEST_CASE("resume: two runs in one folder once wrote over each other's state") {
  const Strip strip;
  const TempFolder peaceful, out;
  REQUIRE(exit_of(strip.into(peaceful, {})) == 0);
  const pid_t first = start(strip.into(out, {"--resume", "--checkpoint", "0"}));
  while (!fs::exists(out / "mask.tif.part") && kill(first, 0) == 0) usleep(1000);
  CHECK(kill(first, SIGSTOP) == 0);
  const Outcome second = command(shell_words(strip.into(out, {"--resume"})));
  CHECK(second.exit == 77);
  CHECK(second.text == "dtacs: " + out.path() + ": another run is writing into this folder\n");
  kill(first, SIGCONT);
  CHECK(end_of(first) == 0);
  CHECK((outputs(out) == outputs(peaceful)));
  CHECK(exit_of(strip.into(out, {"--resume"})) == 0);  // the folder is free again
}

}  // namespace dtacs::test
