// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <functional>

#include "io/host/failure.h"
#include "io/host/openmp.h"
#include "tools/eval/eval.h"
#include "tools/eval/layers.h"
#include "tools/eval/patches.h"

namespace dtacs {

namespace {

// True classes row after row, with those left out (kIgnored) that lie within `tolerance`
// pixels of another class, diagonally too.
class TruthRows {
 public:
  TruthRows(FrameRows rows, const ClassMap& map, const Frame& frame, int tolerance)
      : rows_(std::move(rows)), map_(map), width_(frame.width()), height_(frame.height()), tolerance_(tolerance) {
    ring_.resize(static_cast<std::size_t>(2 * tolerance + 1));
    for (Row& r : ring_) r.classes.resize(static_cast<std::size_t>(width_));
    out_.resize(static_cast<std::size_t>(width_));
  }

  const std::uint8_t* next() {
    while (read_ < height_ && read_ <= y_ + tolerance_) read();
    const std::vector<std::uint8_t>& own = row(y_).classes;
    out_ = own;
    for (int x = 0; tolerance_ > 0 && x < width_; ++x) {
      const auto i = static_cast<std::size_t>(x);
      unsigned near = 0;
      for (int y = std::max(0, y_ - tolerance_); y <= std::min(height_ - 1, y_ + tolerance_); ++y)
        near |= row(y).near[i];
      if ((near & (near - 1)) != 0) out_[i] = kIgnored;
    }
    ++y_;
    return out_.data();
  }

 private:
  struct Row {
    std::vector<std::uint8_t> classes;
    std::vector<std::uint8_t> near;  // a bit for each class within the tolerance along the row
  };
  Row& row(int y) { return ring_[static_cast<std::size_t>(y) % ring_.size()]; }

  void read() {
    const float* codes = rows_.next();
    Row& r = row(read_++);
    for (int x = 0; x < width_; ++x) r.classes[static_cast<std::size_t>(x)] = map_[codes[x]];
    if (tolerance_ == 0) return;
    r.near.assign(static_cast<std::size_t>(width_), 0);
    for (int x = 0; x < width_; ++x) {
      const std::uint8_t c = r.classes[static_cast<std::size_t>(x)];
      if (c == kIgnored) continue;
      for (int n = std::max(0, x - tolerance_); n <= std::min(width_ - 1, x + tolerance_); ++n)
        r.near[static_cast<std::size_t>(n)] |= static_cast<std::uint8_t>(1u << c);
    }
  }

