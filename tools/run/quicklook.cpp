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

Quicklook::Quicklook(int width, int height, bool with_classes)
    : width_(width),
      cell_((std::max(width, height) + kQuicklookSide - 1) / kQuicklookSide),
      columns_((width + cell_ - 1) / cell_),
      rows_((height + cell_ - 1) / cell_),
      colours_(static_cast<std::size_t>(columns_)),
      votes_(with_classes ? static_cast<std::size_t>(columns_) : 0),
      pixels_(3 * static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_)),
      classes_(with_classes ? pixels_.size() / 3 : 0, kNoDataClass) {}

void Quicklook::add_colour(int y, const std::uint16_t* const (&rgb)[3], const float (&offset)[3], float quantification,
                           const std::uint8_t* valid) {
  if (y / cell_ != colour_row_) finish_colours();
  colour_row_ = y / cell_;
  std::copy_n(offset, 3, offset_);
  quantification_ = quantification;
  for (int c = 0, x = 0; c < columns_; ++c) {
    std::uint32_t sum[3] = {}, count = 0;  // of a row of a cell, far from 2^32
    for (const int end = end_of(c); x < end; ++x) {
      const unsigned keep = valid[x] != 0 ? ~0u : 0u;
      for (int i = 0; i < 3; ++i) sum[i] += rgb[i][x] & keep;
      count += keep & 1;
    }
    Colour& cell = colours_[static_cast<std::size_t>(c)];
    for (int i = 0; i < 3; ++i) cell.rgb[i] += sum[i];
    cell.count += count;
  }
}

void Quicklook::add_classes(int y, const std::uint8_t* classes) {
  if (y / cell_ != vote_row_) finish_votes();
  vote_row_ = y / cell_;
  for (int c = 0, x = 0; c < columns_; ++c)
    for (const int end = end_of(c); x < end; ++x)
      if (classes[x] < kHead3x3MaxOutputs) ++votes_[static_cast<std::size_t>(c)].of[classes[x]];
}

void Quicklook::finish_colours() {
  std::uint8_t* out = pixels_.data() + 3 * static_cast<std::ptrdiff_t>(colour_row_) * columns_;
  for (Colour& c : colours_) {
    for (int i = 0; i < 3; ++i) {
      const float dn = c.count == 0 ? -offset_[i] : static_cast<float>(c.rgb[i]) / static_cast<float>(c.count);
      const float reflectance = (dn + offset_[i]) / quantification_;
      *out++ = static_cast<std::uint8_t>(std::clamp(reflectance / 0.4f, 0.0f, 1.0f) * 255.0f + 0.5f);
    }
    c = {};
  }
}

void Quicklook::finish_votes() {
  std::uint8_t* out = classes_.data() + static_cast<std::ptrdiff_t>(vote_row_) * columns_;
  for (Votes& v : votes_) {
    const auto most = static_cast<std::size_t>(std::max_element(std::begin(v.of), std::end(v.of)) - v.of);
    *out++ = v.of[most] == 0 ? std::uint8_t{kNoDataClass} : static_cast<std::uint8_t>(most);
    v = {};
  }
}

void Quicklook::write_colour(const std::string& path) {
  finish_colours();
  write_png(path, {.pixels = pixels_.data(), .width = columns_, .height = rows_});
}

void Quicklook::write_overlay(const std::string& path, const std::vector<RasterClass>& classes) {
  finish_votes();
  std::vector<std::uint8_t> pixels = pixels_;
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    if (classes_[i] == kNoDataClass || classes[classes_[i]].alpha == 0) continue;
    const RasterClass& c = classes[classes_[i]];
    const std::uint8_t paint[3] = {c.r, c.g, c.b};
    for (std::size_t k = 0; k < 3; ++k)
      pixels[3 * i + k] = static_cast<std::uint8_t>((pixels[3 * i + k] + paint[k] + 1) / 2);
  }
  write_png(path, {.pixels = pixels.data(), .width = columns_, .height = rows_});
}

std::size_t Quicklook::memory() const {
  return pixels_.size() + classes_.size() + colours_.size() * sizeof(Colour) + votes_.size() * sizeof(Votes);
}

void Quicklook::exchange(StateArchive& state) {
  state.value(colour_row_);
  state.value(vote_row_);
  for (float& o : offset_) state.value(o);
  state.value(quantification_);
  state.values(colours_);
  state.values(votes_);
  state.values(pixels_);
  state.values(classes_);
}

}  // namespace dtacs
