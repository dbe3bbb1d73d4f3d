// SPDX-License-Identifier: Apache-2.0
// The bench program as a script meets it: its JSON, and what must hold between the numbers.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <sstream>

#include "net/unet_mobilenet_v2.h"
#include "tests/host/temp_folder.h"
#include "tests/run/strip_runs.h"
#include "tests/support/tools.h"

namespace dtacs::test {

namespace {

// Sums that a program which knows nothing of dtacs makes of the JSON.
constexpr const char* kReader =
    "import json, sys\n"
    "j = json.load(open(sys.argv[1]))\n"
    "l = j['layers']\n"
    "print(len(l), sum(x['share'] for x in l), sum(x['macs'] for x in l), j['macs'], min(x['cpu_ms'] for x in l),\n"
    "      sum(x['cpu_ms'] for x in l) / j['cpu_ms'], j['gops'] * j['cpu_ms'] * 1e6 / 2, j['peak_gops'],\n"
    "      j['of_peak'] * j['peak_gops'] / j['gops'], j['arena_bytes'], j['peak_resident_bytes'])\n";

struct Sums {
  int lines = 0;
  double shares = 0, line_macs = 0, macs = 0, least_ms = 0, covered = 0, macs_from_rate = 0, peak = 0, rates = 0;
  double arena = 0, resident = 0;
};

Sums bench(const std::string& options) {
  const TempFolder folder;
  const std::string json = folder / "bench.json", reader = folder / "reader.py";
  put_file(reader, kReader);
  output_of("'" DTACS_BENCH_BINARY "' --json --runs 3 " + options + " > " + json);
  std::istringstream text(output_of(std::string(kPython) + " " + reader + " " + json));
  Sums s;
  text >> s.lines >> s.shares >> s.line_macs >> s.macs >> s.least_ms >> s.covered >> s.macs_from_rate >> s.peak >>
      s.rates >> s.arena >> s.resident;
  REQUIRE(text);
  return s;
}

double macs_of(const Net& net, int size) {
  double macs = 0;
  for (int i = 0; i < net.layer_count; ++i) {
    const double side = size >> net.tensors[net.layers[i].out].shift;
    macs += net.macs_per_pixel(net.layers[i]) * side * side;
  }
  return macs;
}

void check_sane(const Sums& s, double macs) {
  CHECK(s.shares == doctest::Approx(1));
  CHECK(s.line_macs == doctest::Approx(macs));
  CHECK(s.macs == doctest::Approx(macs));
  CHECK(s.macs_from_rate == doctest::Approx(macs));
  CHECK(s.rates == doctest::Approx(1));
  CHECK(s.least_ms > 0);
  CHECK(s.covered > 0.5);  // medians of lines against the median of the whole, on a machine with other work
  CHECK(s.covered < 2);
  CHECK(s.peak > 0.1);
  CHECK(s.resident > s.arena);
}

}  // namespace

TEST_CASE("bench: the U-Nets, line by line") {
  DTACS_NEEDS_TOOL("python3", std::string(kPython) + " -c 'import json'");
  check_sane(bench("--net sc --random --size 64"), macs_of(unet_mobilenet_v2(13, 4), 64));
  check_sane(bench("--net ac-unet --random --size 32 --isa scalar"), macs_of(unet_mobilenet_v2(13, 12), 32));
}

TEST_CASE("bench: int8, line by line, classes out") {
  DTACS_NEEDS_TOOL("python3", std::string(kPython) + " -c 'import json'");
  const std::string int8 = "--weights '" DTACS_SOURCE_DIR "/weights/classification_int8.dtw' --size 64";
  const double macs = macs_of(unet_mobilenet_v2(13, 4), 64);
  check_sane(bench(int8), macs);
  check_sane(bench(int8 + " --precision int8 --isa scalar"), macs);

  const TempFolder folder;
  const std::string command = "'" DTACS_BENCH_BINARY "' --runs 1 " + int8 + " --output " + (folder / "out");
  output_of(command + "1");
  output_of(command + "2 --threads 2 --band 7 --isa scalar");
  const auto one = read_array<float>(folder / "out1"), two = read_array<float>(folder / "out2");
  REQUIRE(one.size() == 4 * 64 * 64);
  CHECK(one == two);
  for (std::size_t i = 0; i < 64 * 64; ++i) {
    float sum = 0;
    for (std::size_t c = 0; c < 4; ++c) sum += one[c * 64 * 64 + i] * one[c * 64 * 64 + i];
    REQUIRE(sum == 1);
  }
}

TEST_CASE("bench: precisions that are not there") {
  const std::string bench = "'" DTACS_BENCH_BINARY "' --size 32 --runs 1 ";
  const auto refused = [&](const std::string& options) {
    return WEXITSTATUS(std::system((bench + options + " 2>/dev/null").c_str())) == 64;
  };
  CHECK(refused("--precision f16"));
  CHECK(refused("--precision int8 --net ac"));
  CHECK(refused("--precision int8 --random"));
  CHECK(refused("--precision int8 --weights '" DTACS_SOURCE_DIR "/weights/classification.dtw'"));
  CHECK(refused("--precision f32 --weights '" DTACS_SOURCE_DIR "/weights/classification_int8.dtw'"));
}

TEST_CASE("bench: wrong words and a full disk are answered like dtacs answers them") {
  const std::string bench = "'" DTACS_BENCH_BINARY "' --size 32 --runs 1 --net ac";
  const Outcome wrong = command(bench + " --colour");
  CHECK(wrong.exit == 64);
  CHECK(wrong.text == "bench: unknown option --colour; see bench --help\n");
  CHECK(command("{ " + bench + " >/dev/full; }").exit == 74);
}

TEST_CASE("bench: the pixel network of a weights file") {
  DTACS_NEEDS_TOOL("python3", std::string(kPython) + " -c 'import json'");
  const Sums s = bench("--weights '" DTACS_SOURCE_DIR "/weights/correction.dtw' --size 256");
  check_sane(s, (13.0 * 52 + 52 * 12) * 256 * 256);
  CHECK(s.lines == 1);
}

TEST_CASE("bench: planes in, planes out, whatever the threads and the band") {
  const TempFolder folder;
  const std::string command = "'" DTACS_BENCH_BINARY "' --random --size 96 --runs 1 --output " + (folder / "out");
  output_of(command + "1");
  output_of(command + "2 --threads 2 --band 7");
  const auto one = read_array<float>(folder / "out1"), two = read_array<float>(folder / "out2");
  REQUIRE(one.size() == 4 * 96 * 96);
  CHECK(one == two);

  put_file(folder / "in", std::string(13 * 96 * 96 * sizeof(float), '\0'));
  output_of(command + "3 --input " + (folder / "in"));
  CHECK(read_array<float>(folder / "out3") != one);
}

}  // namespace dtacs::test
