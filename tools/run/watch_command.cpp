// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <new>

#include "io/host/failure.h"
#include "io/host/output_file.h"
#include "tools/run/chosen_weights.h"
#include "tools/run/job_identity.h"
#include "tools/run/run.h"
#include "tools/run/watched_folder.h"

namespace dtacs {

const char* const kWatchUsage =
    "dtacs watch IN OUT [--once] [--interval SECONDS] [--log FILE] and the options of `dtacs run`";

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point t) {
  return std::chrono::duration<double>(Clock::now() - t).count();
}

// One line at a time, each on its way before the next thing happens.
class Log {
 public:
  explicit Log(const std::string& path)
      : name_(path.empty() ? "standard output" : path),
        file_(path.empty() ? stdout : std::fopen(path.c_str(), "a")),
        own_(!path.empty()) {
    if (file_ == nullptr) throw Failure(Exit::cannot_create, "cannot write " + path + ": " + std::strerror(errno));
  }
  ~Log() {
    if (own_) std::fclose(file_);
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void line(const std::string& text) {
    const std::time_t now = std::time(nullptr);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
    if (std::fprintf(file_, "%s %s\n", stamp, text.c_str()) < 0 || std::fflush(file_) != 0)
      throw Failure(Exit::io_error, name_ + ": writing failed");
  }

 private:
  const std::string name_;
  std::FILE* file_;
  bool own_;
};

// Not the product's fault: a stop, or a disk that is full or fails.  The product is as good as before.
bool ends_the_watch(Exit exit) {
  return exit == Exit::interrupted || exit == Exit::time_budget || exit == Exit::io_error;
}

class Watch {
 public:
  Watch(const std::string& in, const std::string& out, RunOptions options, const std::string& log)
      : folder_(in, out, way_identity(options, choose_weights(options)), log),
        options_(std::move(options)),
        budget_(options_.time_budget),
        log_(log) {
    options_.resume = options_.quiet = true;
    note_signals();
  }

  void until_stopped(int interval) {
    for (bool first = true;; first = false) {
      const WatchedFolder::Products found = folder_.look();
      for (const std::string& name : found.whole) run_one(name);
      had_a_chance_ = had_a_chance_ || !first;
      wait(interval);
    }
  }

  // What is whole now; an interval tells.
  void once(int interval) {
    if (folder_.look().arriving.empty()) return;
    wait(interval);
    const WatchedFolder::Products found = folder_.look();
    for (const std::string& name : found.whole) run_one(name);
    for (const std::string& name : found.arriving) log_.line(name + " is still changing");
    if (worst_ != Exit::ok) throw Failure(worst_, "some products failed; see the log, or failed.txt in their folders");
  }

 private:
  void run_one(const std::string& name) {
    stop_when_asked();
    had_a_chance_ = true;
    if (folder_.done(name)) return;  // by another watch, since the look
    if (folder_.changed(name)) return log_.line(name + " is still changing");
    options_.product = folder_.product(name);
    options_.folder = folder_.folder(name);
    if (budget_) options_.time_budget = std::max(0.0, *budget_ - seconds_since(begin_));
    const auto begin = Clock::now();
    try {
      folder_.try_again(name);
      const std::string warning = run(options_);
      folder_.note_done(name);
      if (folder_.changed(name)) return log_.line(name + " changed while it was run, and has to be run again");
      char took[32];
      std::snprintf(took, sizeof took, " done in %.1f s", seconds_since(begin));
      log_.line(name + took + (warning.empty() ? "" : ", warning: " + warning));
    } catch (const Failure& f) {
      if (f.exit() != Exit::folder_in_use) failed(name, f);  // else another watch is at it
    } catch (const std::bad_alloc&) {
      failed(name, Failure(Exit::memory_cap, options_.product + ": not enough memory"));
    } catch (const std::exception& e) {
      failed(name, Failure(Exit::bad_data, options_.product + ": " + e.what()));
    }
  }

  void failed(const std::string& name, const Failure& f) {
    log_.line(name + " exit " + std::to_string(static_cast<int>(f.exit())) + ": " + f.what());
    if (ends_the_watch(f.exit())) throw f;
    // Remembered, so that one bad product does not hold up the others for ever.  Fails where OUT takes no outputs.
    folder_.give_up(name, f.what());
    if (worst_ == Exit::ok) worst_ = f.exit();
  }

  void wait(int seconds) const {
    const auto begin = Clock::now();
    do {
      stop_when_asked();
      usleep(100000);
    } while (seconds_since(begin) < seconds);
  }

  void stop_when_asked() const {
    if (noted_signal() != 0) throw Failure(Exit::interrupted, "stopped by a signal between two products");
    if (budget_ && seconds_since(begin_) >= *budget_ && had_a_chance_)
      throw Failure(Exit::time_budget, "the time budget is used up between two products");
  }

  WatchedFolder folder_;
  RunOptions options_;
  const std::optional<double> budget_;  // of the watch as a whole
  // What was there could be found whole: a budget that is too short still gets a product further.
  bool had_a_chance_ = false;
  Log log_;
  Exit worst_ = Exit::ok;  // the first failure of a product
  const Clock::time_point begin_ = Clock::now();
};

}  // namespace

void watch_command(Args& args) {
  const bool once = args.flag("--once");
  const int interval = args.number("--interval", 0, 86400).value_or(10);
  const std::string log = args.value("--log").value_or("");
  RunOptions options = run_options(args);
  const std::vector<std::string> folders = args.finish(2, kWatchUsage);
  std::error_code none;
  if (std::filesystem::equivalent(folders[0], folders[1], none))
    throw Failure(Exit::usage, folders[0] + ": the outputs would lie among the products; give another folder for them");
  Watch watch(folders[0], folders[1], std::move(options), log);
  if (once)
    watch.once(interval);
  else
    watch.until_stopped(interval);
}

}  // namespace dtacs
