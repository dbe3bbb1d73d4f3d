// SPDX-License-Identifier: Apache-2.0
#include "tools/run/run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <set>

#include "io/host/failure.h"
#include "io/host/geotiff.h"
#include "io/host/output_file.h"
#include "io/host/threads.h"
#include "tools/run/downlink.h"
#include "tools/run/loaded_weights.h"
#include "tools/run/progress.h"
#include "tools/run/quicklook.h"
#include "tools/run/radiometry_check.h"
#include "tools/run/reflectance_sink.h"
#include "tools/run/report.h"
#include "tools/run/run_state.h"
#include "tools/run/scene.h"
#include "tools/run/truth.h"
#include "tools/run/unet_stage.h"

namespace dtacs {

namespace {

constexpr int kChunk = 48;  // rows read and corrected at a time
// How often a run that can be taken up again remembers its scene: 1 MB for a row of 10,980.
constexpr int kRememberRows = 4 * kChunk;

// Wall-clock seconds of one stage of the work, summed over its turns.
class Stage {
 public:
  template <class F>
  void run(F&& f) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  double seconds() const { return seconds_; }

 private:
  double seconds_ = 0;
};

struct Timings {
  Stage read, classify, correct, write;
};

std::string band_list(const int* bands, int count) {
  std::string list;
  for (int i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + std::string(kBandNames[bands[i]]);
  return list;
}

// The weights for each task: the files given, else the built-in ones.
struct Chosen {
  std::optional<LoadedWeights> classification, correction;
};

Chosen choose_weights(const RunOptions& options) {
  Chosen chosen;
  for (const std::string& path : options.weights) {
    LoadedWeights w = load_weights(path);
    auto& task = w.model.classifies() ? chosen.classification : chosen.correction;
    if (task) throw Failure(Exit::usage, path + " and " + task->name + " do the same task; give one of them");
    if (w.model.classifies() && options.precision != Precision::automatic &&
        w.model.int8 != (options.precision == Precision::int8))
      throw Failure(Exit::usage, path + " holds " + (w.model.int8 ? "int8" : "f32") +
                                     " weights; leave --precision away, or make others with dtacs-convert");
    task = std::move(w);
  }
  if (!chosen.classification) {
    const bool int8 = options.precision == Precision::int8 ||
                      (options.precision == Precision::automatic && int8_by_default(options.isa));
    chosen.classification = built_in_classification(int8);
  }
  if (!chosen.correction) chosen.correction = built_in_correction();
  if (!options.mask) chosen.classification.reset();
  if (!options.reflectance) chosen.correction.reset();
  if (options.mask && !chosen.classification)
    throw Failure(Exit::usage, "no weights for classification are built in; give --weights FILE");
  if (options.reflectance && !chosen.correction)
    throw Failure(Exit::usage, "no weights for correction are built in; give --weights FILE");
  return chosen;
}

// Networks for L2A input give nonsense on L1C.  A SAFE or AWS product without one of its 13 bands is incomplete;
// anything else simply has other bands than these weights need.
void check_bands(const ProductInfo& info, const LoadedWeights& w) {
  if (w.weights.meta("input") == "surface_reflectance")
    throw Failure(Exit::model_mismatch, w.name + " was trained on surface reflectance (L2A), not on L1C products");
  std::string have, missing;
  std::set<int> present;
  for (const BandInfo& b : info.bands) {
    present.insert(b.band);
    have += (have.empty() ? "" : ",") + std::string(kBandNames[b.band]);
  }
  for (int c = 0; c < w.model.inputs; ++c)
    if (present.count(w.model.input_bands[c]) == 0)
      missing += (missing.empty() ? "" : ",") + std::string(kBandNames[w.model.input_bands[c]]);
  if (missing.empty()) return;
  const bool complete_by_definition = info.layout.starts_with("SAFE") || info.layout == "AWS";
  if (complete_by_definition) throw Failure(Exit::missing_input, info.path + ": band " + missing + " is missing");
  throw Failure(Exit::model_mismatch, info.path + " has bands " + have + "; " + w.name + " needs " +
                                          band_list(w.model.input_bands, w.model.inputs) + ": " + missing +
                                          " is missing");
}

class Job {
 public:
  // unet_band: see UnetStage.  fresh: a state that is there is not looked at.
  Job(const RunOptions& options, const Parallel& parallel, int unet_band, bool fresh)
      : options_(options),
        band_(unet_band),
        parallel_(parallel),
        chosen_(choose_weights(options)),
        product_(open_product(options.product, options.hints)) {
    std::set<int> bands;
    for (const auto* w : {&chosen_.classification, &chosen_.correction}) {
      if (!*w) continue;
      check_bands(product_->info(), **w);
      const Model& m = (*w)->model;
      bands.insert(m.input_bands, m.input_bands + m.inputs);
    }
    scene_ = std::make_unique<Scene>(*product_, SceneOptions{.bands = {bands.begin(), bands.end()},
                                                             .resolution = options.resolution,
                                                             .window = options.window,
                                                             .offset = options.offset,
                                                             .parallel = parallel_,
                                                             .isa = options.isa});
    for (const int band : {3, 2, 1}) rgb_slots_.push_back(scene_->slot(band));
    has_rgb_ = *std::min_element(rgb_slots_.begin(), rgb_slots_.end()) >= 0;
    if (options_.resume) identity_ = identity();
    plan(options_.resume && !fresh ? read_run_state(options_.folder, identity_) : std::nullopt);
  }

  void run();
  std::size_t memory() const;

 private:
  void plan(std::optional<StateArchive> state);
  std::string identity() const;
  void exchange(StateArchive& state);
  int restart_row();
  void save();
  void stop_when_asked();
  void read();
  void correct(int begin, int end);
  void classify();
  void correct_by_unet();
  void take_corrected(int y, std::uint16_t* const* rows);
  // The whole scene was read and holds no valid pixel: there is nothing to run a U-Net on.
  bool nothing_valid() const { return scene_->rows_read() == scene_->height() && scene_->filled_rows() == 0; }
  void finish();
  void remove_stale_outputs() const;
  std::string warning() const;
  std::vector<std::pair<std::string, std::string>> file_metadata(const LoadedWeights& w) const;

  RunOptions options_;
  int band_;
  Parallel parallel_;
  Chosen chosen_;
  std::unique_ptr<Product> product_;
  std::unique_ptr<Scene> scene_;
  std::vector<int> rgb_slots_;
  bool has_rgb_ = false;

  std::unique_ptr<UnetStage> classifier_, unet_corrector_;
  std::unique_ptr<PixelNet> pixel_net_;
  std::unique_ptr<GeoTiffWriter> mask_;
  std::unique_ptr<ReflectanceSink> reflectance_;
  std::unique_ptr<Quicklook> before_, after_;
  std::unique_ptr<Truth> truth_;
  std::vector<std::uint16_t> corrected_;  // (kChunk, outputs, width)
  std::vector<std::uint8_t> classes_;     // (width)

  int mask_rows_ = 0, reflectance_rows_ = 0;
  std::vector<RasterClass> classes_of_mask_;
  std::int64_t class_pixels_[256] = {};
  RadiometryCheck radiometry_;
  Timings timings_;
  std::vector<std::string> files_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();

  // Going on after a stop.  The U-Nets' rows are not kept: the scene is taken up some rows
  // higher, where it was remembered, and what was done already is computed again and dropped.
  struct Remembered {
    int row;
    StateArchive scene;
  };
  std::string identity_;
  std::deque<Remembered> remembered_;
  int started_at_ = 0;
  int read_rows_ = 0;  // rows that quicklook and radiometry have seen
  std::chrono::steady_clock::time_point saved_ = begin_;
};

// All that outputs depend on.
std::string Job::identity() const {
  namespace fs = std::filesystem;
  std::string id = "dtacs " DTACS_VERSION;
  const auto add = [&](const std::string& s) { id += "\n" + s; };
  add(options_.product);
  for (const BandInfo& b : product_->info().bands) {
    std::error_code none;
    add(b.path + " " + std::to_string(fs::file_size(b.path, none)) + " " +
        std::to_string(fs::last_write_time(b.path, none).time_since_epoch().count()) + " " +
        std::to_string(b.add_offset));
  }
  for (const auto* w : {&chosen_.classification, &chosen_.correction})
    add(*w ? (*w)->name + " " + crc_text((*w)->weights) : "");
  const Rect r = options_.window.value_or(Rect{});
  for (const int n : {r.x, r.y, r.width, r.height, options_.resolution, options_.stack ? 1 : 0,
                      options_.offset.value_or(1 << 20), static_cast<int>(options_.isa)})
    add(std::to_string(n));
  return id;
}

void Job::plan(std::optional<StateArchive> state) {
  const ProductInfo& info = product_->info();
  const auto width = static_cast<std::size_t>(scene_->width());
  int value_rows = 2 * kChunk, valid_rows = 2 * kChunk, first_row = 0;
  if (state) state->value(first_row);
  started_at_ = first_row;
  const Unfinished unfinished = options_.resume ? Unfinished::kept : Unfinished::removed;
  if (chosen_.classification) {
    const LoadedWeights& w = *chosen_.classification;
    classes_of_mask_ = mask_classes(w.weights.meta("outputs"));
    classifier_ = std::make_unique<UnetStage>(w.name, w.weights, w.model, *scene_, options_.isa, parallel_.workers,
                                              first_row, band_);
    value_rows = std::max(value_rows, classifier_->wanted_rows() + kChunk);
    valid_rows = classifier_->history() + kChunk;
  }
  if (chosen_.correction) {
    const LoadedWeights& w = *chosen_.correction;
    if (w.model.is_unet()) {
      unet_corrector_ = std::make_unique<UnetStage>(w.name, w.weights, w.model, *scene_, options_.isa,
                                                    parallel_.workers, first_row, band_);
      value_rows = std::max(value_rows, unet_corrector_->history() + kChunk);
      valid_rows = std::max(valid_rows, value_rows);
    } else {
      pixel_net_ = std::make_unique<PixelNet>();
      if (bind_pixel_net(w.weights, w.model, *pixel_net_) != Status::ok)
        throw Failure(Exit::bad_weights, w.name + ": tensors a0, a1 are missing or do not fit " +
                                             std::to_string(w.model.inputs) + " bands in and " +
                                             std::to_string(w.model.outputs) + " out");
    }
    corrected_.resize(kChunk * static_cast<std::size_t>(w.model.outputs) * width);
  }
  scene_->keep(value_rows, valid_rows);
  classes_.resize(width);

  make_folder(options_.folder);
  if (classifier_) {
    mask_ = std::make_unique<GeoTiffWriter>(options_.folder + "/mask.tif",
                                            GeoTiffOptions{.width = scene_->width(),
                                                           .height = scene_->height(),
                                                           .parallel = parallel_,
                                                           .epsg = info.epsg,
                                                           .ulx = scene_->ulx(),
                                                           .uly = scene_->uly(),
                                                           .pixel_size = scene_->ground_size(),
                                                           .no_data = kNoDataClass,
                                                           .band_names = {"scene classification"},
                                                           .classes = classes_of_mask_,
                                                           .metadata = file_metadata(*chosen_.classification),
                                                           .unfinished = unfinished});
    files_.insert(files_.end(), {"mask.tif", "mask.tif.aux.xml", "mask.qml"});
  }
  if (chosen_.correction) {
    reflectance_ =
        std::make_unique<ReflectanceSink>(*scene_, chosen_.correction->model,
                                          ReflectanceOptions{.folder = options_.folder,
                                                             .stack = options_.stack,
                                                             .epsg = info.epsg,
                                                             .parallel = parallel_,
                                                             .unfinished = unfinished,
                                                             .metadata = file_metadata(*chosen_.correction)});
    files_.insert(files_.end(), reflectance_->files().begin(), reflectance_->files().end());
  }
  before_ = std::make_unique<Quicklook>(scene_->width(), scene_->height());
  after_ = std::make_unique<Quicklook>(scene_->width(), scene_->height());
  if (!options_.truth.empty())
    truth_ = std::make_unique<Truth>(options_.truth, *scene_, options_.window.value_or(Rect{}), parallel_);
  if (!state) return;
  if (first_row > 0) scene_->exchange(*state);
  exchange(*state);
}

// What is taken, and a round number for program, threads and what writers buffer.
std::size_t Job::memory() const {
  constexpr std::size_t kProgram = std::size_t{16} << 20;
  std::size_t bytes = kProgram + scene_->memory() + before_->memory() + after_->memory() +
                      corrected_.size() * sizeof(std::uint16_t) + classes_.size();
  for (const UnetStage* u : {classifier_.get(), unet_corrector_.get()})
    if (u != nullptr) bytes += u->memory();
  return bytes;
}

void Job::exchange(StateArchive& state) {
  state.value(read_rows_);
  state.value(mask_rows_);
  state.value(reflectance_rows_);
  state.value(class_pixels_);
  radiometry_.exchange(state);
  before_->exchange(state);
  after_->exchange(state);
  if (mask_) mask_->exchange(state);
  if (reflectance_) reflectance_->exchange(state);
}

// Drops what is remembered of the scene further up than a run that goes on now would start.
// That is where the U-Nets, started afresh, get every row right that is still due.
int Job::restart_row() {
  int due = scene_->rows_read();
  const Model* unet = nullptr;
  if (classifier_) {
    due = mask_rows_;
    unet = &chosen_.classification->model;
  }
  if (unet_corrector_) {
    due = std::min(due, reflectance_rows_);
    unet = &chosen_.correction->model;
  }
  if (unet == nullptr) return due;
  const auto right = [&](const Remembered& r) { return UnetStage::first_right(*unet, scene_->height(), r.row) <= due; };
  while (remembered_.size() > 1 && right(remembered_[1])) remembered_.pop_front();
  return !remembered_.empty() && right(remembered_[0]) ? remembered_[0].row : 0;
}

void Job::save() {
  StateArchive state;
  int first_row = restart_row();
  state.value(first_row);
  if (first_row > 0 && first_row == scene_->rows_read())
    scene_->exchange(state);
  else if (first_row > 0)
    state.append(remembered_[0].scene);
  exchange(state);
  write_run_state(options_.folder, identity_, state);
  saved_ = std::chrono::steady_clock::now();
}

void Job::stop_when_asked() {
  const auto seconds_since = [](std::chrono::steady_clock::time_point t) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count();
  };
  const bool signalled = noted_signal() != 0;
  // Not before there is something gained: a budget that is too short must not go round in circles.
  const bool late =
      options_.time_budget && seconds_since(begin_) >= *options_.time_budget && restart_row() > started_at_;
  if (!signalled && !late && seconds_since(saved_) < options_.checkpoint) return;
  save();
  const std::string where = options_.folder + ": row " + std::to_string(scene_->rows_read()) + " of " +
                            std::to_string(scene_->height()) + "; the same command goes on";
  if (signalled) throw Failure(Exit::interrupted, "stopped by a signal, " + where);
  if (late) throw Failure(Exit::time_budget, "the time budget is used up, " + where);
}

std::vector<std::pair<std::string, std::string>> Job::file_metadata(const LoadedWeights& w) const {
  return {{"PRODUCT", product_->info().name},
          {"SENSING_TIME", product_->info().sensing_time},
          {"WEIGHTS", w.name},
          {"WEIGHTS_CRC32C", crc_text(w.weights)},
          {"SOFTWARE", "dtacs " DTACS_VERSION}};
}

void Job::read() {
  const int y0 = scene_->rows_read();
  if (options_.resume && (classifier_ || unet_corrector_) && y0 > 0 && y0 % kRememberRows == 0) {
    StateArchive scene;
    scene_->exchange(scene);
    remembered_.push_back({y0, std::move(scene)});
  }
  scene_->read(kChunk);
  const int seen = std::exchange(read_rows_, std::max(read_rows_, scene_->rows_read()));
  for (int y = std::max(y0, seen); y < scene_->rows_read(); ++y) {
    if (!scene_->any_valid(y)) continue;
    const std::uint8_t* valid = scene_->valid_row(y);
    if (y % 4 == 0)
      for (const int band : {1, 10, 12})
        if (const int slot = scene_->slot(band); slot >= 0)
          radiometry_.add(band, scene_->row(slot, y), valid, scene_->width(), scene_->add_offset(slot));
    if (!has_rgb_) continue;
    const auto row = [&](std::size_t i) { return scene_->row(rgb_slots_[i], y); };
    const auto offset = [&](std::size_t i) { return scene_->add_offset(rgb_slots_[i]); };
    before_->add_colour(y, {row(0), row(1), row(2)}, {offset(0), offset(1), offset(2)}, scene_->quantification(),
                        valid);
  }
}

// Rows [begin, end), at most kChunk, through the pixel network.
void Job::correct(int begin, int end) {
  const Model& model = pixel_net_->model;
  const PixelNetKernel& kernel = pixelnet_u16.best(options_.isa);
  const auto width = static_cast<std::size_t>(scene_->width());
  float offset[kPixelNetMaxBands] = {};
  int slots[kPixelNetMaxBands] = {};
  for (int c = 0; c < model.inputs; ++c) {
    slots[c] = scene_->slot(model.input_bands[c]);
    offset[c] = scene_->add_offset(slots[c]);
  }
  const auto out_row = [&](int y, int m) {
    return corrected_.data() + (static_cast<std::size_t>(y - begin) * static_cast<std::size_t>(model.outputs) +
                                static_cast<std::size_t>(m)) *
                                   width;
  };
  timings_.correct.run([&] {
    parallel_.for_each(end - begin, [&](int i, int) noexcept {
      const int y = begin + i;
      if (!scene_->any_valid(y)) return;
      PixelNetArgs args = {.in = {},
                           .out = {},
                           .offset = offset,
                           .quantification = scene_->quantification(),
                           .w1 = pixel_net_->w1,
                           .b1 = pixel_net_->b1,
                           .w2 = pixel_net_->w2,
                           .b2 = pixel_net_->b2,
                           .residual = model.kind == NetKind::linear ? nullptr : model.residual,
                           .pixels = scene_->width(),
                           .inputs = model.inputs,
                           .hidden = pixel_net_->hidden,
                           .outputs = model.outputs};
      for (int c = 0; c < model.inputs; ++c) args.in[c] = scene_->row(slots[c], y);
      for (int m = 0; m < model.outputs; ++m) args.out[m] = out_row(y, m);
      kernel.run(args);
    });
  });
  for (int y = begin; y < end; ++y) {
    std::uint16_t* rows[kPixelNetMaxBands] = {};
    for (int m = 0; m < model.outputs; ++m) rows[m] = out_row(y, m);
    take_corrected(y, rows);
  }
}

void Job::take_corrected(int y, std::uint16_t* const* rows) {
  const Model& model = chosen_.correction->model;
  const std::uint8_t* valid = scene_->valid_row(y);
  timings_.write.run([&] { reflectance_->add(y, rows, valid); });
  ++reflectance_rows_;
  const auto output_of = [&](int band) {
    const auto* end = model.output_bands + model.outputs;
    const auto* at = std::find(model.output_bands, end, band);
    return at == end ? -1 : static_cast<int>(at - model.output_bands);
  };
  const int r = output_of(3), g = output_of(2), b = output_of(1);
  if (r >= 0 && g >= 0 && b >= 0) after_->add_colour(y, {rows[r], rows[g], rows[b]}, {0, 0, 0}, 10000.0f, valid);
  if (truth_)
    for (int m = 0; m < model.outputs; ++m)
      truth_->add_reflectance(y, model.output_bands[m], rows[m], scene_->row(scene_->slot(model.output_bands[m]), y));
}

void Job::correct_by_unet() {
  const Model& model = chosen_.correction->model;
  const auto width = static_cast<std::size_t>(scene_->width());
  std::uint16_t* rows[kPixelNetMaxBands] = {};
  for (int m = 0; m < model.outputs; ++m) rows[m] = corrected_.data() + static_cast<std::size_t>(m) * width;
  if (nothing_valid()) {
    while (reflectance_rows_ < scene_->height()) take_corrected(reflectance_rows_, rows);
    return;
  }
  unet_corrector_->advance(parallel_, [&](int y, const float* logits, const std::uint8_t*) {
    if (y < reflectance_rows_) return;
    for (int m = 0; m < model.outputs; ++m) {
      const int slot = scene_->slot(model.output_bands[m]);
      const std::uint16_t* dn = scene_->row(slot, y);
      const float offset = scene_->add_offset(slot), quantification = scene_->quantification();
      for (std::size_t x = 0; x < width; ++x) {
        const float before = (static_cast<float>(dn[x]) + offset) / quantification;
        rows[m][x] = reflectance_to_dn(
            before - logits[x * static_cast<std::size_t>(model.outputs) + static_cast<std::size_t>(m)]);
      }
    }
    take_corrected(y, rows);
  });
}

void Job::classify() {
  const auto take = [&](int y, const std::uint8_t* classes) {
    const std::uint8_t* valid = scene_->valid_row(y);
    for (int x = 0; x < scene_->width(); ++x) {
      const std::uint8_t c = valid[x] != 0 && classes != nullptr ? classes[x] : std::uint8_t{kNoDataClass};
      classes_[static_cast<std::size_t>(x)] = c;
      ++class_pixels_[c];
    }
    before_->add_classes(y, classes_.data());
    if (truth_) truth_->add_classes(classes_.data());
    mask_->write_rows(0, classes_.data(), 1);
    ++mask_rows_;
  };
  if (nothing_valid()) {
    while (mask_rows_ < scene_->height()) take(mask_rows_, nullptr);
    return;
  }
  classifier_->advance(parallel_, [&](int y, const float*, const std::uint8_t* classes) {
    if (y >= mask_rows_) take(y, classes);
  });
}

void Job::run() {
  ProgressBar progress("rows", scene_->height(), options_.quiet);
  while (scene_->rows_read() < scene_->height()) {
    const int begin = scene_->rows_read();
    timings_.read.run([&] { read(); });
    if (pixel_net_) correct(std::max(begin, reflectance_rows_), scene_->rows_read());
    if (unet_corrector_) timings_.correct.run([&] { correct_by_unet(); });
    if (classifier_) timings_.classify.run([&] { classify(); });
    progress.at(mask_ ? mask_rows_ : reflectance_rows_);
    if (options_.resume && scene_->rows_read() < scene_->height()) stop_when_asked();
  }
  progress.at(scene_->height());
  finish();
}

void Job::finish() {
  timings_.write.run([&] {
    if (reflectance_) reflectance_->finish();
    if (mask_) mask_->finish();
    if (has_rgb_) {
      before_->write_colour(options_.folder + "/true_colour_l1c.png");
      files_.emplace_back("true_colour_l1c.png");
      if (mask_) {
        before_->write_overlay(options_.folder + "/mask_overlay.png", classes_of_mask_);
        files_.emplace_back("mask_overlay.png");
      }
      if (reflectance_) {
        after_->write_colour(options_.folder + "/true_colour_corrected.png");
        files_.emplace_back("true_colour_corrected.png");
      }
    }
  });
  files_.emplace_back("report.json");
  RunReport report = {.product = product_->info(),
                      .scene = *scene_,
                      .offset_from_option = options_.offset.has_value(),
                      .warning = warning(),
                      .weights = {},
                      .classes = classes_of_mask_,
                      .class_pixels = class_pixels_,
                      .truth = truth_.get(),
                      .seconds = {},
                      .threads = parallel_.workers,
                      .files = files_};
  for (const auto* w : {&chosen_.classification, &chosen_.correction})
    if (*w) report.weights.push_back(&**w);
  report.seconds = {.read = timings_.read.seconds(),
                    .classify = timings_.classify.seconds(),
                    .correct = timings_.correct.seconds(),
                    .write = timings_.write.seconds(),
                    .total = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count()};
  write_file(options_.folder + "/report.json", report_json(report));
  remove_stale_outputs();
  if (options_.split > 0) split_for_downlink(options_.folder, files_, options_.split);
  if (options_.resume) remove_run_state(options_.folder);
  if (!options_.quiet) print_summary(report, options_.folder);
}

// What an earlier run with other options left in the folder does not belong to this report.
void Job::remove_stale_outputs() const {
  for (const char* name :
       {"mask.tif", "mask.tif.aux.xml", "mask.qml", "mask_overlay.png", "reflectance.tif", "reflectance_10m.tif",
        "reflectance_20m.tif", "reflectance_60m.tif", "true_colour_l1c.png", "true_colour_corrected.png"})
    if (std::find(files_.begin(), files_.end(), name) == files_.end())
      std::remove((options_.folder + "/" + name).c_str());
}

std::string Job::warning() const {
  const ProductInfo& info = product_->info();
  if (!info.radiometry_known && !options_.offset && info.baseline >= "04")
    return "baseline " + info.baseline +
           " adds 1000 to the digital numbers, but nothing here says RADIO_ADD_OFFSET; "
           "see --offset";
  bool offset_applied = false;
  for (int s = 0; s < scene_->band_count(); ++s) offset_applied = offset_applied || scene_->add_offset(s) != 0.0f;
  return radiometry_.warning(offset_applied);
}

}  // namespace

namespace {

void run_job(const RunOptions& options, const Parallel& parallel, int band, std::size_t& needed) {
  std::unique_ptr<Job> job;
  try {
    job = std::make_unique<Job>(options, parallel, band, false);
  } catch (const StateRefused& refused) {
    std::fprintf(stderr, "dtacs: starting afresh: %s\n", refused.what());
    remove_run_state(options.folder);
    job = std::make_unique<Job>(options, parallel, band, true);
  }
  needed = job->memory();
  if (options.max_memory == 0 || needed <= options.max_memory) job->run();
}

}  // namespace

void run(const RunOptions& options) {
  // More than a few per core only wait for each other, and the system may not give them.
  const int most = options.threads > 0 ? std::min(options.threads, 4 * available_threads()) : available_threads();
  if (options.resume) note_signals(true);
  // Under a memory cap: lower bands first, they cost a few percent; then fewer threads.
  std::size_t least = 0;
  try {
    for (int threads = most; threads >= 1; threads = threads == 1 ? 0 : (threads + 1) / 2)
      for (const int band : {0, 16, 8, 4, 2}) {
        std::size_t needed = 0;
        with_threads(threads, [&](const Parallel& parallel) { run_job(options, parallel, band, needed); });
        if (options.max_memory == 0 || needed <= options.max_memory) return;
        least = least == 0 ? needed : std::min(least, needed);
      }
  } catch (const Failure& f) {
    const bool stopped = f.exit() == Exit::interrupted || f.exit() == Exit::time_budget;
    if (options.resume && !stopped) remove_run_state(options.folder);
    throw;
  }
  throw Failure(Exit::memory_cap, options.product + ": needs " + std::to_string(least) +
                                      " bytes of memory at the least, " + std::to_string(options.max_memory) +
                                      " are allowed");
}

}  // namespace dtacs
