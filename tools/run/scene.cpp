// SPDX-License-Identifier: Apache-2.0
#include "tools/run/scene.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "io/host/failure.h"

namespace dtacs {

namespace {

const BandInfo* find_band(const ProductInfo& info, int band) {
  for (const BandInfo& b : info.bands)
    if (b.band == band) return &b;
  return nullptr;
}

std::string name_of(int band) {
  return std::string(kBandNames[band]);
}

// Working pixels to one of the band's, or 0 when they do not fit together.
int scale_of(double band_metres, double working_metres) {
  const double ratio = band_metres / working_metres;
  const double whole = std::round(ratio);
  return whole >= 1 && std::fabs(ratio - whole) < 1e-6 * ratio ? static_cast<int>(whole) : 0;
}

}  // namespace

Scene::Scene(const Product& product, const SceneOptions& options)
    : product_(&product), parallel_(options.parallel), isa_(options.isa), band_ids_(options.bands) {
  const ProductInfo& info = product.info();
  std::string missing;
  double finest = 0;
  for (const int band : band_ids_) {
    const BandInfo* b = find_band(info, band);
    if (b == nullptr)
      missing += (missing.empty() ? "" : ", ") + name_of(band);
    else if (finest == 0 || b->pixel_size < finest)
      finest = b->pixel_size;
  }
  if (!missing.empty()) throw Failure(Exit::missing_input, info.path + ": band " + missing + " is missing");
  pixel_size_ = options.resolution > 0 ? options.resolution : finest;
  quantification_ = static_cast<float>(info.quantification);
  ground_scale_ = info.ground_scale;
  no_data_ = static_cast<std::uint16_t>(info.no_data);
  saturated_ = static_cast<std::uint16_t>(info.saturated);

  // The grid is that of a band of this very resolution; at 20 m without one, half the 10 m grid.
  // Where both are there and the 10 m size is odd, the smaller one: every pixel of it is covered.
  int grid_width = 0, grid_height = 0;
  bool halving = false;
  const auto offer = [&](int width, int height) {
    grid_width = grid_width == 0 ? width : std::min(grid_width, width);
    grid_height = grid_height == 0 ? height : std::min(grid_height, height);
  };
  for (const int band : band_ids_) {
    const BandInfo& b = *find_band(info, band);
    const bool finer = 2 * b.pixel_size == pixel_size_;
    halving = halving || finer;
    if (finer) offer(b.width / 2, b.height / 2);
  }
  for (const int band : band_ids_) {
    const BandInfo& b = *find_band(info, band);
    if (b.pixel_size != pixel_size_) continue;
    offer(b.width, b.height);
    if (!halving) break;  // the others must match the first
  }
  if (grid_width < 1 || grid_height < 1)
    throw Failure(Exit::unsupported, info.path + ": none of its bands has pixels of " +
                                         std::to_string(static_cast<int>(pixel_size_)) + " m or half that");
  const Rect window = options.window.value_or(Rect{0, 0, grid_width, grid_height});
  if (window.x > grid_width - window.width || window.y > grid_height - window.height)
    throw Failure(Exit::usage, info.path + ": the window reaches beyond the scene's " + std::to_string(grid_width) +
                                   " x " + std::to_string(grid_height) + " pixels");
  x0_ = window.x;
  y0_ = window.y;
  width_ = window.width;
  height_ = window.height;
  ulx_ = info.ulx + x0_ * ground_size();
  uly_ = info.uly - y0_ * ground_size();

  for (const int band : band_ids_) {
    const BandInfo& b = *find_band(info, band);
    Band own;
    own.path = b.path;
    own.native_width = b.width;
    own.native_height = b.height;
    own.halve = 2 * b.pixel_size == pixel_size_;
    own.scale = own.halve ? 1 : scale_of(b.pixel_size, pixel_size_);
    if (own.scale == 0)
      throw Failure(Exit::unsupported, b.path + ": its pixels of " + std::to_string(b.pixel_size) +
                                           " m do not fit a grid of " + std::to_string(pixel_size_) + " m");
    // Sizes that are no multiples of each other may differ by less than one native pixel.
    const int want_width = own.halve ? 2 * grid_width : grid_width;
    const int want_height = own.halve ? 2 * grid_height : grid_height;
    const int slack = own.halve || (own.scale == 1 && halving) ? 2 : own.scale;
    if (std::abs(static_cast<long long>(b.width) * own.scale - want_width) >= slack ||
        std::abs(static_cast<long long>(b.height) * own.scale - want_height) >= slack)
      throw Failure(Exit::bad_data, b.path + ": " + std::to_string(b.width) + " x " + std::to_string(b.height) +
                                        " pixels do not fit the scene's " + std::to_string(grid_width) + " x " +
                                        std::to_string(grid_height) + " of " +
                                        std::to_string(static_cast<int>(pixel_size_)) + " m");
    PixelWindow part;
    if (own.halve) {
      part = {2 * x0_, 2 * y0_, 2 * width_, 2 * height_};
    } else if (own.scale == 1) {
      part = {x0_, y0_, width_, height_};
    } else {
      // The last native pixel also covers what a size that is no multiple leaves over.
      const auto covering = [&](int at, int size) { return std::min(at / own.scale, size - 1); };
      part.x = covering(x0_, b.width);
      part.y = covering(y0_, b.height);
      part.width = covering(x0_ + width_ - 1, b.width) - part.x + 1;
      part.height = covering(y0_ + height_ - 1, b.height) - part.y + 1;
    }
    own.window = part;
    own.line.resize(static_cast<std::size_t>(part.width) * (own.halve ? 2 : 1));
    own.index = static_cast<int>(&b - info.bands.data());
    own.reader = product.open_band(own.index, {.window = part, .parallel = options.parallel, .isa = options.isa});
    bands_.push_back(std::move(own));
    offsets_.push_back(static_cast<float>(options.offset.value_or(b.add_offset)));
  }
  age_.assign(static_cast<std::size_t>(width_), width_ + height_);
  nothing_valid_.resize(static_cast<std::size_t>(width_));
  lead_.resize(static_cast<std::size_t>(width_) * bands_.size());
  keep(1, 1);
}

void Scene::keep(int value_rows, int valid_rows) {
  // One more: filling looks at the row above the new ones.
  ring_ = std::max(ring_, std::min(value_rows, height_) + 1);
  valid_ring_ = std::max({valid_ring_, ring_, std::min(valid_rows, height_)});
  values_.resize(static_cast<std::size_t>(ring_) * static_cast<std::size_t>(width_) * bands_.size());
  valid_.resize(static_cast<std::size_t>(valid_ring_) * static_cast<std::size_t>(width_));
  any_valid_.resize(static_cast<std::size_t>(valid_ring_));
}

int Scene::slot(int band) const {
  const auto at = std::find(band_ids_.begin(), band_ids_.end(), band);
  return at == band_ids_.end() ? -1 : static_cast<int>(at - band_ids_.begin());
}

int Scene::native_column(int slot, int x) const {
  const Band& b = bands_[static_cast<std::size_t>(slot)];
  return b.halve ? x : std::min((x0_ + x) / b.scale, b.native_width - 1) - b.window.x;
}

int Scene::native_row(int slot, int y) const {
  const Band& b = bands_[static_cast<std::size_t>(slot)];
  return b.halve ? y : std::min((y0_ + y) / b.scale, b.native_height - 1) - b.window.y;
}

PixelWindow Scene::native_window(int slot) const {
  return bands_[static_cast<std::size_t>(slot)].window;
}

int Scene::native_shift_x(int slot) const {
  const Band& b = bands_[static_cast<std::size_t>(slot)];
  return b.halve ? 0 : x0_ - b.window.x * b.scale;
}

int Scene::native_shift_y(int slot) const {
  const Band& b = bands_[static_cast<std::size_t>(slot)];
  return b.halve ? 0 : y0_ - b.window.y * b.scale;
}

std::uint16_t* Scene::slot_row(int slot, int y) {
  const auto at = static_cast<std::size_t>(y % ring_) * bands_.size() + static_cast<std::size_t>(slot);
  return values_.data() + at * static_cast<std::size_t>(width_);
}

const std::uint16_t* Scene::row(int slot, int y) const {
  if (y < first_valid_) return lead_.data() + static_cast<std::size_t>(slot) * static_cast<std::size_t>(width_);
  return const_cast<Scene*>(this)->slot_row(slot, y);
}

const std::uint8_t* Scene::valid_row(int y) const {
  // The ring may have gone round several times before the first valid pixel came.
  if (y < first_valid_) return nothing_valid_.data();
  return valid_.data() + static_cast<std::size_t>(y % valid_ring_) * static_cast<std::size_t>(width_);
}

// The next rows of a band, with its own value for no data turned into 0.
void Scene::next_rows(Band& b, int rows, std::uint16_t* out, std::ptrdiff_t stride) {
  b.reader->read_rows(rows, out, stride);
  if (no_data_ == 0) return;
  for (int y = 0; y < rows; ++y)
    std::replace(out + y * stride, out + y * stride + b.window.width, no_data_, std::uint16_t{0});
}

void Scene::read_band_row(int slot, int y) {
  Band& b = bands_[static_cast<std::size_t>(slot)];
  std::uint16_t* out = slot_row(slot, y);
  if (b.halve) {
    const std::ptrdiff_t w = 2 * static_cast<std::ptrdiff_t>(width_);
    next_rows(b, 2, b.line.data(), w);
    for (int x = 0; x < width_; ++x) {
      const std::uint16_t *a = b.line.data() + 2 * x, *c = a + w;
      const unsigned sum = 0u + a[0] + a[1] + c[0] + c[1];
      const bool whole = a[0] != 0 && a[1] != 0 && c[0] != 0 && c[1] != 0;
      out[x] = whole ? static_cast<std::uint16_t>((sum + 2) / 4) : std::uint16_t{0};
    }
    return;
  }
  if (b.scale == 1) {
    next_rows(b, 1, out, width_);
    return;
  }
  const int native = native_row(slot, y);
  if (native > b.current) {
    next_rows(b, 1, b.line.data(), static_cast<std::ptrdiff_t>(b.line.size()));
    b.current = native;
  }
  for (int x = 0; x < width_; ++x) out[x] = b.line[static_cast<std::size_t>(native_column(slot, x))];
}

void Scene::fill_row(int y) {
  const std::uint8_t* valid = valid_row(y);
  const int far = width_ + height_;
  std::vector<int> from(static_cast<std::size_t>(width_));  // the column to copy, or -1 for the row above
  std::vector<std::int32_t> age(static_cast<std::size_t>(width_));
  int last = -1;
  for (int x = 0; x < width_; ++x) {
    const auto i = static_cast<std::size_t>(x);
    if (valid[x] != 0) last = x;
    const int left = last < 0 ? far : x - last, above = std::min(age_[i] + 1, far);
    from[i] = left <= above && last >= 0 ? last : -1;
    age[i] = std::min(left, above);
  }
  int next = -1;
  for (int x = width_ - 1; x >= 0; --x) {
    const auto i = static_cast<std::size_t>(x);
    if (valid[x] != 0) next = x;
    if (next >= 0 && next - x < age[i]) {
      from[i] = next;
      age[i] = next - x;
    }
  }
  age_ = age;
  for (int s = 0; s < band_count(); ++s) {
    std::uint16_t* line = slot_row(s, y);
    const std::uint16_t* above = y > 0 ? row(s, y - 1) : line;
    for (int x = 0; x < width_; ++x) {
      if (valid[x] != 0) continue;
      const int f = from[static_cast<std::size_t>(x)];
      line[x] = f >= 0 ? line[f] : above[x];
    }
  }
}

void Scene::read(int rows) {
  rows = std::min({rows, height_ - rows_read_, ring_ - 1});
  const int y0 = rows_read_;
  for (int s = 0; s < band_count(); ++s)
    for (int y = y0; y < y0 + rows; ++y) read_band_row(s, y);

  std::atomic<std::int64_t> saturated{0};
  parallel_.for_each(rows, [&](int i, int) noexcept {
    std::uint8_t* valid = const_cast<std::uint8_t*>(valid_row(y0 + i));
    std::memset(valid, 1, static_cast<std::size_t>(width_));
    for (int s = 0; s < band_count(); ++s) {  // bit 0: every band has data; bit 1: some band is saturated
      const std::uint16_t* line = slot_row(s, y0 + i);
      for (int x = 0; x < width_; ++x) {
        const unsigned data = line[x] != 0 ? 1 : 0, full = line[x] == saturated_ ? 2 : 0;
        valid[x] = static_cast<std::uint8_t>((valid[x] & (data | 2)) | full);
      }
    }
    std::int64_t n = 0;
    for (int x = 0; x < width_; ++x) {
      n += valid[x] == 3;
      valid[x] &= 1;
    }
    saturated += n;
    const bool any = std::memchr(valid, 1, static_cast<std::size_t>(width_)) != nullptr;
    any_valid_[static_cast<std::size_t>((y0 + i) % valid_ring_)] = any;
  });

  saturated_pixels_ += saturated;

  for (int y = y0; y < y0 + rows; ++y) {
    if (!any_valid(y) && first_valid_ < 0) continue;  // filled by row() once there is something to fill with
    if (std::memchr(valid_row(y), 0, static_cast<std::size_t>(width_)) == nullptr)
      std::fill(age_.begin(), age_.end(), 0);
    else
      fill_row(y);
    if (first_valid_ >= 0) continue;
    first_valid_ = y;
    for (int s = 0; s < band_count(); ++s)
      std::copy_n(slot_row(s, y), width_, lead_.data() + static_cast<std::ptrdiff_t>(s) * width_);
  }
  rows_read_ = y0 + rows;
  if (rows_read_ == height_)
    for (Band& b : bands_) b.reader.reset();  // most of the memory, which pictures and reports may want
}

std::size_t Scene::memory() const {
  std::size_t bytes = (values_.size() + lead_.size()) * sizeof(std::uint16_t) + valid_.size();
  std::size_t call = 0;  // bands are read in turn
  for (const Band& b : bands_) {
    bytes += b.line.size() * sizeof(std::uint16_t);
    if (!b.reader) continue;  // all rows were read
    bytes += b.reader->memory();
    call = std::max(call, b.reader->memory_of_call());
  }
  return bytes + call;
}

void Scene::exchange(StateArchive& state) {
  state.value(rows_read_);
  state.value(first_valid_);
  state.value(saturated_pixels_);
  state.values(age_);
  state.values(lead_);
  const int last = rows_read_ - 1;
  const auto width = static_cast<std::size_t>(width_);
  for (int s = 0; s < band_count() && last >= 0; ++s) {
    std::vector<std::uint16_t> values(slot_row(s, last), slot_row(s, last) + width);
    state.values(values);
    if (state.loading()) std::copy(values.begin(), values.end(), slot_row(s, last));
  }
  if (!state.loading() || last < 0 || rows_read_ >= height_) return;
  for (int s = 0; s < band_count(); ++s) {
    Band& b = bands_[static_cast<std::size_t>(s)];
    const int passed = b.halve ? 2 * rows_read_ : native_row(s, rows_read_);
    PixelWindow rest = b.window;
    rest.y += passed;
    rest.height -= passed;
    b.reader = product_->open_band(b.index, {.window = rest, .parallel = parallel_, .isa = isa_});
    b.current = passed - 1;
  }
}

}  // namespace dtacs
