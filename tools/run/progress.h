// SPDX-License-Identifier: Apache-2.0
// How far a run is: a bar on a terminal, a line each tenth elsewhere, nothing when
// quiet.  Written to standard error.
#pragma once

#include <unistd.h>
#include <cstdio>

namespace dtacs {

class ProgressBar {
 public:
  ProgressBar(const char* what, int total, bool quiet)
      : what_(what), total_(total), quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressBar() {
    if (!quiet_ && terminal_ && shown_ >= 0) std::fputc('\n', stderr);
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void at(int done) {
    if (quiet_) return;
    const int percent = total_ > 0 ? static_cast<int>(100LL * done / total_) : 100;
    const int step = terminal_ ? percent : percent / 10 * 10;
    if (step == shown_) return;
    shown_ = step;
    if (!terminal_) {
      std::fprintf(stderr, "%s %d %%\n", what_, step);
      return;
    }
    constexpr int kCells = 40;
    char bar[kCells + 1] = {};
    for (int i = 0; i < kCells; ++i) bar[i] = i < percent * kCells / 100 ? '#' : '.';
    std::fprintf(stderr, "\r%s [%s] %3d %%", what_, bar, percent);
    std::fflush(stderr);
  }

 private:
  const char* what_;
  int total_;
  bool quiet_, terminal_;
  int shown_ = -1;
};

}  // namespace dtacs
