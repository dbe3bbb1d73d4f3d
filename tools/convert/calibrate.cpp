// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/calibrate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "io/host/failure.h"
#include "io/host/openmp.h"
#include "io/host/product.h"
#include "tools/run/chosen_weights.h"
#include "tools/run/unet_stage.h"

namespace dtacs {

namespace {

constexpr int kChunk = 48;
constexpr int kBins = 2048;

// A scene that the weights fit, as `dtacs run` says.
struct OpenScene {
  OpenScene(const std::string& path, const LoadedWeights& weights, const Parallel& parallel)
      : product(open_product(path, {})), scene(*product, options(product->info(), weights, parallel)) {}
  static SceneOptions options(const ProductInfo& info, const LoadedWeights& weights, const Parallel& parallel) {
    SceneOptions o;
    o.bands = bands_to_read(info, {.classification = weights, .correction = {}});
    o.parallel = parallel;
    return o;
  }

  std::unique_ptr<Product> product;
  Scene scene;
};

// What the channels of one tensor held.
struct Watch {
  std::vector<float> lo, hi;
  std::vector<double> sum;
  std::vector<std::uint64_t> bins;  // (channels, kBins) of |value| up to the largest
  double count = 0;

  explicit Watch(int channels) {
    const auto n = static_cast<std::size_t>(channels);
    lo.assign(n, 0.0f);
    hi.assign(n, 0.0f);
    sum.assign(n, 0.0);
    bins.assign(n * kBins, 0);
  }
  void measure(const float* row, int width) {
    const std::size_t n = lo.size();
    for (int x = 0; x < width; ++x, row += n)
      for (std::size_t c = 0; c < n; ++c) {
        lo[c] = std::min(lo[c], row[c]);
        hi[c] = std::max(hi[c], row[c]);
        sum[c] += static_cast<double>(row[c]);
      }
    count += width;
  }
  // A value that is infinite or not a number makes the sum one; finite floats do not get it there.
  bool finite() const {
    return std::all_of(sum.begin(), sum.end(), [](double s) { return std::isfinite(s); });
  }
  float most(std::size_t c) const { return std::max({hi[c], -lo[c], 1e-30f}); }
  void sort(const float* row, int width) {
    const std::size_t n = lo.size();
    std::vector<float> scale(n);
    for (std::size_t c = 0; c < n; ++c) scale[c] = static_cast<float>(kBins) / most(c);
    for (int x = 0; x < width; ++x, row += n)
      for (std::size_t c = 0; c < n; ++c) {
        const float bin = std::min(static_cast<float>(kBins - 1), std::fabs(row[c]) * scale[c]);
        ++bins[c * kBins + static_cast<std::size_t>(bin)];
      }
  }
  // The range's end in bins.
  int choose(std::size_t c, RangeRule rule, double steps) const {
    const std::uint64_t* b = bins.data() + c * kBins;
    if (rule == RangeRule::largest) return kBins;
    if (rule == RangeRule::percentile) {
      double above = 0;
      for (int end = kBins; end > 1; --end) {
        above += static_cast<double>(b[end - 1]);
        if (above > 1e-4 * count) return end;
      }
      return 1;
    }
    int best = kBins;
    double least = -1;
    for (int end = kBins; end >= kBins / 16; end -= kBins / 128) {
      double error = count * (end / steps) * (end / steps) / 12;
      for (int i = end; i < kBins; ++i) error += static_cast<double>(b[i]) * (i + 0.5 - end) * (i + 0.5 - end);
      if (least >= 0 && error >= least) continue;
      least = error;
      best = end;
    }
    return best;
  }
};

}  // namespace

std::vector<TensorRanges> calibrate(const LoadedWeights& weights, const std::vector<std::string>& scenes,
                                    RangeRule rule) {
  const Net net = unet_of(weights.model);
  std::vector<Watch> watches;
  for (int t = 0; t < net.tensor_count; ++t) watches.emplace_back(net.tensors[t].channels);
  with_threads(available_threads(), [&](const Parallel& parallel) {
    for (int pass = 0; pass < 2; ++pass)
      for (const std::string& path : scenes) {
        OpenScene open(path, weights, parallel);
        auto stage = UnetStage::to_look_into(weights.name, weights.weights, weights.model, open.scene, detect_isa(),
                                             parallel.workers);
        open.scene.keep(stage.wanted_rows() + kChunk, stage.history() + kChunk);
        open.scene.prepare();
        while (open.scene.rows_read() < open.scene.height()) {
          open.scene.read(kChunk);
          while (stage.can_step()) {
            stage.step(parallel);
            const StreamPlan& plan = stage.stream_plan();
            parallel.for_each(net.tensor_count, [&](int t, int) noexcept {
              Watch& watch = watches[static_cast<std::size_t>(t)];
              const int width = plan.options().width >> net.tensors[t].shift;
              for (int y = plan.made(t).begin; y < plan.made(t).end; ++y)
                pass == 0 ? watch.measure(plan.row(t, y), width) : watch.sort(plan.row(t, y), width);
            });
          }
        }
        for (int i = 0; pass == 0 && i < net.layer_count; ++i)
          if (const Layer& l = net.layers[i]; !watches[static_cast<std::size_t>(l.out)].finite())
            throw Failure(Exit::bad_weights, weights.name + ": layer " + l.key.text +
                                                 " computes values that are infinite or not a number from " + path);
      }
  });

  std::vector<TensorRanges> ranges(watches.size());
  for (std::size_t t = 0; t < watches.size(); ++t) {
    const Watch& w = watches[t];
    if (w.count == 0) throw Failure(Exit::bad_data, "the calibration scenes hold no valid pixel");
    for (std::size_t c = 0; c < w.lo.size(); ++c) {
      const bool linear = w.lo[c] < 0;
      const float end = w.most(c) * static_cast<float>(w.choose(c, rule, linear ? 127 : 255)) / kBins;
      ranges[t].push_back({.lo = std::max(w.lo[c], -end), .hi = std::min(w.hi[c], end), .mean = w.sum[c] / w.count});
    }
  }
  return ranges;
}

namespace {

// A network's tensors as float32, whatever its precision.
class Reader {
 public:
  Reader(const LoadedWeights& weights, UnetStage& stage) : int8_(weights.model.int8), stage_(stage) {
    if (!int8_) return;
    const Net& net = stage.int8_plan().net();
    units_.resize(static_cast<std::size_t>(net.tensor_count));
    for (int i = 0; i < net.layer_count; ++i) {
      const Layer& l = net.layers[i];
      const TensorView view = weights.weights.find(std::string(l.key.text) + ".s");
      auto& u = units_[static_cast<std::size_t>(l.out)];
      u.resize(static_cast<std::size_t>(net.tensors[l.out].channels));
      if (view.rank != 1 || view.count() != u.size() || view.dtype != DType::f32)
        throw Failure(Exit::bad_weights,
                      weights.name + ": tensor " + l.key.text + ".s is missing or of the wrong shape");
      view.to_f32(u.data());
    }
  }
  void read(const Layer& l, int y, int width, std::vector<float>& values) const {
    const std::size_t channels = static_cast<std::size_t>(
        (int8_ ? stage_.int8_plan().net() : stage_.stream_plan().net()).tensors[l.out].channels);
    values.resize(static_cast<std::size_t>(width) * channels);
    if (!int8_) {
      std::copy_n(stage_.stream_plan().row(l.out, y), values.size(), values.data());
      return;
    }
    const std::uint8_t* row = stage_.int8_plan().bytes_row(l.out, y);
    const int zero = l.act == Act::none ? 128 : 0;
    const auto& unit = units_[static_cast<std::size_t>(l.out)];
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(row[i] - zero) * unit[i % channels];
  }
  const std::uint8_t* classes(int y) const {
    return int8_ ? stage_.int8_plan().classes_row(y) : stage_.stream_plan().classes_row(y);
  }

