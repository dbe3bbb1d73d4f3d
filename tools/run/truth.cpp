// SPDX-License-Identifier: Apache-2.0
#include "tools/run/truth.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "io/host/failure.h"
#include "io/host/jp2_band.h"
#include "io/host/jp2_geo.h"

namespace dtacs {

Truth::Truth(const std::string& folder, const Scene& scene, const Rect& window, const Parallel& parallel)
    : scene_(scene) {
  const auto open = [&](const std::string& file, int width, int height, const PixelWindow& part, Source& source) {
    const std::string path = folder + "/" + file;
    if (!std::filesystem::exists(path)) return false;
    if (const Jp2Summary s = summarize_one_band(path); s.width != width || s.height != height)
      throw Failure(Exit::bad_data, path + ": " + std::to_string(s.width) + " x " + std::to_string(s.height) +
                                        " pixels, the scene has " + std::to_string(width) + " x " +
                                        std::to_string(height));
    source.reader = std::make_unique<Jp2Band>(path, BandOptions{.window = part, .parallel = parallel});
    source.line.resize(static_cast<std::size_t>(part.width));
    return true;
  };
  for (Source* mask : {&mask_, &clear_mask_})
    open("mask.jp2", scene.grid_width(), scene.grid_height(), {window.x, window.y, scene.width(), scene.height()},
         *mask);
  for (int band = 0; band < kBandCount; ++band) {
    const int slot = scene.slot(band);
    Source source;
    if (slot >= 0 && open(std::string(kBandNames[band]) + ".jp2", scene.native_width(slot), scene.native_height(slot),
                          scene.native_window(slot), source))
      bands_.emplace(band, std::move(source));
  }
  if (!mask_.reader && bands_.empty()) throw Failure(Exit::missing_input, folder + ": no mask.jp2 and no band in it");
}

void Truth::add_classes(const std::uint8_t* classes) {
  if (!mask_.reader) return;
  mask_.reader->read_rows(1, mask_.line.data(), scene_.width());
  for (int x = 0; x < scene_.width(); ++x) {
    const std::uint16_t truth = mask_.line[static_cast<std::size_t>(x)];
    confusion_.add(static_cast<std::uint8_t>(std::min<int>(truth, kIgnored)), classes[x]);
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
    e.corrected.add(corrected[x] / 1e4, truth / 1e4);
    e.before.add((digital_numbers[x] + offset) / quant, truth / 1e4);
  }
}

void Truth::print() const {
  if (compares_masks()) {
    std::printf("agreement of the mask with the truth\n");
    print_mask_scores(confusion_);
  }
  if (errors_.empty()) return;
  std::printf("reflectance%s against the truth, RMSE\n  %-6s %12s %14s\n", clear_mask_.reader ? " of clear pixels" : "",
              "band", "corrected", "not corrected");
  for (const auto& [band, e] : errors_)
    std::printf("  %-6s %12.4f %14.4f\n", kBandNames[band], e.corrected.sums().rmse(), e.before.sums().rmse());
}

void Truth::report(JsonWriter& j) const {
  if (compares_masks()) write_mask_scores(j, confusion_);
  j.key(clear_mask_.reader ? "reflectance_of_clear_pixels" : "reflectance").begin_object();
  for (const auto& [band, e] : errors_) {
    j.key(kBandNames[band]).begin_object();
    write_errors(j, error_scores(e.corrected));
    j.member("rmse_uncorrected", e.before.sums().rmse());
    j.end();
  }
  j.end();
}

}  // namespace dtacs
