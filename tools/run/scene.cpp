// SPDX-License-Identifier: Apache-2.0
#include "tools/run/scene.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

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

// Each of in[0 .. last] `times` times but for `skip` of the first and however many there is room for of the last.
void repeat(const std::uint16_t* in, int last, int times, int skip, std::uint16_t* out, int width) {
  int x = 0;
  for (int n = 0; n <= last; ++n) {
    if (times == 2 && n == 0 && skip == 0)
      for (; n < last; ++n, x += 2) {  // most bands; two at a time is what compilers make vectors of
        const std::uint32_t twice = in[n] * 0x10001u;
        std::memcpy(out + x, &twice, sizeof twice);
      }
    const int until = n == last ? width : std::min((n + 1) * times - skip, width);
    for (; x < until; ++x) out[x] = in[n];
  }
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
  constexpr int kNone = std::numeric_limits<int>::max();
  int grid_width = kNone, grid_height = kNone;
  bool halving = false;
  const auto offer = [&](int width, int height) {
    grid_width = std::min(grid_width, width);
    grid_height = std::min(grid_height, height);
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
  if (grid_width == kNone)
    throw Failure(Exit::unsupported, info.path + ": none of its bands has pixels of " +
                                         std::to_string(static_cast<int>(pixel_size_)) + " m or half that");
  if (grid_width < 1 || grid_height < 1)
    throw Failure(Exit::unsupported, info.path + ": a scene of one pixel has no grid of twice its size");
  const Rect window = options.window.value_or(Rect{0, 0, grid_width, grid_height});
  if (window.x > grid_width - window.width || window.y > grid_height - window.height)
    throw Failure(Exit::usage, info.path + ": the window reaches beyond the scene's " + std::to_string(grid_width) +
                                   " x " + std::to_string(grid_height) + " pixels");
  grid_width_ = grid_width;
  grid_height_ = grid_height;
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
    const int slack = own.halve ? 2 : own.scale + (halving ? 1 : 0);  // halving drops an odd pixel
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
    if (!own.as_it_is()) {
      const int rows = own.halve ? 2 * kRowsAtOnce : (kRowsAtOnce - 1) / own.scale + 2;
      own.lines.resize(static_cast<std::size_t>(part.width) * static_cast<std::size_t>(rows));
    }
    for (int x = 0; x < width_ && !own.halve; ++x)
      own.column.push_back(std::min((x0_ + x) / own.scale, own.native_width - 1) - part.x);
    own.index = static_cast<int>(&b - info.bands.data());
    own.reader = product.open_band(own.index, {.window = part, .parallel = options.parallel, .isa = options.isa});
    bands_.push_back(std::move(own));
    offsets_.push_back(static_cast<float>(options.offset.value_or(b.add_offset)));
  }
  age_.assign(static_cast<std::size_t>(width_), width_ + height_);
  sources_.resize(kRowsAtOnce * static_cast<std::size_t>(width_));
  nothing_valid_.resize(static_cast<std::size_t>(width_));
  lead_.resize(static_cast<std::size_t>(width_) * bands_.size());
  keep(1, 1);
}

void Scene::keep(int value_rows, int valid_rows) {
  // One more: filling looks at the row above the new ones.
  ring_ = std::max(ring_, std::min(value_rows, height_) + 1);
  valid_ring_ = std::max({valid_ring_, ring_, std::min(valid_rows, height_)});
}

void Scene::prepare() {
  values_.resize(values());
  valid_.resize(static_cast<std::size_t>(valid_ring_) * static_cast<std::size_t>(width_));
  any_valid_.resize(static_cast<std::size_t>(valid_ring_));
}

int Scene::slot(int band) const {
  const auto at = std::find(band_ids_.begin(), band_ids_.end(), band);
  return at == band_ids_.end() ? -1 : static_cast<int>(at - band_ids_.begin());
}

