// SPDX-License-Identifier: Apache-2.0
// How the host side says that a job cannot go on: one exception with one line for
// people and the exit code of the process.  The core below never throws.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace dtacs {

// Exit codes of every tool, after BSD sysexits where they have one.
enum class Exit : int {
  ok = 0,
  usage = 64,           // a wrong option or argument
  bad_data = 65,        // an input file is damaged, cannot be read to its end or contradicts itself
  missing_input = 66,   // an input file or band is not there or cannot be opened
  unsupported = 67,     // a valid product or file of a kind this program does not read
  model_mismatch = 68,  // these weights do not fit this input
  bad_weights = 69,     // a weights file or checkpoint is damaged or of no known network
  self_check = 70,      // a self-check failed
  memory_cap = 71,      // the memory cap is too small; the message says how many bytes would do
  cannot_create = 73,   // an output cannot be created
  io_error = 74,        // writing failed half-way (disk full, I/O error), or the disk of a mapped input
  interrupted = 75,     // stopped by a signal
  time_budget = 76,     // the time budget is used up
  folder_in_use = 77,   // another run is writing into the output folder
};

// what(): one line, without a trailing period: names the file, what was expected, what was found.
class Failure : public std::exception {
 public:
  Failure(Exit exit, std::string line) : exit_(exit), line_(std::move(line)) {}
  Exit exit() const noexcept { return exit_; }
  const char* what() const noexcept override { return line_.c_str(); }

 private:
  Exit exit_;
  std::string line_;
};

}  // namespace dtacs
