// SPDX-License-Identifier: Apache-2.0
#include "tools/run/reflectance_sink.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace dtacs {

namespace {

std::string metres(double m) {
  return std::to_string(static_cast<int>(std::lround(m)));
}

}  // namespace

ReflectanceSink::ReflectanceSink(const Scene& scene, const Model& model, const ReflectanceOptions& options)
    : scene_(scene), stack_(options.stack) {
  std::map<int, std::vector<int>> by_scale;  // working pixels to a native one -> outputs
  for (int m = 0; m < model.outputs; ++m) {
    Band b;
    b.slot = scene.slot(model.output_bands[m]);
    const int scale = stack_ ? 1 : scene.scale(b.slot);
    b.width = scale == 1 ? scene.width() : scene.native_column(b.slot, scene.width() - 1) + 1;
    b.height = scale == 1 ? scene.height() : scene.native_row(b.slot, scene.height() - 1) + 1;
    if (scale > 1) {
      b.sum.resize(static_cast<std::size_t>(b.width));
      b.count.resize(static_cast<std::size_t>(b.width));
    }
    by_scale[scale].push_back(m);
    bands_.push_back(std::move(b));
  }
  for (const auto& [scale, outputs] : by_scale) {
    const Band& first = bands_[static_cast<std::size_t>(outputs[0])];
    const double size = scene.ground_size() * scale;
    GeoTiffOptions o;
    o.width = first.width;
    o.height = first.height;
    o.bands = static_cast<int>(outputs.size());
    o.bits = 16;
    o.compress = Compress::none;
    o.parallel = options.parallel;
    o.unfinished = options.unfinished;
    o.epsg = options.epsg;
    // A window may start inside a coarse pixel: the file starts at that pixel's corner.
    const double shift_x = scale == 1 ? 0 : scene.native_shift_x(first.slot);
    const double shift_y = scale == 1 ? 0 : scene.native_shift_y(first.slot);
    o.ulx = scene.ulx() - shift_x * scene.ground_size();
    o.uly = scene.uly() + shift_y * scene.ground_size();
    o.pixel_size = size;
    o.no_data = 0;
    o.scale = 1e-4;
    o.metadata = options.metadata;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      Band& b = bands_[static_cast<std::size_t>(outputs[i])];
      b.file = static_cast<int>(writers_.size());
      b.index = static_cast<int>(i);
      o.band_names.emplace_back(kBandNames[model.output_bands[outputs[i]]]);
    }
    files_.push_back(stack_ ? "reflectance.tif" : "reflectance_" + metres(scene.pixel_size() * scale) + "m.tif");
    writers_.push_back(std::make_unique<GeoTiffWriter>(options.folder + "/" + files_.back(), o));
  }
  line_.resize(static_cast<std::size_t>(scene.width()));
}

void ReflectanceSink::add(int y, std::uint16_t* const* rows, const std::uint8_t* valid) {
  const int width = scene_.width();
  for (std::size_t m = 0; m < bands_.size(); ++m) {
    Band& b = bands_[m];
    std::uint16_t* row = rows[m];
    for (int x = 0; x < width; ++x) row[x] = valid[x] == 0 ? std::uint16_t{0} : std::max(row[x], std::uint16_t{1});
    if (b.sum.empty()) {
      writers_[static_cast<std::size_t>(b.file)]->write_rows(b.index, row, 1);
      continue;
    }
    const int native = scene_.native_row(b.slot, y);
    if (native != b.current) flush(b);
    b.current = native;
    for (int x = 0; x < width; ++x) {
      if (valid[x] == 0) continue;
      const auto at = static_cast<std::size_t>(scene_.native_column(b.slot, x));
      b.sum[at] += row[x];
      ++b.count[at];
    }
  }
}

void ReflectanceSink::flush(Band& b) {
  for (std::size_t x = 0; x < b.sum.size(); ++x)
    line_[x] =
        b.count[x] == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>((b.sum[x] + b.count[x] / 2) / b.count[x]);
  writers_[static_cast<std::size_t>(b.file)]->write_rows(b.index, line_.data(), 1);
  std::fill(b.sum.begin(), b.sum.end(), 0u);
  std::fill(b.count.begin(), b.count.end(), 0u);
}

void ReflectanceSink::exchange(StateArchive& state) {
  for (Band& b : bands_) {
    state.value(b.current);
    state.values(b.sum);
    state.values(b.count);
  }
  for (auto& w : writers_) w->exchange(state);
}

void ReflectanceSink::finish() {
  for (Band& b : bands_)
    if (!b.sum.empty()) flush(b);
  for (auto& w : writers_) w->finish();
}

}  // namespace dtacs
