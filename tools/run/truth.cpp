// SPDX-License-Identifier: Apache-2.0
#include "tools/run/truth.h"

#include <cmath>
#include <cstdio>
#include <filesystem>

#include "io/host/failure.h"
#include "io/host/jp2_band.h"

namespace dtacs {

namespace {

// A fraction, or 0 of nothing.
double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0.0;
}

struct Scores {
  double producers = 0, users = 0, f1 = 0, f2 = 0;  // recall, precision
};

// Scores of the classes in `positive` (a bit per class) against the rest.
Scores scores(const std::int64_t (&confusion)[4][4], unsigned positive) {
  double hit = 0, truth = 0, found = 0;
  for (unsigned t = 0; t < 4; ++t)
    for (unsigned f = 0; f < 4; ++f) {
      const auto n = static_cast<double>(confusion[t][f]);
      const bool is = (positive >> t & 1u) != 0, said = (positive >> f & 1u) != 0;
      if (is) truth += n;
      if (said) found += n;
      if (is && said) hit += n;
    }
  Scores s;
  s.producers = ratio(hit, truth);
  s.users = ratio(hit, found);
  s.f1 = ratio(2 * s.producers * s.users, s.producers + s.users);
  s.f2 = ratio(5 * s.producers * s.users, s.producers + 4 * s.users);
  return s;
}

constexpr struct {
  const char* name;
  unsigned classes;
} kGroups[] = {{"cloud", 0b0110u}, {"cloud shadow", 0b1000u}, {"invalid", 0b1110u}};

}  // namespace

Truth::Truth(const std::string& folder, const Scene& scene, const Rect& window, const Parallel& parallel)
    : scene_(scene) {
  const auto open = [&](const std::string& file, const PixelWindow& part, Source& source) {
    const std::string path = folder + "/" + file;
    if (!std::filesystem::exists(path)) return false;
    source.reader = std::make_unique<Jp2Band>(path, BandOptions{.window = part, .parallel = parallel});
    source.line.resize(static_cast<std::size_t>(part.width));
    return true;
  };
  for (Source* mask : {&mask_, &clear_mask_})
    open("mask.jp2", {window.x, window.y, scene.width(), scene.height()}, *mask);
  for (int band = 0; band < kBandCount; ++band) {
    const int slot = scene.slot(band);
    Source source;
    if (slot >= 0 && open(std::string(kBandNames[band]) + ".jp2", scene.native_window(slot), source))
      bands_.emplace(band, std::move(source));
  }
  if (!mask_.reader && bands_.empty()) throw Failure(Exit::missing_input, folder + ": no mask.jp2 and no band in it");
}

void Truth::add_classes(const std::uint8_t* classes) {
  if (!mask_.reader) return;
  mask_.reader->read_rows(1, mask_.line.data(), scene_.width());
  for (int x = 0; x < scene_.width(); ++x) {
    const std::uint16_t truth = mask_.line[static_cast<std::size_t>(x)];
    if (truth < 4 && classes[x] < 4) ++confusion_[truth][classes[x]];
  }
}

void Truth::add_reflectance(int y, int band, const std::uint16_t* corrected, const std::uint16_t* digital_numbers) {
  const auto at = bands_.find(band);
  if (at == bands_.end()) return;
  Source& source = at->second;
  if (clear_mask_.reader && clear_mask_.current < y) {
    clear_mask_.reader->read_rows(1, clear_mask_.line.data(), scene_.width());
    clear_mask_.current = y;
  }
  const int slot = scene_.slot(band);
  const int native = scene_.native_row(slot, y);
  if (native > source.current) {
    source.reader->read_rows(1, source.line.data(), static_cast<std::ptrdiff_t>(source.line.size()));
    source.current = native;
  }
  Errors& e = errors_[band];
  const double offset = static_cast<double>(scene_.add_offset(slot)),
               quant = static_cast<double>(scene_.quantification());
  for (int x = 0; x < scene_.width(); ++x) {
    const std::uint16_t truth = source.line[static_cast<std::size_t>(scene_.native_column(slot, x))];
    const bool clear = !clear_mask_.reader || clear_mask_.line[static_cast<std::size_t>(x)] == 0;
    if (truth == 0 || corrected[x] == 0 || !clear) continue;
    const double error = (corrected[x] - truth) / 1e4;
    const double before = (digital_numbers[x] + offset) / quant - truth / 1e4;
    e.sum += error;
    e.square += error * error;
    e.square_before += before * before;
    ++e.count;
  }
}

void Truth::print() const {
  if (mask_.reader) {
    std::printf("agreement of the mask with the truth\n  %-14s %10s %10s %6s %6s\n", "", "producer's", "user's", "F1",
                "F2");
    for (const auto& g : kGroups) {
      const Scores s = scores(confusion_, g.classes);
      std::printf("  %-14s %10.3f %10.3f %6.3f %6.3f\n", g.name, s.producers, s.users, s.f1, s.f2);
    }
  }
  if (errors_.empty()) return;
  std::printf("reflectance of clear pixels against the truth, RMSE\n  %-6s %12s %14s\n", "band", "corrected",
              "not corrected");
  for (const auto& [band, e] : errors_) {
    const double n = static_cast<double>(e.count);
    std::printf("  %-6s %12.4f %14.4f\n", std::string(kBandNames[band]).c_str(), std::sqrt(ratio(e.square, n)),
                std::sqrt(ratio(e.square_before, n)));
  }
}

void Truth::report(JsonWriter& j) const {
  if (mask_.reader) {
    j.key("confusion").begin_array();
    for (const auto& row : confusion_) {
      j.begin_array();
      for (const std::int64_t n : row) j.value(n);
      j.end();
    }
    j.end();
    for (const auto& g : kGroups) {
      const Scores s = scores(confusion_, g.classes);
      j.key(g.name).begin_object();
      j.member("producers_accuracy", s.producers);
      j.member("users_accuracy", s.users);
      j.member("f1", s.f1);
      j.member("f2", s.f2);
      j.end();
    }
  }
  j.key("reflectance_of_clear_pixels").begin_object();
  for (const auto& [band, e] : errors_) {
    const double n = static_cast<double>(e.count);
    j.key(kBandNames[band]).begin_object();
    j.member("rmse", std::sqrt(ratio(e.square, n)));
    j.member("bias", ratio(e.sum, n));
    j.member("rmse_uncorrected", std::sqrt(ratio(e.square_before, n)));
    j.end();
  }
  j.end();
}

}  // namespace dtacs
