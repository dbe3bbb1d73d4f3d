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

// To each native column the sum of the working pixels it covers, S of them.
template <int S>
void add_columns(const std::uint16_t* row, int columns, std::uint32_t* sum) {
  for (int n = 0; n < columns; ++n, row += S)
    for (int k = 0; k < S; ++k) sum[n] += row[k];
}

template <class T>
void add_column(const T* row, const std::vector<int>& columns, std::size_t n, std::vector<std::uint32_t>& sum) {
  for (int x = columns[n]; x < columns[n + 1]; ++x) sum[n] += row[x];
}

// The same of all columns: the first and the last may cover fewer or more.
void add_row(const std::uint16_t* row, const std::vector<int>& columns, int scale, std::vector<std::uint32_t>& sum) {
  const auto add_whole = scale == 2   ? add_columns<2>
                         : scale == 3 ? add_columns<3>
                         : scale == 6 ? add_columns<6>
                                      : nullptr;
  const std::size_t last = sum.size() - 1;
  add_column(row, columns, 0, sum);
  if (last == 0) return;
  if (add_whole != nullptr)
    add_whole(row + columns[1], static_cast<int>(last) - 1, sum.data() + 1);
  else
    for (std::size_t n = 1; n < last; ++n) add_column(row, columns, n, sum);
  add_column(row, columns, last, sum);
}

}  // namespace

ReflectanceSink::ReflectanceSink(const Scene& scene, const Model& model, const ReflectanceOptions& options)
    : scene_(scene), parallel_(options.parallel) {
  std::map<int, std::vector<int>> by_scale;  // working pixels to a native one -> outputs
  for (int m = 0; m < model.outputs; ++m)
    by_scale[options.stack ? 1 : scene.scale(scene.slot(model.output_bands[m]))].push_back(m);
  bands_.resize(static_cast<std::size_t>(model.outputs));
  for (const auto& [scale, outputs] : by_scale) {
    File file;
    file.slot = scene.slot(model.output_bands[outputs[0]]);
    file.scale = scale;
    if (scale > 1) {
      for (int x = 0; x < scene.width(); ++x)
        if (x == 0 || scene.native_column(file.slot, x) != scene.native_column(file.slot, x - 1))
          file.columns.push_back(x);
      file.count.resize(file.columns.size());
      file.columns.push_back(scene.width());
    }
    GeoTiffOptions o;
    o.width = scale == 1 ? scene.width() : static_cast<int>(file.count.size());
    o.height = scale == 1 ? scene.height() : scene.native_row(file.slot, scene.height() - 1) + 1;
    o.bands = static_cast<int>(outputs.size());
    o.bits = 16;
    o.compress = Compress::none;
    o.parallel = options.parallel;
    o.unfinished = options.unfinished;
    o.epsg = options.epsg;
    // A window may start inside a coarse pixel: the file starts at that pixel's corner.
    const double shift_x = scale == 1 ? 0 : scene.native_shift_x(file.slot);
    const double shift_y = scale == 1 ? 0 : scene.native_shift_y(file.slot);
    o.ulx = scene.ulx() - shift_x * scene.ground_size();
    o.uly = scene.uly() + shift_y * scene.ground_size();
    o.pixel_size = scene.ground_size() * scale;
    o.no_data = 0;
    o.scale = 1e-4;
    o.metadata = options.metadata;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      Band& b = bands_[static_cast<std::size_t>(outputs[i])];
      b.file = open_.size();
      b.index = static_cast<int>(i);
      b.sum.resize(file.count.size());
      b.mean.resize(file.count.size());
      o.band_names.emplace_back(kBandNames[model.output_bands[outputs[i]]]);
    }
    files_.push_back(options.stack ? "reflectance.tif" : "reflectance_" + metres(scene.pixel_size() * scale) + "m.tif");
    file.writer = std::make_unique<GeoTiffWriter>(options.folder + "/" + files_.back(), o);
    open_.push_back(std::move(file));
  }
}

void ReflectanceSink::add(int y, std::uint16_t* const* rows, const std::uint8_t* valid) {
  const int width = scene_.width();
  for (File& f : open_) {
    if (f.scale == 1) continue;
    if (const int native = scene_.native_row(f.slot, y); native != f.current) {
      flush(f);
      f.current = native;
    }
    for (std::size_t n = 0; n < f.count.size(); ++n) add_column(valid, f.columns, n, f.count);
  }
  parallel_.for_each(static_cast<int>(bands_.size()), [&](int m, int) noexcept {
    std::uint16_t* row = rows[m];
    for (int x = 0; x < width; ++x) row[x] = valid[x] == 0 ? std::uint16_t{0} : std::max(row[x], std::uint16_t{1});
    Band& b = bands_[static_cast<std::size_t>(m)];
    const File& f = open_[b.file];
    if (f.scale > 1) add_row(row, f.columns, f.scale, b.sum);
  });
  for (std::size_t m = 0; m < bands_.size(); ++m)
    if (File& f = open_[bands_[m].file]; f.scale == 1) f.writer->write_rows(bands_[m].index, rows[m], 1);
}

// A native row is complete.
void ReflectanceSink::flush(File& f) {
  parallel_.for_each(static_cast<int>(bands_.size()), [&](int m, int) noexcept {
    Band& b = bands_[static_cast<std::size_t>(m)];
    if (&open_[b.file] != &f) return;
    for (std::size_t n = 0; n < b.mean.size(); ++n) {
      const std::uint32_t count = f.count[n];
      b.mean[n] = static_cast<std::uint16_t>(count == 0 ? 0 : (b.sum[n] + count / 2) / count);
    }
    std::fill(b.sum.begin(), b.sum.end(), 0u);
  });
  for (const Band& b : bands_)
    if (&open_[b.file] == &f) f.writer->write_rows(b.index, b.mean.data(), 1);
  std::fill(f.count.begin(), f.count.end(), 0u);
}

void ReflectanceSink::exchange(StateArchive& state) {
  for (Band& b : bands_) state.values(b.sum);
  for (File& f : open_) {
    state.value(f.current);
    state.values(f.count);
    f.writer->exchange(state);
  }
}

void ReflectanceSink::finish() {
  for (File& f : open_) {
    if (f.scale > 1) flush(f);
    f.writer->finish();
  }
}

}  // namespace dtacs