int Scene::native_column(int slot, int x) const {
  const Band& b = bands_[static_cast<std::size_t>(slot)];
  return b.halve ? x : b.column[static_cast<std::size_t>(x)];
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

// What working rows [y0, y0 + rows) of a band come from.
void Scene::take_rows(int slot, int y0, int rows) {
  Band& b = bands_[static_cast<std::size_t>(slot)];
  if (b.as_it_is()) {
    for (int y = y0; y < y0 + rows; ++y) next_rows(b, 1, slot_row(slot, y), width_);
    return;
  }
  const int from = b.halve ? 2 * y0 : native_row(slot, y0);
  const int to = b.halve ? 2 * (y0 + rows) : native_row(slot, y0 + rows - 1) + 1;
  // The last row may have covered working rows before these as well.
  const std::ptrdiff_t width = b.window.width, known = std::max(b.first + b.held - from, 0);
  if (known > 0) std::copy_n(b.lines.data() + (b.held - known) * width, known * width, b.lines.data());
  next_rows(b, to - from - static_cast<int>(known), b.lines.data() + known * width, width);
  b.first = from;
  b.held = to - from;
}

void Scene::resample_row(int slot, int y) {
  const Band& b = bands_[static_cast<std::size_t>(slot)];
  if (b.as_it_is()) return;
  std::uint16_t* const out = slot_row(slot, y);
  const std::ptrdiff_t w = b.window.width;
  if (!b.halve) {
    repeat(b.lines.data() + (native_row(slot, y) - b.first) * w, b.column.back(), b.scale, native_shift_x(slot), out,
           width_);
    return;
  }
  const std::uint16_t *const upper = b.lines.data() + (2 * y - b.first) * w, *const lower = upper + w;
  for (int x = 0; x < width_; ++x) {
    const std::uint16_t *a = upper + 2 * x, *c = lower + 2 * x;
    const unsigned sum = 0u + a[0] + a[1] + c[0] + c[1];
    const bool whole = a[0] != 0 && a[1] != 0 && c[0] != 0 && c[1] != 0;
    out[x] = whole ? static_cast<std::uint16_t>((sum + 2) / 4) : std::uint16_t{0};
  }
}

// Which pixels of a row are valid.  Returns how many of them are saturated.
int Scene::judge_row(int y) {
  std::uint8_t* const valid = const_cast<std::uint8_t*>(valid_row(y));
  constexpr int kPart = 512;
  int saturated = 0;
  for (int x0 = 0; x0 < width_; x0 += kPart) {
    const int n = std::min(kPart, width_ - x0);
    std::uint16_t found[kPart] = {};  // bit 0: some band has no data; bit 1: some band is saturated
    for (int s = 0; s < band_count(); ++s) {
      const std::uint16_t* const line = slot_row(s, y) + x0;
      const std::uint16_t full = saturated_;
      for (int x = 0; x < n; ++x)
        found[x] = static_cast<std::uint16_t>(found[x] | (line[x] == 0 ? 1 : 0) | (line[x] == full ? 2 : 0));
    }
    for (int x = 0; x < n; ++x) {
      valid[x0 + x] = (found[x] & 1) == 0;
      saturated += found[x] == 2;
    }
  }
  any_valid_[static_cast<std::size_t>(y % valid_ring_)] =
      std::memchr(valid, 1, static_cast<std::size_t>(width_)) != nullptr;
  return saturated;
}

// From which column each pixel of a row takes its values, -1 for those of the row above.
// False when all are valid.
bool Scene::find_sources(int y, int* from) {
  const std::uint8_t* valid = valid_row(y);
  if (std::memchr(valid, 0, static_cast<std::size_t>(width_)) == nullptr) {
    std::fill(age_.begin(), age_.end(), 0);
    return false;
  }
  const int far = width_ + height_;
  int last = -1;
  for (int x = 0; x < width_; ++x) {
    const auto i = static_cast<std::size_t>(x);
    if (valid[x] != 0) last = x;
    const int left = last < 0 ? far : x - last, above = std::min(age_[i] + 1, far);
    from[x] = left <= above && last >= 0 ? last : -1;
    age_[i] = std::min(left, above);
  }
  int next = -1;
  for (int x = width_ - 1; x >= 0; --x) {
    const auto i = static_cast<std::size_t>(x);
    if (valid[x] != 0) next = x;
    if (next >= 0 && next - x < age_[i]) {
      from[x] = next;
      age_[i] = next - x;
    }
  }
  return true;
}

// Rows before the first valid pixel are filled by row(), once there is something to fill with.
void Scene::fill_rows(int y0, int rows) {
  const auto width = static_cast<std::size_t>(width_);
  bool fill[kRowsAtOnce] = {}, any = false;
  const bool met = first_valid_ >= 0;
  for (int i = 0; i < rows; ++i) {
    if (!any_valid(y0 + i) && first_valid_ < 0) continue;
    fill[i] = find_sources(y0 + i, sources_.data() + static_cast<std::size_t>(i) * width);
    any = any || fill[i];
    if (first_valid_ < 0) first_valid_ = y0 + i;
  }
  if (!any && (met || first_valid_ < 0)) return;
  parallel_.for_each(band_count(), [&](int s, int) noexcept {
    for (int i = 0; i < rows; ++i) {
      const int y = y0 + i;
      std::uint16_t* const line = slot_row(s, y);
      if (fill[i]) {
        const std::uint16_t* const above = y > 0 ? row(s, y - 1) : line;
        const std::uint8_t* const valid = valid_row(y);
        const int* const f = sources_.data() + static_cast<std::size_t>(i) * width;
        for (int x = 0; x < width_; ++x)
          if (valid[x] == 0) line[x] = f[x] >= 0 ? line[f[x]] : above[x];
      }
      if (!met && y == first_valid_) std::copy_n(line, width, lead_.data() + static_cast<std::size_t>(s) * width);
    }
  });
}

void Scene::read(int rows) {
  const int end = rows_read_ + std::min({rows, height_ - rows_read_, ring_ - 1});
  for (int count; rows_read_ < end; rows_read_ += count) {
    const int y0 = rows_read_;
    count = std::min(end - y0, kRowsAtOnce);
    for (int s = 0; s < band_count(); ++s) take_rows(s, y0, count);
    std::atomic<std::int64_t> saturated{0};
    parallel_.for_each(count, [&](int i, int) noexcept {
      for (int s = 0; s < band_count(); ++s) resample_row(s, y0 + i);
      saturated += judge_row(y0 + i);
    });
    saturated_pixels_ += saturated;
    fill_rows(y0, count);
  }
  if (rows_read_ == height_)
    for (Band& b : bands_) b.reader.reset();  // most of the memory, which pictures and reports may want
}

std::size_t Scene::memory() const {
  std::size_t bytes = (values() + lead_.size()) * sizeof(std::uint16_t) +
                      static_cast<std::size_t>(valid_ring_) * static_cast<std::size_t>(width_) +
                      sources_.size() * sizeof(int);
  std::size_t call = 0;  // bands are read in turn
  for (const Band& b : bands_) {
    bytes += b.lines.size() * sizeof(std::uint16_t) + b.column.size() * sizeof(int);
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
    b.first = passed;
    b.held = 0;
  }
}

}  // namespace dtacs