 private:
  bool int8_;
  UnetStage& stage_;
  std::vector<std::vector<float>> units_;
};

}  // namespace

double compare_weights(const std::string& first, const std::string& second, const std::vector<std::string>& scenes) {
  const LoadedWeights a = load_weights(first), b = load_weights(second);
  if (!a.model.classifies() || !b.model.classifies() || a.model.inputs != b.model.inputs ||
      a.model.outputs != b.model.outputs ||
      !std::equal(a.model.input_bands, a.model.input_bands + a.model.inputs, b.model.input_bands))
    throw Failure(Exit::usage, first + " and " + second + " are no two versions of one classification network");
  const Net net = unet_of(a.model);
  struct Distance {
    double error = 0, power = 0;
  };
  std::vector<Distance> distances(static_cast<std::size_t>(net.layer_count));
  std::int64_t pixels = 0, same = 0;
  with_threads(available_threads(), [&](const Parallel& parallel) {
    for (const std::string& path : scenes) {
      OpenScene open(path, a, parallel);
      Scene& scene = open.scene;
      static_cast<void>(OpenScene::options(open.product->info(), b, parallel));  // whether it fits these too
      auto one = UnetStage::to_look_into(a.name, a.weights, a.model, scene, detect_isa(), parallel.workers);
      auto two = UnetStage::to_look_into(b.name, b.weights, b.model, scene, detect_isa(), parallel.workers);
      const Reader in_one(a, one), in_two(b, two);
      scene.keep(one.wanted_rows() + kChunk, std::max(one.history(), two.history()) + kChunk);
      scene.prepare();
      const Padding rows = padding_for(scene.height()), columns = padding_for(scene.width());
      const int width = padded_size(scene.width());
      std::int64_t of_scene = 0, same_of_scene = 0;
      while (scene.rows_read() < scene.height()) {
        scene.read(kChunk);
        while (one.can_step()) {
          one.step(parallel);
          two.step(parallel);
          const auto made = [&](int t) { return a.model.int8 ? one.int8_plan().made(t) : one.stream_plan().made(t); };
          parallel.for_each(net.layer_count - 1, [&](int i, int) noexcept {
            const Layer& l = net.layers[i];
            std::vector<float> x, y;
            Distance& d = distances[static_cast<std::size_t>(i)];
            for (int r = made(l.out).begin; r < made(l.out).end; ++r) {
              in_one.read(l, r, width >> net.tensors[l.out].shift, x);
              in_two.read(l, r, width >> net.tensors[l.out].shift, y);
              for (std::size_t k = 0; k < x.size(); ++k) {
                const double u = static_cast<double>(x[k]), v = static_cast<double>(y[k]);
                d.error += (u - v) * (u - v);
                d.power += u * u;
              }
            }
          });
          const RowRange done = made(net.layers[net.layer_count - 1].out);
          for (int y = done.begin; y < done.end; ++y) {
            const int scene_y = y - rows.before;
            if (scene_y < 0 || scene_y >= scene.height()) continue;
            const std::uint8_t* valid = scene.valid_row(scene_y);
            const std::uint8_t *p = in_one.classes(y) + columns.before, *q = in_two.classes(y) + columns.before;
            for (int x = 0; x < scene.width(); ++x) {
              of_scene += valid[x] != 0;
              same_of_scene += valid[x] != 0 && p[x] == q[x];
            }
          }
        }
      }
      std::printf("%s: %.3f %% of %lld pixels in the same class\n", path.c_str(),
                  of_scene > 0 ? 100.0 * static_cast<double>(same_of_scene) / static_cast<double>(of_scene) : 0.0,
                  static_cast<long long>(of_scene));
      pixels += of_scene;
      same += same_of_scene;
    }
  });
  for (int i = 0; i + 1 < net.layer_count; ++i) {
    const Distance& d = distances[static_cast<std::size_t>(i)];
    std::printf("%-8s %.4f\n", net.layers[i].key.text, std::sqrt(d.error / std::max(d.power, 1e-30)));
  }
  const double share = pixels > 0 ? static_cast<double>(same) / static_cast<double>(pixels) : 0.0;
  std::printf("all: %.3f %% of %lld pixels in the same class\n", 100.0 * share, static_cast<long long>(pixels));
  return share;
}

}  // namespace dtacs
