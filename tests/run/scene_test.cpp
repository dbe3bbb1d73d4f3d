// SPDX-License-Identifier: Apache-2.0
// The working grid: resampling, windows, sizes that do not divide, no data.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "tests/host/temp_folder.h"
#include "tools/run/scene.h"

namespace dtacs::test {

namespace {

constexpr int kB01 = 0, kB02 = 1, kB03 = 2, kB05 = 4;

// A product out of functions: DN of a band at a native (y, x).
struct Layer {
  int band, width, height;
  std::function<int(int, int)> dn;
};

class InventedReader : public BandReader {
 public:
  InventedReader(const Layer& layer, const PixelWindow& window) : layer_(layer), window_(window) {
    REQUIRE(window.x + window.width <= layer.width);
    REQUIRE(window.y + window.height <= layer.height);
  }
  int width() const override { return window_.width; }
  int height() const override { return window_.height; }
  void read_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride) override {
    REQUIRE(next_ + rows <= window_.height);
    for (int y = 0; y < rows; ++y, ++next_)
      for (int x = 0; x < window_.width; ++x)
        out[y * stride + x] = static_cast<std::uint16_t>(layer_.dn(window_.y + next_, window_.x + x));
  }

 private:
  const Layer& layer_;
  PixelWindow window_;
  int next_ = 0;
};

class InventedProduct : public Product {
 public:
  explicit InventedProduct(std::vector<Layer> layers) : layers_(std::move(layers)) {
    info_.path = "invented";
    info_.ulx = 600000;
    info_.uly = 5000040;
    for (const Layer& l : layers_)
      info_.bands.push_back(
          {l.band, kBandNames[l.band], l.width, l.height, static_cast<double>(kBandMetres[l.band]), 0});
  }
  std::unique_ptr<BandReader> open_band(int index, const BandOptions& options) const override {
    return std::make_unique<InventedReader>(layers_[static_cast<std::size_t>(index)], options.window);
  }
  ProductInfo& change() { return info_; }

 private:
  std::vector<Layer> layers_;
};

int position(int y, int x) {
  return 1 + (131 * y + x) % 60000;
}

// Every row as it is read, `chunk` at a time: values of a slot, validity.
struct Rows {
  std::vector<std::vector<int>> values;
  std::vector<std::vector<int>> valid;
};

Rows read_all(Scene& scene, int slot, int chunk) {
  scene.keep(scene.height(), scene.height());
  scene.prepare();
  while (scene.rows_read() < scene.height()) scene.read(chunk);
  Rows rows;
  for (int y = 0; y < scene.height(); ++y) {
    rows.values.emplace_back(scene.row(slot, y), scene.row(slot, y) + scene.width());
    rows.valid.emplace_back(scene.valid_row(y), scene.valid_row(y) + scene.width());
  }
  return rows;
}

}  // namespace

TEST_CASE("scene: coarse bands come by nearest neighbour, with or without a window") {
  const InventedProduct product({{kB01, 7, 9, position}, {kB02, 43, 55, position}, {kB05, 21, 27, position}});
  for (const Rect window : {Rect{0, 0, 43, 55}, Rect{5, 7, 30, 41}, Rect{42, 54, 1, 1}, Rect{11, 0, 32, 3}})
    for (const int chunk : {1, 5, 48}) {
      Scene scene(product, {.bands = {kB01, kB02, kB05}, .window = window});
      CHECK(scene.pixel_size() == 10);
      CHECK(scene.ulx() == 600000 + 10 * window.x);
      CHECK(scene.uly() == 5000040 - 10 * window.y);
      for (const auto& [slot, scale, width, height] :
           {std::tuple{0, 6, 7, 9}, std::tuple{1, 1, 43, 55}, std::tuple{2, 2, 21, 27}}) {
        Scene again(product, {.bands = {kB01, kB02, kB05}, .window = window});
        const Rows rows = read_all(again, slot, chunk);
        int wrong = 0;
        for (int y = 0; y < window.height; ++y)
          for (int x = 0; x < window.width; ++x) {
            const int native_y = std::min((window.y + y) / scale, height - 1);
            const int native_x = std::min((window.x + x) / scale, width - 1);
            wrong +=
                rows.values[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] != position(native_y, native_x);
          }
        CHECK(wrong == 0);
      }
    }
}

TEST_CASE("scene: at 20 m fine bands are means, odd sizes too") {
  for (const auto& [fine, coarse] : {std::pair{60, 30}, {61, 31}, {61, 30}, {2, 1}}) {
    const InventedProduct product({{kB02, fine, fine, position}, {kB05, coarse, coarse, position}});
    Scene scene(product, {.bands = {kB02, kB05}, .resolution = 20});
    CHECK(scene.width() == fine / 2);
    const Rows rows = read_all(scene, 0, 7);
    int wrong = 0;
    for (int y = 0; y < scene.height(); ++y)
      for (int x = 0; x < scene.width(); ++x) {
        const int sum = position(2 * y, 2 * x) + position(2 * y, 2 * x + 1) + position(2 * y + 1, 2 * x) +
                        position(2 * y + 1, 2 * x + 1);
        wrong += rows.values[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] != (sum + 2) / 4;
      }
    CHECK(wrong == 0);
  }
}