  FrameRows rows_;
  const ClassMap& map_;
  int width_, height_, tolerance_, read_ = 0, y_ = 0;
  std::vector<Row> ring_;
  std::vector<std::uint8_t> out_;
};

void add_image(const EvalPair& pair, const MaskEvalOptions& options, const Parallel& parallel, MaskResult& result) {
  const RasterLayer found = open_mask(pair.found, parallel), truth = open_mask(pair.truth, parallel);
  const ClassMap found_map = options.found_map.without(found.no_data),
                 truth_map = options.truth_map.without(truth.no_data);
  const Frame frame({&found, &truth});
  FrameRows found_rows(frame, found);
  TruthRows truth_rows(FrameRows(frame, truth), truth_map, frame, options.tolerance);
  const std::vector<int> patch_x = patch_of_pixel(frame.width(), options.patch),
                         patch_y = patch_of_pixel(frame.height(), options.patch);
  std::vector<Confusion> patches(static_cast<std::size_t>(patch_x.back()) + 1);
  Confusion image;
  for (int y = 0; y < frame.height(); ++y) {
    const float* f = found_rows.next();
    const std::uint8_t* t = truth_rows.next();
    for (int x = 0; x < frame.width(); ++x)
      patches[static_cast<std::size_t>(patch_x[static_cast<std::size_t>(x)])].add(t[x], found_map[f[x]]);
    const auto i = static_cast<std::size_t>(y);
    if (y + 1 < frame.height() && patch_y[i + 1] == patch_y[i]) continue;
    for (Confusion& c : patches) {
      image += c;
      if (c.pixels() > 0) result.patches.push_back(c);
      c = {};
    }
  }
  result.images.push_back(image);
  result.pooled += image;
}

struct Measure {
  const char* name;
  double ClassScores::*value;
  bool perfect_without_positives;
};
constexpr Measure kMeasures[] = {{"producers_accuracy", &ClassScores::producers, false},
                                 {"users_accuracy", &ClassScores::users, false},
                                 {"f1", &ClassScores::f1, true},
                                 {"f2", &ClassScores::f2, true},
                                 {"iou", &ClassScores::iou, true},
                                 {"balanced_accuracy", &ClassScores::boa, false}};

Spread spread_of(const std::vector<Confusion>& parts, unsigned classes, const Measure& m, bool with_positives) {
  std::vector<double> values;
  for (const Confusion& c : parts) {
    const ClassScores s = class_scores(c, classes);
    if (with_positives && s.tp + s.fn == 0) continue;
    const bool perfect = m.perfect_without_positives && s.tp + s.fn + s.fp == 0;
    values.push_back(perfect ? 1.0 : s.*m.value);
  }
  return spread(std::move(values));
}

void write_distribution(JsonWriter& j, const std::vector<Confusion>& parts) {
  j.begin_object();
  j.member("count", parts.size());
  for (const ClassGroup& g : kGroups) {
    j.key(g.name).begin_object();
    for (const Measure& m : kMeasures) write_spread(j.key(m.name), spread_of(parts, g.classes, m, false));
    j.key("with_positives").begin_object();
    for (const Measure& m : kMeasures) write_spread(j.key(m.name), spread_of(parts, g.classes, m, true));
    j.end();
    j.end();
  }
  j.end();
}

}  // namespace

MaskResult eval_masks(const MaskEvalOptions& options) {
  MaskResult result;
  with_threads(options.threads > 0 ? options.threads : available_threads(), [&](const Parallel& parallel) {
    for (const EvalPair& pair : options.pairs) add_image(pair, options, parallel, result);
  });
  if (!options.pairs.empty() && result.pooled.pixels() == 0)
    throw Failure(Exit::bad_data, options.pairs[0].found + ", " + options.pairs[0].truth +
                                      ": no pixel counts: none has data and a code of the maps in both");
  return result;
}

std::string mask_json(const MaskEvalOptions& options, const MaskResult& result) {
  JsonWriter j;
  j.begin_object();
  j.member("compared", "mask");
  j.member("tolerance", options.tolerance);
  j.member("patch", options.patch);
  j.key("pooled").begin_object();
  write_mask_scores(j, result.pooled);
  j.end();
  write_distribution(j.key("patches"), result.patches);
  write_distribution(j.key("over_images"), result.images);
  j.key("images").begin_array();
  for (std::size_t i = 0; i < result.images.size(); ++i) {
    j.begin_object();
    j.member("found", options.pairs[i].found);
    j.member("truth", options.pairs[i].truth);
    write_mask_scores(j, result.images[i]);
    j.end();
  }
  j.end();
  j.end();
  return j.text();
}

void print_masks(const MaskEvalOptions& options, const MaskResult& result) {
  print_mask_scores(result.pooled);
  const auto print = [](const char* what, const std::vector<Confusion>& parts) {
    std::printf("\n%zu %s: median (quartiles)\n  %-14s %22s %22s %22s\n", parts.size(), what, "", "F1", "F2", "BOA");
    for (const ClassGroup& g : kGroups) {
      std::printf("  %-14s", g.name);
      for (const int m : {2, 3, 5}) {
        const Spread s = spread_of(parts, g.classes, kMeasures[m], false);
        if (s.count == 0)
          std::printf(" %22s", "-");
        else
          std::printf("   %6.3f (%.3f-%.3f)", s.median, s.q25, s.q75);
      }
      std::printf("\n");
    }
  };
  print(("patches of about " + std::to_string(options.patch) + " pixels").c_str(), result.patches);
  if (result.images.size() > 1) print("images", result.images);
}

}  // namespace dtacs
