// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <vector>

#include "io/host/failure.h"
#include "io/host/output_file.h"
#include "tools/run/run.h"

namespace dtacs {

const char* const kWatchUsage =
    "dtacs watch IN OUT [--once] [--interval SECONDS] [--log FILE] and the options of `dtacs run`";

namespace {

namespace fs = std::filesystem;

// One line at a time, each on its way before the next thing happens.
class Log {
 public:
  explicit Log(const std::string& path)
      : file_(path.empty() ? stdout : std::fopen(path.c_str(), "a")), own_(!path.empty()) {
    if (file_ == nullptr) throw Failure(Exit::cannot_create, "cannot write " + path);
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
    std::fprintf(file_, "%s %s\n", stamp, text.c_str());
    std::fflush(file_);
  }

 private:
  std::FILE* file_;
  bool own_;
};

// Products that were neither done nor given up, by name; those whose folder changed less than
// `quiet` seconds ago may still be arriving.
std::vector<fs::path> waiting(const fs::path& in, const fs::path& out, int quiet) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(in, error)) {
    const fs::path name = entry.path().filename();
    if (name.string().starts_with('.') || name.extension() == ".part" || name.extension() == ".tmp") continue;
    if (fs::exists(out / name.stem() / "report.json") || fs::exists(out / name.stem() / "failed.txt")) continue;
    const auto age = fs::file_time_type::clock::now() - entry.last_write_time(error);
    if (age < std::chrono::seconds(quiet)) continue;
    found.push_back(entry.path());
  }
  if (error) throw Failure(Exit::missing_input, in.string() + ": " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

void watch_command(Args& args) {
  const bool once = args.flag("--once");
  const int interval = args.number("--interval", 1, 86400).value_or(10);
  Log log(args.value("--log").value_or(""));
  RunOptions options = run_options(args);
  const std::vector<std::string> folders = args.finish(2, kWatchUsage);
  options.resume = options.quiet = true;
  note_signals(true);
  Exit worst = Exit::ok;
  for (;;) {
    for (const fs::path& product : waiting(folders[0], folders[1], once ? 0 : interval)) {
      const std::string name = product.stem().string();
      options.product = product.string();
      options.folder = folders[1] + "/" + name;
      const auto begin = std::chrono::steady_clock::now();
      try {
        run(options);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        char took[32];
        std::snprintf(took, sizeof took, " done in %.1f s", seconds);
        log.line(name + took);
      } catch (const Failure& f) {
        log.line(name + " exit " + std::to_string(static_cast<int>(f.exit())) + ": " + f.what());
        if (f.exit() == Exit::interrupted || f.exit() == Exit::time_budget) throw;
        // Remembered, so that one bad product does not hold up the others for ever.
        make_folder(options.folder);
        write_file(options.folder + "/failed.txt", std::string(f.what()) + "\n");
        if (worst == Exit::ok) worst = f.exit();
      }
      if (noted_signal() != 0) throw Failure(Exit::interrupted, "stopped by a signal between two products");
    }
    if (once) break;
    for (int i = 0; i < interval * 10 && noted_signal() == 0; ++i) usleep(100000);
    if (noted_signal() != 0) throw Failure(Exit::interrupted, "stopped by a signal while nothing was to do");
  }
  if (worst != Exit::ok) throw Failure(worst, "some products failed; see failed.txt in their folders");
}

}  // namespace dtacs
