// SPDX-License-Identifier: Apache-2.0
#include "tools/run/quicklook.h"

#include <algorithm>
#include <iterator>

#include "io/host/png.h"

namespace dtacs {

std::vector<RasterClass> mask_classes(std::string_view names) {
  static const RasterClass kKnown[] = {
      {0, "clear", 139, 64, 0, 0},
      {1, "thick cloud", 255, 230, 0, 255},
      {2, "thin cloud", 0, 200, 60, 255},
      {3, "cloud shadow", 220, 30, 30, 255},
  };
  static constexpr std::uint8_t kOthers[][3] = {{60, 120, 220}, {200, 80, 200}, {0, 180, 200}, {240, 140, 40}};
  std::vector<RasterClass> classes;
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string name(names.substr(0, comma));
    names.remove_prefix(std::min(comma + 1, names.size()));
    const auto value = static_cast<int>(classes.size());
    const auto& other = kOthers[classes.size() % std::size(kOthers)];
    RasterClass c = {value, name, other[0], other[1], other[2], 255};
    for (const RasterClass& known : kKnown)
      if (known.name == name) {
        c = known;
        c.value = value;
      }
    classes.push_back(std::move(c));
  }
  classes.push_back({kNoDataClass, "no data", 0, 0, 0, 0});
  return classes;
}

Quicklook::Quicklook(int width, int height)
    : width_(width),
      cell_((std::max(width, height) + kQuicklookSide - 1) / kQuicklookSide),
      columns_((width + cell_ - 1) / cell_),
      rows_((height + cell_ - 1) / cell_),
      cells_(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_)) {}

void Quicklook::add_colour(int y, const std::uint16_t* const (&rgb)[3], const float (&offset)[3], float quantification,
                           const std::uint8_t* valid) {
  Cell* row = cells_.data() + static_cast<std::ptrdiff_t>(y / cell_) * columns_;
  for (int x = 0; x < width_; ++x) {
    if (valid[x] == 0) continue;
    Cell& cell = row[x / cell_];
    for (int i = 0; i < 3; ++i) cell.rgb[i] += (static_cast<float>(rgb[i][x]) + offset[i]) / quantification;
    ++cell.count;
  }
}

void Quicklook::add_classes(int y, const std::uint8_t* classes) {
  Cell* row = cells_.data() + static_cast<std::ptrdiff_t>(y / cell_) * columns_;
  for (int x = 0; x < width_; ++x)
    if (classes[x] < kHead3x3MaxOutputs) ++row[x / cell_].votes[classes[x]];
}

std::vector<std::uint8_t> Quicklook::colours() const {
  std::vector<std::uint8_t> pixels(cells_.size() * 3);
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const Cell& c = cells_[i];
    for (std::size_t k = 0; k < 3; ++k) {
      const float mean = c.count == 0 ? 0.0f : c.rgb[k] / static_cast<float>(c.count);
      pixels[3 * i + k] = static_cast<std::uint8_t>(std::clamp(mean / 0.4f, 0.0f, 1.0f) * 255.0f + 0.5f);
    }
  }
  return pixels;
}

void Quicklook::write_colour(const std::string& path) const {
  const std::vector<std::uint8_t> pixels = colours();
  write_png(path, {.pixels = pixels.data(), .width = columns_, .height = rows_});
}

void Quicklook::write_overlay(const std::string& path, const std::vector<RasterClass>& classes) const {
  std::vector<std::uint8_t> pixels = colours();
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const auto& votes = cells_[i].votes;
    const auto most = static_cast<std::size_t>(std::max_element(std::begin(votes), std::end(votes)) - votes);
    if (votes[most] == 0 || classes[most].alpha == 0) continue;
    const std::uint8_t paint[3] = {classes[most].r, classes[most].g, classes[most].b};
    for (std::size_t k = 0; k < 3; ++k)
      pixels[3 * i + k] = static_cast<std::uint8_t>((pixels[3 * i + k] + paint[k] + 1) / 2);
  }
  write_png(path, {.pixels = pixels.data(), .width = columns_, .height = rows_});
}

}  // namespace dtacs