TEST_CASE("scene: sizes and windows that do not fit are refused by name") {
  const InventedProduct wrong({{kB02, 60, 60, position}, {kB03, 60, 61, position}});
  check_fails(Exit::bad_data, "B03|60 x 61", [&] { Scene(wrong, {.bands = {kB02, kB03}}); });
  const InventedProduct coarse({{kB02, 60, 60, position}, {kB01, 9, 10, position}});
  check_fails(Exit::bad_data, "B01|9 x 10", [&] { Scene(coarse, {.bands = {kB01, kB02}}); });
  const InventedProduct good({{kB02, 60, 60, position}});
  check_fails(Exit::usage, "window|60 x 60", [&] { Scene(good, {.bands = {kB02}, .window = Rect{0, 1, 60, 60}}); });
  check_fails(Exit::missing_input, "B03|B05", [&] { Scene(good, {.bands = {kB02, kB03, kB05}}); });
  check_fails(Exit::unsupported, "20 m", [&] {
    const InventedProduct only60({{kB01, 10, 10, position}});
    Scene(only60, {.bands = {kB01}, .resolution = 20});
  });
}

TEST_CASE("scene: at 20 m a size that 60 m does not divide was once refused") {
  const InventedProduct odd({{kB02, 61, 61, position}, {kB05, 31, 31, position}, {kB01, 11, 11, position}});
  Scene scene(odd, {.bands = {kB01, kB02, kB05}, .resolution = 20});
  CHECK((scene.width() == 30 && scene.height() == 30));
  const Rows rows = read_all(scene, scene.slot(kB01), 4);
  CHECK(rows.values[29][29] == position(9, 9));
  const InventedProduct pixel({{kB02, 1, 1, position}, {kB05, 1, 1, position}});
  check_fails(Exit::unsupported, "one pixel", [&] { Scene(pixel, {.bands = {kB02, kB05}, .resolution = 20}); });
}

TEST_CASE("scene: no data in any band, by 0 or by the product's own value, and its neighbours' values") {
  InventedProduct product({{kB02, 12, 12, [](int y, int x) { return y == 5 && x > 7 ? 77 : 1000 + x; }},
                           {kB05, 6, 6, [](int y, int x) { return y == 0 && x == 0 ? 0 : 5; }}});
  product.change().no_data = 77;
  Scene scene(product, {.bands = {kB02, kB05}});
  const Rows rows = read_all(scene, 0, 4);
  for (int y = 0; y < 12; ++y)
    for (int x = 0; x < 12; ++x) {
      const bool gone = (y < 2 && x < 2) || (y == 5 && x > 7);
      const auto iy = static_cast<std::size_t>(y), ix = static_cast<std::size_t>(x);
      CHECK(rows.valid[iy][ix] == (gone ? 0 : 1));
      if (!gone) CHECK(rows.values[iy][ix] == 1000 + x);
    }
  CHECK(rows.values[0][0] == 1002);   // from the right: the nearest valid pixel
  CHECK(rows.values[5][8] == 1007);   // from the left
  CHECK(rows.values[5][11] == 1011);  // from above, nearer than 1007 four to the left
}

TEST_CASE("scene: rows before the first valid pixel take its row, however many they are") {
  constexpr int kHeight = 700, kFirst = 600;
  const InventedProduct product({{kB02, 9, kHeight, [](int y, int x) { return y < kFirst ? 0 : 100 + x; }}});
  Scene scene(product, {.bands = {kB02}});
  scene.keep(20, 50);
  scene.prepare();
  for (int y = 0; y < kFirst; y += 10) {
    scene.read(10);
    CHECK(scene.filled_rows() == 0);
  }
  scene.read(10);
  CHECK(scene.filled_rows() == kFirst + 10);
  for (const int y : {0, 7, 580, kFirst - 1}) {
    CHECK(scene.row(0, y)[3] == 103);
    CHECK(scene.valid_row(y)[3] == 0);
    CHECK_FALSE(scene.any_valid(y));
  }
  CHECK(scene.valid_row(kFirst)[3] == 1);
}

TEST_CASE("scene: saturated pixels are valid and counted") {
  const InventedProduct product({{kB02, 10, 10, [](int y, int x) { return y == 3 && x < 4 ? 65535 : 9; }},
                                 {kB03, 10, 10, [](int y, int x) { return y == 3 && x == 0 ? 0 : 9; }}});
  Scene scene(product, {.bands = {kB02, kB03}});
  const Rows rows = read_all(scene, 0, 3);
  CHECK(scene.saturated_pixels() == 3);
  CHECK(rows.valid[3][1] == 1);
  CHECK(rows.values[3][1] == 65535);
}

}  // namespace dtacs::test
