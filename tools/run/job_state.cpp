// SPDX-License-Identifier: Apache-2.0
// How a job stops with a state, and goes on from one.
#include <algorithm>

#include "io/host/failure.h"
#include "io/host/output_file.h"
#include "tools/run/job.h"
#include "tools/run/run_state.h"

namespace dtacs {

void Job::go_on(StateArchive& state) {
  state.value(started_at_);
  if (started_at_ > 0) {
    bind(started_at_);
    prepare();
    scene_.exchange(state);
  }
  exchange(state);
}

void Job::exchange(StateArchive& state) {
  state.value(seen_rows_);
  state.value(mask_rows_);
  state.value(reflectance_rows_);
  state.value(class_pixels_);
  radiometry_.exchange(state);
  before_.exchange(state);
  after_.exchange(state);
  if (mask_) mask_->exchange(state);
  if (reflectance_) reflectance_->exchange(state);
}

int Job::first_right(int first_row) const {
  int row = first_row;
  if (classifier_)
    row = std::max(row, UnetStage::first_right(weights_.classification->model, scene_.height(), first_row));
  if (correction_) row = std::max(row, correction_->first_right(first_row));
  return row;
}

// Where a run that goes on now would start reading.
int Job::restart_row() {
  const int due =
      std::min(classifier_ ? mask_rows_ : scene_.rows_read(), correction_ ? reflectance_rows_ : scene_.rows_read());
  return restart_points_.row([&](int row) { return first_right(row) <= due; });
}

// Of a state, about: the pictures, and of each band the rows that do not fill a strip yet.
std::size_t Job::state_size() const {
  return before_.memory() + after_.memory() + (std::size_t{4} << 20);
}

int Job::restart_points() const {
  const int behind = std::max(classifier_ ? classifier_->history() : 0, correction_ ? correction_->history() : 0);
  const int settling = first_right(kRememberRows) - kRememberRows;
  return RestartPoints::enough(kRememberRows, rows_.read + behind + settling);
}

std::size_t Job::state_memory() const {
  return state_size() + RestartPoints::memory(scene_, restart_points());
}

void Job::save(const std::string& identity) {
  StateArchive state;
  state.reserve(state_size());
  int first_row = restart_row();
  state.value(first_row);
  if (first_row > 0) state.append(restart_points_.scene());
  exchange(state);
  write_run_state(options_.folder, identity, state);
  saved_ = Clock::now();
}

void Job::stop_when_asked(const std::string& identity) {
  const bool signalled = noted_signal() != 0;
  // Not before there is something gained: a budget that is too short must not go round in circles.
  const bool late =
      options_.time_budget && seconds_since(begin_) >= *options_.time_budget && restart_row() > started_at_;
  if (!signalled && !late && seconds_since(saved_) < options_.checkpoint.value_or(kCheckpointSeconds)) return;
  save(identity);
  const std::string where = options_.folder + ": row " + std::to_string(scene_.rows_read()) + " of " +
                            std::to_string(scene_.height()) + "; the same command goes on";
  if (signalled) throw Failure(Exit::interrupted, "stopped by a signal, " + where);
  if (late) throw Failure(Exit::time_budget, "the time budget is used up, " + where);
}

}  // namespace dtacs
