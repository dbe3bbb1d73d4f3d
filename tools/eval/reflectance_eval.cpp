// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "io/host/failure.h"
#include "io/host/openmp.h"
#include "tools/eval/eval.h"
#include "tools/eval/layers.h"
#include "tools/eval/patches.h"
#include "tools/run/run.h"

namespace dtacs {

namespace {

// A folder for what only this comparison needs.
class ScratchFolder {
 public:
  ScratchFolder() {
    path_ = (std::filesystem::temp_directory_path() / "dtacs-eval-XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr)
      throw Failure(Exit::cannot_create,
                    path_ + ": cannot create this folder for corrected bands: " + std::strerror(errno));
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Nothing where it is no product.
std::unique_ptr<Product> product_at(const std::string& path, const ProductHints& hints) {
  try {
    return open_product(path, hints);
  } catch (const Failure& f) {
    if (f.exit() != Exit::missing_input && f.exit() != Exit::unsupported) throw;
    return nullptr;
  }
}

const RasterLayer* layer_of(const std::vector<RasterLayer>& layers, int band) {
  const auto at = std::find_if(layers.begin(), layers.end(), [&](const RasterLayer& l) { return l.band == band; });
  return at == layers.end() ? nullptr : &*at;
}

class Comparison {
 public:
  Comparison(const ReflectanceEvalOptions& options, const Parallel& parallel, ReflectanceResult& result)
      : options_(options), parallel_(parallel), result_(result) {}

  // corrected: a folder by the number of each of the options' weights, see correct().
  void add(const EvalPair& pair, const std::string& corrected);

 private:
  void open_methods(const EvalPair& pair, const std::string& corrected);
  void compare(int band, const Frame& frame, const RasterLayer& truth, const RasterLayer* mask,
               const std::vector<const RasterLayer*>& methods, BandScores* scores);

  const ReflectanceEvalOptions& options_;
  const Parallel& parallel_;
  ReflectanceResult& result_;
  std::vector<std::vector<RasterLayer>> methods_;  // in the order of result_
};

std::string folder_of(const std::string& corrected, std::size_t weights) {
  return corrected + "/" + std::to_string(weights);
}

// The pair's L1C product by each of the options' weights.
void correct(const ReflectanceEvalOptions& options, const EvalPair& pair, const std::string& corrected) {
  if (pair.toa.empty() && !options.weights.empty())
    throw Failure(Exit::usage, "--weights corrects an L1C product; give it with --toa PRODUCT");
  for (std::size_t i = 0; i < options.weights.size(); ++i) {
    RunOptions o;
    o.product = pair.toa;
    o.folder = folder_of(corrected, i);
    o.weights = {options.weights[i]};
    o.mask = false;
    o.stack = true;
    o.offset = options.toa_offset;
    o.hints.bands = options.bands;
    o.threads = options.threads;
    o.isa = detect_isa();
    o.quiet = true;
    run(o);
  }
}

void Comparison::open_methods(const EvalPair& pair, const std::string& corrected) {
  methods_ = {
      open_reflectance(pair.found, {.bands = options_.bands, .offset = options_.found_offset, .parallel = parallel_})};
  if (pair.toa.empty()) return;
  if (std::shared_ptr<const Product> product = product_at(pair.toa, {.bands = options_.bands}))
    methods_.push_back(open_product_layers(product, options_.toa_offset, parallel_));
  else
    methods_.push_back(
        open_reflectance(pair.toa, {.bands = options_.bands, .offset = options_.toa_offset, .parallel = parallel_}));
  for (std::size_t i = 0; i < options_.weights.size(); ++i)
    methods_.push_back(open_reflectance(folder_of(corrected, i) + "/reflectance.tif",
                                        {.bands = {}, .offset = {}, .parallel = parallel_}));
}

void Comparison::add(const EvalPair& pair, const std::string& corrected) {
  open_methods(pair, corrected);
  // Open files are read without their names, and go even where a signal ends the comparison.
  std::error_code ignored;
  std::filesystem::remove_all(corrected, ignored);
  const std::vector<RasterLayer> truth =
      open_reflectance(pair.truth, {.bands = options_.bands, .offset = options_.truth_offset, .parallel = parallel_});
  std::optional<RasterLayer> mask;
  if (!pair.mask.empty()) mask = open_mask(pair.mask, parallel_);
  if (methods_.size() != result_.size())
    throw Failure(Exit::usage, pair.found + ": every image needs its L1C product, or none may have one");

  std::vector<int> bands;
  std::vector<const RasterLayer*> all;
  if (mask) all.push_back(&*mask);
  for (int band = 0; band < kBandCount; ++band) {
    const auto has = [&](const std::vector<RasterLayer>& layers) { return layer_of(layers, band) != nullptr; };
    const auto& wanted = options_.bands;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), band) == wanted.end()) continue;
    if (!has(truth) || !std::all_of(methods_.begin(), methods_.end(), has)) continue;
    bands.push_back(band);
    all.push_back(layer_of(truth, band));
    for (const auto& layers : methods_) all.push_back(layer_of(layers, band));
  }
  if (bands.empty()) throw Failure(Exit::bad_data, pair.found + ": it has no band in common with " + pair.truth);
  const Frame frame(all);
  BandScores none;
  none.fill(error_scores({}));
  std::vector<BandScores> scores(methods_.size(), none);
  for (const int band : bands) {
    std::vector<const RasterLayer*> methods;
    for (const auto& layers : methods_) methods.push_back(layer_of(layers, band));
    compare(band, frame, *layer_of(truth, band), mask ? &*mask : nullptr, methods, scores.data());
  }
  for (std::size_t m = 0; m < scores.size(); ++m) result_[m].images.push_back(scores[m]);
}

// The same pixels for all methods: those where every one of them and the truth have data.
void Comparison::compare(int band, const Frame& frame, const RasterLayer& truth, const RasterLayer* mask,
                         const std::vector<const RasterLayer*>& methods, BandScores* scores) {
  const auto b = static_cast<std::size_t>(band);
  FrameRows truth_rows(frame, truth);
  std::vector<FrameRows> rows;
  for (const RasterLayer* l : methods) rows.emplace_back(frame, *l);
  std::optional<FrameRows> mask_rows;
  if (mask != nullptr) mask_rows.emplace(frame, *mask);
  const std::vector<int> patch_x = patch_of_pixel(frame.width(), options_.patch),
                         patch_y = patch_of_pixel(frame.height(), options_.patch);
  const std::size_t across = static_cast<std::size_t>(patch_x.back()) + 1;
  std::vector<ErrorSums> patches(across * methods.size());
  std::vector<ReflectanceErrors> image(methods.size());
  std::vector<const float*> line(methods.size());
  const ClassMap classes = options_.mask_map.without(mask != nullptr ? mask->no_data : std::nullopt);
  unsigned counted = 0;
  for (const int c : options_.classes) counted |= 1u << c;
  for (int y = 0; y < frame.height(); ++y) {
    const float* t = truth_rows.next();
    const float* codes = mask_rows ? mask_rows->next() : nullptr;
    for (std::size_t m = 0; m < rows.size(); ++m) line[m] = rows[m].next();
    for (int x = 0; x < frame.width(); ++x) {
      bool data = truth.is_data(t[x]);
      for (std::size_t m = 0; m < rows.size(); ++m) data = data && methods[m]->is_data(line[m][x]);
      const std::uint8_t c = codes != nullptr ? classes[codes[x]] : std::uint8_t{0};
      if (!data || c == kIgnored) continue;
      const double is = static_cast<double>(t[x]) * truth.scale + truth.offset;
      const bool counts = codes == nullptr || (counted >> c & 1u) != 0;
      for (std::size_t m = 0; m < rows.size(); ++m) {
        const double said = static_cast<double>(line[m][x]) * methods[m]->scale + methods[m]->offset;
        if (codes != nullptr) result_[m].by_class[b][c].add(said, is);
        if (!counts) continue;
        image[m].add(said, is);
        patches[m * across + static_cast<std::size_t>(patch_x[static_cast<std::size_t>(x)])].add(said, is);
      }
    }
    const auto i = static_cast<std::size_t>(y);
    if (y + 1 < frame.height() && patch_y[i + 1] == patch_y[i]) continue;
    for (std::size_t p = 0; p < patches.size(); ++p) {
      if (patches[p].count > 0) result_[p / across].patch_rmse[b].push_back(patches[p].rmse());
      patches[p] = {};
    }
  }
  for (std::size_t m = 0; m < methods.size(); ++m) {
    scores[m][b] = error_scores(image[m]);
    result_[m].pooled[b] += image[m];
  }
}

std::vector<double> values_of(const MethodResult& m, std::size_t band, double ErrorScores::*what) {
  std::vector<double> values;
  for (const BandScores& s : m.images)
    if (s[band].pixels > 0) values.push_back(s[band].*what);
  return values;
}

// The RMSE of an image over its bands.
std::vector<double> mean_rmse(const MethodResult& m) {
  std::vector<double> values;
  for (const BandScores& s : m.images) {
    double sum = 0;
    int bands = 0;
    for (const ErrorScores& e : s)
      if (e.pixels > 0) {
        sum += e.rmse;
        ++bands;
      }
    if (bands > 0) values.push_back(sum / bands);
  }
  return values;
}

template <class F>
void write_bands(JsonWriter& j, const MethodResult& m, F&& write) {
  j.begin_object();
  for (std::size_t b = 0; b < kBandCount; ++b) {
    if (m.pooled[b].sums().count == 0) continue;
    j.key(kBandNames[b]);
    write(b);
  }
  j.end();
}

}  // namespace

ReflectanceResult eval_reflectance(const ReflectanceEvalOptions& options) {
  ReflectanceResult result(1);
  result[0].name = "found";
  if (!options.pairs.empty() && !options.pairs[0].toa.empty()) {
    result.emplace_back().name = "no correction";
    for (const std::string& w : options.weights) {
      const std::string stem = std::filesystem::path(w).stem().string();
      const bool taken =
          std::any_of(result.begin(), result.end(), [&](const MethodResult& m) { return m.name == stem; });
      result.emplace_back().name = taken ? w : stem;
    }
  }
  for (const EvalPair& pair : options.pairs) {
    const ScratchFolder scratch;
    correct(options, pair, scratch.path());
    with_threads(options.threads > 0 ? options.threads : available_threads(),
                 [&](const Parallel& parallel) { Comparison(options, parallel, result).add(pair, scratch.path()); });
  }
  const auto counts = [](const ReflectanceErrors& e) { return e.sums().count > 0; };
  const bool any = std::any_of(result[0].pooled.begin(), result[0].pooled.end(), counts) ||
                   std::any_of(result[0].by_class.begin(), result[0].by_class.end(), [&](const auto& classes) {
                     return std::any_of(classes.begin(), classes.end(), counts);
                   });
  if (!options.pairs.empty() && !any)
    throw Failure(Exit::bad_data, options.pairs[0].found + ", " + options.pairs[0].truth +
                                      ": no pixel counts: none has data in both and a class of the mask");
  return result;
}

std::string reflectance_json(const ReflectanceEvalOptions& options, const ReflectanceResult& result) {
  const bool masked =
      std::any_of(options.pairs.begin(), options.pairs.end(), [](const EvalPair& p) { return !p.mask.empty(); });
  JsonWriter j;
  j.begin_object();
  j.member("compared", "reflectance");
  j.member("patch", options.patch);
  if (masked) {
    j.key("classes").begin_array();
    for (const int c : options.classes) j.value(c);
    j.end();
  }
  j.key("methods").begin_object();
  for (const MethodResult& m : result) {
    j.key(m.name).begin_object();
    write_bands(j.key("pooled"), m, [&](std::size_t b) {
      j.begin_object();
      write_errors(j, error_scores(m.pooled[b]));
      j.end();
    });
    write_bands(j.key("rmse_over_images"), m,
                [&](std::size_t b) { write_spread(j, spread(values_of(m, b, &ErrorScores::rmse))); });
    write_bands(j.key("rmse_over_patches"), m, [&](std::size_t b) { write_spread(j, spread(m.patch_rmse[b])); });
    write_spread(j.key("mean_rmse_of_bands_over_images"), spread(mean_rmse(m)));
    if (masked) {
      j.key("by_class").begin_object();
      for (std::size_t c = 0; c < kClassCount; ++c) {
        write_bands(j.key(kSingleClasses[c].name), m, [&](std::size_t b) {
          j.begin_object();
          write_errors(j, error_scores(m.by_class[b][c]));
          j.end();
        });
      }
      j.end();
    }
    j.key("images").begin_array();
    for (const BandScores& image : m.images)
      write_bands(j, m, [&](std::size_t b) {
        j.begin_object();
        write_errors(j, image[b]);
        j.end();
      });
    j.end();
    j.end();
  }
  j.end();
  j.key("images").begin_array();
  for (const EvalPair& p : options.pairs) {
    j.begin_object();
    j.member("found", p.found);
    j.member("truth", p.truth);
    if (!p.mask.empty()) j.member("mask", p.mask);
    if (!p.toa.empty()) j.member("toa", p.toa);
    j.end();
  }
  j.end();
  j.end();
  return j.text();
}

void print_reflectance(const ReflectanceEvalOptions& options, const ReflectanceResult& result) {
  const MethodResult& found = result[0];
  std::printf("reflectance against the truth, all pixels that count\n  %-5s %11s %8s %9s %8s %8s %8s %7s %8s\n", "band",
              "pixels", "RMSE", "bias", "std", "mean|e|", "med|e|", "R2", "in spec");
  for (std::size_t b = 0; b < kBandCount; ++b) {
    const ErrorScores s = error_scores(found.pooled[b]);
    if (s.pixels == 0) continue;
    char r2[32] = "-";
    if (!std::isnan(s.r2)) std::snprintf(r2, sizeof r2, "%.3f", s.r2);
    std::printf("  %-5s %11lld %8.4f %+9.4f %8.4f %8.4f %8.4f %7s %7.1f%%\n", kBandNames[b],
                static_cast<long long>(s.pixels), s.rmse, s.bias, s.deviation, s.mean_absolute, s.median_absolute, r2,
                100 * s.within);
  }
  std::printf("\nRMSE, mean over %zu image%s\n  %-5s", options.pairs.size(), options.pairs.size() == 1 ? "" : "s",
              "band");
  for (const MethodResult& m : result) std::printf(" %20s", m.name.substr(0, 20).c_str());
  std::printf("\n");
  for (std::size_t b = 0; b < kBandCount; ++b) {
    if (found.pooled[b].sums().count == 0) continue;
    std::printf("  %-5s", kBandNames[b]);
    for (const MethodResult& m : result) std::printf(" %20.4f", spread(values_of(m, b, &ErrorScores::rmse)).mean);
    std::printf("\n");
  }
  std::printf("  %-5s", "mean");
  for (const MethodResult& m : result) std::printf(" %20.4f", spread(mean_rmse(m)).mean);
  std::printf("\n");
}

}  // namespace dtacs
