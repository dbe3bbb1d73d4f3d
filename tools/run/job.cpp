// SPDX-License-Identifier: Apache-2.0
#include "tools/run/job.h"

#include <algorithm>
#include <cstdio>

#include "io/host/failure.h"
#include "io/host/output_file.h"
#include "tools/run/downlink.h"
#include "tools/run/output_names.h"
#include "tools/run/progress.h"
#include "tools/run/run_state.h"

namespace dtacs {

namespace {

constexpr int kRgbBands[3] = {3, 2, 1};  // B04, B03, B02

// Which output of a correction is of this band, or -1.
int output_of(const Model& correction, int band) {
  const auto* end = correction.output_bands + correction.outputs;
  const auto* at = std::find(correction.output_bands, end, band);
  return at == end ? -1 : static_cast<int>(at - correction.output_bands);
}

}  // namespace

Job::Job(const RunOptions& options, const ChosenWeights& weights, const Product& product, const Parallel& parallel,
         const RowsAtOnce& rows)
    : options_(options),
      weights_(weights),
      product_(product),
      parallel_(parallel),
      rows_(rows),
      scene_(product, {.bands = bands_to_read(product.info(), weights),
                       .resolution = options.resolution,
                       .window = options.window,
                       .offset = options.offset,
                       .parallel = parallel,
                       .isa = options.isa}),
      rgb_slots_{scene_.slot(kRgbBands[0]), scene_.slot(kRgbBands[1]), scene_.slot(kRgbBands[2])},
      has_rgb_(*std::min_element(rgb_slots_, rgb_slots_ + 3) >= 0),
      before_(scene_.width(), scene_.height(), weights.classification.has_value()),
      after_(scene_.width(), scene_.height(), false),
      classes_(static_cast<std::size_t>(scene_.width())) {
  if (const auto& w = weights_.correction)
    for (int i = 0; i < 3; ++i) rgb_outputs_[i] = output_of(w->model, kRgbBands[i]);
  corrects_rgb_ = *std::min_element(rgb_outputs_, rgb_outputs_ + 3) >= 0;
  if (weights_.classification) classes_of_mask_ = mask_classes(weights_.classification->weights.meta("outputs"));
  if (!options_.truth.empty())
    truth_ = std::make_unique<Truth>(options_.truth, scene_, options_.window.value_or(Rect{}), parallel_);
  bind(0);
}

// The networks to a scene that is read from first_row on.
void Job::bind(int first_row) {
  classifier_.reset();  // before the next one takes as much memory
  correction_.reset();
  int values = 0, valid = 0;  // rows that a stage looks back
  if (const auto& w = weights_.classification) {
    classifier_ = std::make_unique<UnetStage>(w->name, w->weights, w->model, scene_, options_.isa, parallel_.workers,
                                              first_row, rows_.unet_band);
    values = classifier_->wanted_rows();
    valid = classifier_->history();
  }
  if (const auto& w = weights_.correction) {
    correction_ = std::make_unique<Correction>(*w, scene_, options_.isa, parallel_.workers, rows_.read, first_row,
                                               rows_.unet_band);
    values = std::max(values, correction_->history());
    valid = std::max(valid, values);
  }
  scene_.keep(values + rows_.read, valid + rows_.read);
}

void Job::prepare() {
  scene_.prepare();
  if (classifier_) classifier_->prepare();
  if (correction_) correction_->prepare();
}

std::size_t Job::memory() const {
  // The program with its libraries; a thread's stack, and the mask's strip that it packs; of each
  // corrected band the rows that do not fill a strip yet.
  constexpr std::size_t kProgram = std::size_t{4} << 20, kThread = std::size_t{1} << 20, kBand = std::size_t{1} << 19;
  std::size_t bytes = kProgram + static_cast<std::size_t>(parallel_.workers) * kThread + weights_.memory() +
                      scene_.memory() + before_.memory() + after_.memory() + classes_.size();
  if (classifier_) bytes += classifier_->memory();
  if (correction_) bytes += correction_->memory() + static_cast<std::size_t>(correction_->model().outputs) * kBand;
  if (options_.resume) bytes += state_memory();
  return bytes;
}

void Job::open_outputs() {
  const Unfinished unfinished = options_.resume ? Unfinished::kept : Unfinished::removed;
  if (classifier_) {
    mask_ = std::make_unique<GeoTiffWriter>(options_.folder + "/mask.tif",
                                            GeoTiffOptions{.width = scene_.width(),
                                                           .height = scene_.height(),
                                                           .parallel = parallel_,
                                                           .epsg = product_.info().epsg,
                                                           .ulx = scene_.ulx(),
                                                           .uly = scene_.uly(),
                                                           .pixel_size = scene_.ground_size(),
                                                           .no_data = kNoDataClass,
                                                           .band_names = {"scene classification"},
                                                           .classes = classes_of_mask_,
                                                           .metadata = file_metadata(*weights_.classification),
                                                           .unfinished = unfinished});
    files_.insert(files_.end(), {"mask.tif", "mask.tif.aux.xml", "mask.qml"});
  }
  if (correction_) {
    reflectance_ =
        std::make_unique<ReflectanceSink>(scene_, correction_->model(),
                                          ReflectanceOptions{.folder = options_.folder,
                                                             .stack = options_.stack,
                                                             .epsg = product_.info().epsg,
                                                             .parallel = parallel_,
                                                             .unfinished = unfinished,
                                                             .metadata = file_metadata(*weights_.correction)});
    files_.insert(files_.end(), reflectance_->files().begin(), reflectance_->files().end());
  }
}

std::vector<std::pair<std::string, std::string>> Job::file_metadata(const LoadedWeights& w) const {
  return {{"PRODUCT", product_.info().name},
          {"SENSING_TIME", product_.info().sensing_time},
          {"WEIGHTS", w.name},
          {"WEIGHTS_CRC32C", crc_text(w.weights)},
          {"SOFTWARE", "dtacs " DTACS_VERSION}};
}

// ---- the work --------------------------------------------------------------------

template <class F>
void Job::during(double StageSeconds::*stage, F&& f) {
  const auto begin = Clock::now();
  const double outer = std::exchange(inner_seconds_, 0.0);
  f();
  const double all = seconds_since(begin);
  seconds_.*stage += all - inner_seconds_;
  inner_seconds_ = outer + all;
}

void Job::run(const std::string& identity) {
  ProgressBar progress("rows", scene_.height(), options_.quiet);
  while (scene_.rows_read() < scene_.height()) {
    during(&StageSeconds::read, [&] { read(); });
    if (correction_) during(&StageSeconds::correct, [&] { correct(); });
    if (classifier_) during(&StageSeconds::classify, [&] { classify(); });
    progress.at(classifier_ ? mask_rows_ : reflectance_rows_);
    if (options_.resume && scene_.rows_read() < scene_.height()) stop_when_asked(identity);
  }
  progress.at(scene_.height());
  finish();
}

void Job::read() {
  const int y0 = scene_.rows_read();
  if (options_.resume && y0 > 0 && y0 % kRememberRows == 0) {
    restart_points_.remember(scene_, restart_points());
    restart_row();  // forgets those that are not needed any more
  }
  scene_.read(rows_.read);
  for (int y = std::max(y0, seen_rows_); y < scene_.rows_read(); ++y) look_at(y);
  seen_rows_ = std::max(seen_rows_, scene_.rows_read());
}

// A row for the quicklook and the check of the radiometry.
void Job::look_at(int y) {
  if (!scene_.any_valid(y)) return;
  const std::uint8_t* valid = scene_.valid_row(y);
  if (y % 4 == 0)
    for (const int band : {1, 10, 12})
      if (const int slot = scene_.slot(band); slot >= 0)
        radiometry_.add(band, scene_.row(slot, y), valid, scene_.width(), scene_.add_offset(slot));
  if (!has_rgb_) return;
  const int r = rgb_slots_[0], g = rgb_slots_[1], b = rgb_slots_[2];
  before_.add_colour(y, {scene_.row(r, y), scene_.row(g, y), scene_.row(b, y)},
                     {scene_.add_offset(r), scene_.add_offset(g), scene_.add_offset(b)}, scene_.quantification(),
                     valid);
}

void Job::classify() {
  classifier_->advance(parallel_, [&](int y, const float*, const std::uint8_t* classes) {
    if (y >= mask_rows_) take_classes(y, classes);
  });
}

// classes: nullptr where nothing is valid.
void Job::take_classes(int y, const std::uint8_t* classes) {
  const std::uint8_t* valid = scene_.valid_row(y);
  for (int x = 0; x < scene_.width(); ++x) {
    const std::uint8_t c = valid[x] != 0 && classes != nullptr ? classes[x] : std::uint8_t{kNoDataClass};
    classes_[static_cast<std::size_t>(x)] = c;
    ++class_pixels_[c];
  }
  before_.add_classes(y, classes_.data());
  if (truth_) truth_->add_classes(classes_.data());
  during(&StageSeconds::write, [&] { mask_->write_rows(0, classes_.data(), 1); });
  ++mask_rows_;
}

void Job::correct() {
  correction_->advance(parallel_, reflectance_rows_,
                       [&](int y, std::uint16_t* const* rows) { take_corrected(y, rows); });
}

void Job::take_corrected(int y, std::uint16_t* const* rows) {
  const Model& model = correction_->model();
  const std::uint8_t* valid = scene_.valid_row(y);
  during(&StageSeconds::write, [&] { reflectance_->add(y, rows, valid); });
  ++reflectance_rows_;
  if (corrects_rgb_)
    after_.add_colour(y, {rows[rgb_outputs_[0]], rows[rgb_outputs_[1]], rows[rgb_outputs_[2]]}, {0, 0, 0}, 10000.0f,
                      valid);
  if (truth_)
    for (int m = 0; m < model.outputs; ++m)
      truth_->add_reflectance(y, model.output_bands[m], rows[m], scene_.row(scene_.slot(model.output_bands[m]), y));
}

// ---- the end ---------------------------------------------------------------------

// The report vouches for the files beside it: it goes before the first of them is replaced, and
// comes after the last.
void Job::finish() {
  std::remove((options_.folder + "/report.json").c_str());
  during(&StageSeconds::write, [&] {
    if (reflectance_) reflectance_->finish();
    if (mask_) mask_->finish();
    classifier_.reset();  // compressing a picture takes memory too
    correction_.reset();
    write_quicklooks();
  });
  files_.emplace_back(kReportName);
  remove_stale_outputs();
  const RunReport r = report();
  const std::string text = report_json(r);
  // No state would help from here on: a signal waits for the end.
  if (options_.split > 0) split_for_downlink(options_.folder, files_, text, options_.split);
  write_file(options_.folder + "/report.json", text);
  remove_run_state(options_.folder);
  if (!options_.quiet) print_summary(r, options_.folder);
}

void Job::write_quicklooks() {
  if (!has_rgb_) return;
  before_.write_colour(options_.folder + "/true_colour_l1c.png");
  files_.emplace_back("true_colour_l1c.png");
  if (mask_) {
    before_.write_overlay(options_.folder + "/mask_overlay.png", classes_of_mask_);
    files_.emplace_back("mask_overlay.png");
  }
  if (corrects_rgb_) {
    after_.write_colour(options_.folder + "/true_colour_corrected.png");
    files_.emplace_back("true_colour_corrected.png");
  }
}

RunReport Job::report() const {
  RunReport r = {.product = product_.info(),
                 .scene = scene_,
                 .offset_from_option = options_.offset.has_value(),
                 .warning = warning(),
                 .weights = weights_.all(),
                 .classes = classes_of_mask_,
                 .class_pixels = class_pixels_,
                 .truth = truth_.get(),
                 .seconds = seconds_,
                 .threads = parallel_.workers,
                 .files = files_};
  r.seconds.total = seconds_since(begin_);
  return r;
}

// What an earlier run with other options left in the folder does not belong to this report.
void Job::remove_stale_outputs() const {
  std::string removed;
  for (const std::string_view name : kOutputNames)
    if (std::find(files_.begin(), files_.end(), name) == files_.end() &&
        std::remove((options_.folder + "/").append(name).c_str()) == 0)
      removed.append(removed.empty() ? "" : ", ").append(name);
  if (remove_downlink(options_.folder)) removed.append(removed.empty() ? "" : ", ").append("downlink/");
  if (!removed.empty() && !options_.quiet)
    std::fprintf(stderr, "dtacs: %s: removed, of an earlier run: %s\n", options_.folder.c_str(), removed.c_str());
}

std::string Job::warning() const {
  const ProductInfo& info = product_.info();
  const bool assumed = !info.offset_known && !options_.offset;
  bool offset_applied = false;
  for (int s = 0; s < scene_.band_count(); ++s) offset_applied = offset_applied || scene_.add_offset(s) != 0.0f;
  std::string offset = radiometry_.warning(offset_applied);
  if (assumed && info.baseline >= "04")
    offset = "baseline " + info.baseline +
             " adds 1000 to the digital numbers, but nothing here says RADIO_ADD_OFFSET; "
             "see --offset";
  else if (!info.passed_over.empty() && assumed && offset.empty())
    offset = "offset 0 is assumed; see --offset";
  std::string all;
  const auto say = [&](const std::string& text) { all += (all.empty() ? "" : "; ") + text; };
  if (!info.passed_over.empty()) say("not used, as of another scene: " + info.passed_over);
  if (info.epsg == 0 && info.layout != "raw") say("no georeference, as neither images nor metadata say where they lie");
  if (!offset.empty()) say(offset);
  return all;
}

}  // namespace dtacs
