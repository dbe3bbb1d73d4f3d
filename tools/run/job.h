// SPDX-License-Identifier: Apache-2.0
// One run at work: rows from the scene through the networks into the outputs.
//
//   Job job(options, weights, product, parallel, rows);   // all that speaks against the run; nothing is written
//   job.open_outputs();
//   if (state) job.go_on(*state);
//   job.run();
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/host/geotiff.h"
#include "tools/run/chosen_weights.h"
#include "tools/run/correction.h"
#include "tools/run/quicklook.h"
#include "tools/run/radiometry_check.h"
#include "tools/run/reflectance_sink.h"
#include "tools/run/report.h"
#include "tools/run/restart_points.h"
#include "tools/run/run.h"
#include "tools/run/scene.h"
#include "tools/run/truth.h"
#include "tools/run/unet_stage.h"

namespace dtacs {

// Rows at a time: fewer need less memory, and give the same outputs.
struct RowsAtOnce {
  int read;       // of the scene; divides Job::kRememberRows
  int unet_band;  // see UnetStage
};

class Job {
 public:
  // options, weights, product and parallel must outlive the job.
  Job(const RunOptions& options, const ChosenWeights& weights, const Product& product, const Parallel& parallel,
      const RowsAtOnce& rows);

  // Bytes that the run takes, beside mapped files.
  std::size_t memory() const;

  // Takes most of them, and throws Failure(bad_weights) where integers are out of range.
  void prepare();
  // In the options' folder, which is there.
  void open_outputs();
  // Goes on where a job of the same identity stopped.  Throws StateRefused when the state does not
  // match its files; the job is then of no use any more.
  void go_on(StateArchive& state);
  // To the end; with options.resume as run() says, a state being kept under this identity.
  void run(const std::string& identity);
  // What is suspicious about the radiometry of a scene that was read, or "".
  std::string warning() const;

 private:
  void bind(int first_row);
  // The first scene row that all results have right, when reading starts at first_row.
  int first_right(int first_row) const;
  void exchange(StateArchive& state);
  int restart_row();
  int restart_points() const;  // how many are remembered
  std::size_t state_size() const;
  std::size_t state_memory() const;  // what --resume takes
  void save(const std::string& identity);
  void stop_when_asked(const std::string& identity);

  void read();
  void look_at(int y);
  void classify();
  void take_classes(int y, const std::uint8_t* classes);
  void correct();
  void take_corrected(int y, std::uint16_t* const* rows);

  void finish();
  void write_quicklooks();
  RunReport report() const;
  void remove_stale_outputs() const;
  std::vector<std::pair<std::string, std::string>> file_metadata(const LoadedWeights& w) const;

  // Counts the time of f to one stage, and that of a stage inside it to that one alone.
  template <class F>
  void during(double StageSeconds::*stage, F&& f);

  const RunOptions& options_;
  const ChosenWeights& weights_;
  const Product& product_;
  const Parallel& parallel_;
  const RowsAtOnce rows_;
  Scene scene_;
  std::unique_ptr<UnetStage> classifier_;
  std::unique_ptr<Correction> correction_;
  int rgb_slots_[3];
  bool has_rgb_;
  int rgb_outputs_[3] = {-1, -1, -1};  // of the correction
  bool corrects_rgb_ = false;

  std::unique_ptr<GeoTiffWriter> mask_;
  std::unique_ptr<ReflectanceSink> reflectance_;
  Quicklook before_, after_;
  std::unique_ptr<Truth> truth_;
  std::vector<std::string> files_;
  std::vector<std::uint8_t> classes_;  // (width)

  // How far it is.
  int seen_rows_ = 0;  // by quicklook and radiometry
  int mask_rows_ = 0, reflectance_rows_ = 0;
  std::vector<RasterClass> classes_of_mask_;
  std::int64_t class_pixels_[256] = {};
  RadiometryCheck radiometry_;
  RestartPoints restart_points_;
  int started_at_ = 0;

  // How often a job that can go on after a stop remembers its scene: 0.6 MB for 13 bands 10,980 wide.
  static constexpr int kRememberRows = 192;
  static constexpr int kCheckpointSeconds = 30;

  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }
  Clock::time_point begin_ = Clock::now(), saved_ = begin_;
  StageSeconds seconds_;
  double inner_seconds_ = 0;  // of stages inside the one at work
};

}  // namespace dtacs
