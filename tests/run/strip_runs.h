// SPDX-License-Identifier: Apache-2.0
// Whole runs of the program on a small scene, for what a test in its own process cannot see: kills,
// exit codes, two at a time.
#pragma once

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/host/temp_folder.h"
#include "tests/run/raw_scene.h"
#include "tests/support/shared_data.h"

// First line of a test case that looks at, or limits, the memory of the program itself: of a sanitizer or an emulator
// it would be theirs.
#if defined(__SANITIZE_ADDRESS__)
#define DTACS_NEEDS_OWN_MEMORY() return dtacs::test::note_skipped("memory of the program, not of a sanitizer")
#else
#define DTACS_NEEDS_OWN_MEMORY()                      \
  if (std::string(DTACS_BINARY) != DTACS_BINARY_FILE) \
  return dtacs::test::note_skipped("memory of the program, not of an emulator")
#endif

namespace dtacs::test {

struct Outcome {
  int exit = 0;
  std::string text;  // standard output and error
};

inline Outcome command(const std::string& line) {
  FILE* pipe = popen((line + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Outcome o;
  char block[4096];
  while (const std::size_t n = fread(block, 1, sizeof block, pipe)) o.text.append(block, n);
  const int status = pclose(pipe);
  o.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return o;
}

// Quoted for the shell.
inline std::string shell_words(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& w : words) line += "'" + w + "' ";
  return line;
}

inline pid_t start(const std::vector<std::string>& words) {
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
  return child;
}

// Its exit code, or -1.
inline int end_of(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

inline int exit_of(const std::vector<std::string>& words) {
  return end_of(start(words));
}

// Starts the program; signals it after `delay` if it still runs.
inline int run_for(const std::vector<std::string>& words, std::chrono::microseconds delay, int signal) {
  const pid_t child = start(words);
  std::this_thread::sleep_for(delay);
  kill(child, signal);
  return end_of(child);
}

// Outputs by name; of the report its times and memory are left out.
inline std::map<std::string, std::string> outputs(const TempFolder& folder) {
  std::map<std::string, std::string> all;
  for (const std::string& name : folder.names()) {
    std::string content = get_file(folder / name);
    if (name == "report.json") content.resize(content.find("\"seconds\""));
    all[name] = content;
  }
  return all;
}

// A strip tall enough that a U-Net settles inside it, with a swath edge and an empty top, and wide
// enough that outputs reach the disk in several pieces.
struct Strip {
  TempFolder folder;
  std::string line;  // what --raw says of it

  Strip() {
    RawScene scene(64, 2400);
    for (int y = 0; y < scene.height; ++y)
      for (int x = 0; x < scene.width; ++x)
        if (y < 60 || x < y / 50 - 12 || (y > 700 && y < 720)) scene.at(y % 13, y, x) = 0;
    line = scene.put(folder / "strip.u16");
  }
  std::vector<std::string> into(const TempFolder& out, const std::vector<std::string>& more) const {
    return described_as(line, out, more);
  }
  std::vector<std::string> described_as(const std::string& raw, const TempFolder& out,
                                        const std::vector<std::string>& more) const {
    std::vector<std::string> words = {
        DTACS_BINARY, "run", folder / "strip.u16", "--raw", raw, "--threads", "2", "--quiet", "-o", out.path()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

}  // namespace dtacs::test
