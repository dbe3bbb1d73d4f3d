// SPDX-License-Identifier: Apache-2.0
// A run that is stopped, killed, or finds its state damaged ends in the outputs of one that
// was left in peace.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
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
#include "tests/run/raw_scene.h"
#include "tests/support/check_family.h"
#include "tests/support/tools.h"

namespace dtacs::test {

namespace {

namespace fs = std::filesystem;

// Starts the program; kills it after `delay` if it still runs.  Its exit code, or -1.
int run_for(const std::vector<std::string>& words, std::optional<std::chrono::microseconds> delay, int signal) {
  std::vector<char*> argv;
  for (const std::string& w : words) argv.push_back(const_cast<char*>(w.c_str()));
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  REQUIRE(child > 0);
  if (delay) {
    std::this_thread::sleep_for(*delay);
    kill(child, signal);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Outputs by name; of the report its times and memory are left out.
std::map<std::string, std::string> outputs(const TempFolder& folder) {
  std::map<std::string, std::string> all;
  for (const std::string& name : folder.names()) {
    std::string content = get_file(folder / name);
    if (name == "report.json") content.resize(content.find("\"seconds\""));
    all[name] = content;
  }
  return all;
}

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

// A strip tall enough that a U-Net settles inside it, with a swath edge and an empty top.
struct Strip {
  TempFolder folder;
  std::vector<std::string> command;

  Strip() {
    RawScene scene(32, 2400);
    for (int y = 0; y < scene.height; ++y)
      for (int x = 0; x < scene.width; ++x)
        if (y < 60 || x < y / 50 - 12 || (y > 700 && y < 720)) scene.at(y % 13, y, x) = 0;
    const std::string line = scene.put(folder / "strip.u16");
    command = {DTACS_BINARY, "run", folder / "strip.u16", "--raw", line, "--threads", "2", "--quiet"};
  }
  std::vector<std::string> into(const TempFolder& out, const std::vector<std::string>& more) const {
    std::vector<std::string> words = command;
    words.insert(words.end(), {"-o", out.path()});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

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
  for (int y = 0; y < rest.height; ++y)
    if (std::memcmp(&all[static_cast<std::size_t>((y + kStart) * 32 * 4)], &part[static_cast<std::size_t>(y * 32 * 4)],
                    32 * 4 * sizeof(float)) != 0)
      wrong = y + 1;
  CHECK(wrong <= rows_to_settle(kUnetSc));
  CHECK(wrong > rows_to_settle(kUnetSc) / 2);
  CHECK(rows_to_settle(kUnetSc) < kHeight - kStart);
}

TEST_CASE("resume: killed, stopped and damaged at random moments, the outputs are the same") {
  DTACS_NEEDS_TOOL("a dtacs that runs here", DTACS_BINARY " --version");
  const Strip strip;
  const TempFolder peaceful;
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(run_for(strip.into(peaceful, {}), std::nullopt, 0) == 0);
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
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
    for (int n = rng.between(1, 3); n > 0; --n) REQUIRE(run_for(no_time, std::nullopt, 0) == 76);
    const auto words = strip.into(out, {"--resume", "--checkpoint", "0"});
    for (int round = 0; round < 4 && done < kills; ++round, ++done) {
      const bool terminate = rng.between(0, 2) == 0;
      const int code = run_for(words, whole * rng.between(1, 100) / 100, terminate ? SIGTERM : SIGKILL);
      if (code == 0) break;
      CHECK((code == -1 || (terminate && code == 75)));
      stopped += code == 75 ? 1 : 0;
      deepest = std::max(deepest, restart_row(out));
      if (rng.between(0, 3) == 0) damage(out, rng);
    }
    REQUIRE(run_for(words, std::nullopt, 0) == 0);
    CHECK((outputs(out) == want));
  }
  MESSAGE(done, " kills, ", stopped, " of them answered; the deepest restart at row ", deepest);
  CHECK(deepest > 0);
}

TEST_CASE("resume: a time budget stops with 76, and the same command goes on") {
  DTACS_NEEDS_TOOL("a dtacs that runs here", DTACS_BINARY " --version");
  const Strip strip;
  const TempFolder peaceful, out;
  REQUIRE(run_for(strip.into(peaceful, {}), std::nullopt, 0) == 0);
  // No time at all: each run stops as soon as the next one starts lower.
  const auto words = strip.into(out, {"--time-budget", "0"});
  int runs = 0, row = -1;
  for (int code = 76; code == 76 && runs < 20; ++runs) {
    code = run_for(words, std::nullopt, 0);
    CHECK((code == 0 || restart_row(out) > row));
    row = restart_row(out);
    if (code == 76) CHECK(!fs::exists(out / "mask.tif"));
  }
  CHECK(runs > 3);
  CHECK((outputs(out) == outputs(peaceful)));
}

TEST_CASE("resume: a state of another job is left aside") {
  DTACS_NEEDS_TOOL("a dtacs that runs here", DTACS_BINARY " --version");
  const Strip strip;
  const TempFolder peaceful, out;
  REQUIRE(run_for(strip.into(peaceful, {"--only", "reflectance"}), std::nullopt, 0) == 0);
  REQUIRE(run_for(strip.into(out, {"--time-budget", "0"}), std::nullopt, 0) == 76);
  REQUIRE(run_for(strip.into(out, {"--only", "reflectance", "--resume"}), std::nullopt, 0) == 0);
  CHECK((outputs(out) == outputs(peaceful)));
}

TEST_CASE("memory cap: the run fits it or names the bytes that would do, and gives the same mask") {
  DTACS_NEEDS_TOOL("a dtacs that runs here", DTACS_BINARY " --version");
  const Strip strip;
  const TempFolder peaceful, out, refused;
  REQUIRE(run_for(strip.into(peaceful, {}), std::nullopt, 0) == 0);
  CHECK(run_for(strip.into(refused, {"--max-mem", "1M"}), std::nullopt, 0) == 71);
  // The least that is asked for is enough.
  std::string line;
  for (const std::string& w : strip.into(refused, {"--max-mem", "1M"})) line += "'" + w + "' ";
  const std::string said = output_of(line + "2>&1 || true");
  const std::size_t at = said.find("needs ");
  REQUIRE(at != std::string::npos);
  const std::string least = said.substr(at + 6, said.find(' ', at + 6) - at - 6);
  CHECK(run_for(strip.into(out, {"--max-mem", least}), std::nullopt, 0) == 0);
  CHECK((outputs(out) == outputs(peaceful)));
}

TEST_CASE("downlink: pieces in order of worth, together the outputs") {
  DTACS_NEEDS_TOOL("a dtacs that runs here", DTACS_BINARY " --version");
  const Strip strip;
  const TempFolder out;
  REQUIRE(run_for(strip.into(out, {"--split", "100K"}), std::nullopt, 0) == 0);
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
}

TEST_CASE("watch: every product once, a bad one is noted and holds up nobody") {
  DTACS_NEEDS_TOOL("a dtacs that runs here", DTACS_BINARY " --version");
  const TempFolder in, out;
  const std::string demo =
      DTACS_SOURCE_DIR "/tests/data/demo/S2A_MSIL1C_20260621T105031_N0511_R051_T31TDH_20260621T130000.SAFE";
  fs::create_directory_symlink(demo, in / "good.SAFE");
  put_file(in / "bad.txt", "no product");
  const std::vector<std::string> words = {DTACS_BINARY, "watch",       in.path(), out.path(),       "--once",
                                          "--only",     "reflectance", "--log",   out / "watch.log"};
  CHECK(run_for(words, std::nullopt, 0) == 67);
  CHECK(fs::exists(out / "good/report.json"));
  CHECK(fs::exists(out / "good/reflectance_10m.tif"));
  CHECK(fs::exists(out / "bad/failed.txt"));
  const std::string log = get_file(out / "watch.log");
  CHECK(log.find("good done in") != std::string::npos);
  CHECK(log.find("bad exit 67") != std::string::npos);
  CHECK(run_for(words, std::nullopt, 0) == 0);  // nothing is left to do
  CHECK(get_file(out / "watch.log") == log);

  // Looking on until it is told to stop.
  const TempFolder other;
  CHECK(run_for({DTACS_BINARY, "watch", in.path(), other.path(), "--interval", "86400"}, std::chrono::seconds(1),
                SIGTERM) == 75);
}

}  // namespace dtacs::test
