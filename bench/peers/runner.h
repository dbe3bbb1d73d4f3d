// SPDX-License-Identifier: Apache-2.0
// What the peers' programs share: options "--name value", planes from and to files,
// time, and the JSON that bench prints too.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace peers {

[[noreturn]] inline void fail(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
  std::exit(1);
}

class Options {
 public:
  Options(int argc, char** argv) : words_(argv + 1, argv + argc) {}

  std::string text(const std::string& name, const std::string& otherwise = "") const {
    const auto at = std::find(words_.begin(), words_.end(), name);
    return at == words_.end() || at + 1 == words_.end() ? otherwise : *(at + 1);
  }
  int number(const std::string& name) const { return std::atoi(text(name, "0").c_str()); }

 private:
  std::vector<std::string> words_;
};

inline std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail(path + ": cannot be opened");
  std::vector<float> values(static_cast<std::size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

inline void write_floats(const std::string& path, const std::vector<float>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!file.flush()) fail(path + ": cannot be written");
}

inline double milliseconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

// Unlike getrusage()'s, this maximum does not start from the parent's.
inline long peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  long kibibytes = 0;
  for (std::string word; status >> word;)
    if (word == "VmHWM:") status >> kibibytes;
  return kibibytes * 1024;
}

// Runs the network once uncounted and `runs` times, and prints what that took.
template <class F>
void time_runs(const std::string& version, int runs, F&& run) {
  std::vector<double> wall, cpu;
  for (int i = -1; i < runs; ++i) {
    const double begin = milliseconds(CLOCK_MONOTONIC), cpu_begin = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
    run();
    if (i < 0) continue;
    wall.push_back(milliseconds(CLOCK_MONOTONIC) - begin);
    cpu.push_back(milliseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin);
  }
  std::sort(wall.begin(), wall.end());
  std::sort(cpu.begin(), cpu.end());
  std::printf(
      "{\"version\": \"%s\", \"wall_ms\": %.4f, \"least_wall_ms\": %.4f, \"cpu_ms\": %.4f, "
      "\"peak_resident_bytes\": %ld}\n",
      version.c_str(), wall[wall.size() / 2], wall[0], cpu[cpu.size() / 2], peak_resident_bytes());
}

}  // namespace peers
