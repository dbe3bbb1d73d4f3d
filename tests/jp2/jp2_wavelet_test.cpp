// SPDX-License-Identifier: Apache-2.0
// The inverse transform against a forward transform written from the standard's
// formulas (T.800 F.4), for every small size and parity.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "io/jp2/wavelet.h"
#include "tests/support/suite.h"

namespace dtacs::test {
namespace {

template <class T>
using Plane = std::vector<std::vector<T>>;

// A whole-sample symmetric signal: index i of one that begins at `begin`.
template <class T>
T& at(std::vector<T>& v, int begin, int i) {
  const int n = static_cast<int>(v.size()), last = begin + n - 1;
  while (i < begin || i > last) i = i < begin ? 2 * begin - i : 2 * last - i;
  return v[static_cast<std::size_t>(i - begin)];
}

std::int32_t wrapped_sum(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

void forward(std::vector<std::int32_t>& v, int begin) {
  const int end = begin + static_cast<int>(v.size());
  if (v.size() == 1) {
    if (begin % 2 != 0) v[0] = wrapped_sum(v[0], v[0]);
    return;
  }
  const auto beside = [&](int i) { return wrapped_sum(at(v, begin, i - 1), at(v, begin, i + 1)); };
  const auto add = [&](int i, std::int32_t what) { at(v, begin, i) = wrapped_sum(at(v, begin, i), what); };
  const auto floor_div = [](int a, int b) { return static_cast<int>(std::floor(static_cast<double>(a) / b)); };
  for (int i = begin; i < end; ++i)
    if (i % 2 != 0) add(i, -floor_div(beside(i), 2));
  for (int i = begin; i < end; ++i)
    if (i % 2 == 0) add(i, floor_div(wrapped_sum(beside(i), 2), 4));
}

void forward(std::vector<float>& v, int begin) {
  const int end = begin + static_cast<int>(v.size());
  if (v.size() == 1) {
    if (begin % 2 != 0) v[0] *= 2;
    return;
  }
  const float k = 1.230174105f;
  const float steps[] = {-1.586134342f, -0.052980118f, 0.882911075f, 0.443506852f};
  for (int s = 0; s < 4; ++s)
    for (int i = begin; i < end; ++i)
      if (i % 2 != s % 2) at(v, begin, i) += steps[s] * (at(v, begin, i - 1) + at(v, begin, i + 1));
  for (int i = begin; i < end; ++i) at(v, begin, i) *= i % 2 != 0 ? k : 1 / k;
}

// An image, and what the forward transform makes of it.
template <class T>
struct Case {
  Plane<T> image;
  std::vector<T> band[2][2];  // [high in y][high in x], dense
  jp2::Rect rect;

  Case(int x0, int y0, int width, int height, int range, Rng& rng)
      : image(static_cast<std::size_t>(height), std::vector<T>(static_cast<std::size_t>(width))) {
    for (auto& row : image)
      for (T& v : row) v = static_cast<T>(rng.between(-range, range));
    Plane<T> bands = image;
    for (int x = 0; x < width; ++x) {
      std::vector<T> column;
      for (const auto& row : bands) column.push_back(row[static_cast<std::size_t>(x)]);
      forward(column, y0);
      for (std::size_t y = 0; y < bands.size(); ++y) bands[y][static_cast<std::size_t>(x)] = column[y];
    }
    for (auto& row : bands) forward(row, x0);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        band[(y + y0) & 1][(x + x0) & 1].push_back(bands[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)]);
    const auto u = [](int v) { return static_cast<std::uint32_t>(v); };
    rect = {u(x0), u(y0), u(x0 + width), u(y0 + height)};
  }

  Plane<T> inverse(const jp2::WaveletKernel& kernel) const {
    const std::ptrdiff_t lows = (rect.x1 + 1) / 2 - (rect.x0 + 1) / 2, highs = rect.width() - lows;
    std::vector<T> work(jp2::LevelSynthesis<T>::work_size(rect.width()));
    jp2::LevelSynthesis<T> level;
    level.start(kernel, rect, {band[0][0].data(), lows}, {band[0][1].data(), highs}, {band[1][0].data(), lows},
                {band[1][1].data(), highs}, work.data());
    Plane<T> rows;
    for (std::uint32_t y = 0; y < rect.height(); ++y) {
      const T* row = level.next();
      rows.emplace_back(row, row + rect.width());
    }
    return rows;
  }
};

template <class T>
double difference(const Plane<T>& a, const Plane<T>& b) {
  double most = 0;
  for (std::size_t y = 0; y < a.size(); ++y)
    for (std::size_t x = 0; x < a[y].size(); ++x)
      most = std::max(most, std::abs(static_cast<double>(a[y][x]) - static_cast<double>(b[y][x])));
  return most;
}

template <class F>
void for_each_kernel(F&& f) {
  for (const jp2::WaveletKernel& kernel : jp2::wavelet)
    if (runs_on(kernel.needs, detect_isa())) {
      INFO(std::string(kernel.name));
      f(kernel);
    }
}

}  // namespace

TEST_CASE("jp2: the inverse wavelets undo the forward ones") {
  Rng rng(3);
  for (int width = 1; width <= 20; ++width)
    for (int height = 1; height <= 20; ++height)
      for (int parity = 0; parity < 4; ++parity) {
        INFO(width << "x" << height << " at " << (parity & 1) << "," << (parity >> 1));
        const Case<std::int32_t> whole(parity & 1, parity >> 1, width, height, 70000, rng);
        CHECK(difference(whole.inverse(jp2::wavelet.reference()), whole.image) == 0);
        // OpenJPEG's high-pass scale is 33 millionths off, and floats have 24 bits.
        const Case<float> real(parity & 1, parity >> 1, width, height, 70000, rng);
        CHECK(difference(real.inverse(jp2::wavelet.reference()), real.image) < 30);
      }
  const Case<std::int32_t> large(0, 1, 1001, 77, 70000, rng);
  CHECK(difference(large.inverse(jp2::wavelet.reference()), large.image) == 0);
}

TEST_CASE("jp2: every kernel of the wavelets gives the bits of the scalar one") {
  Rng rng(5);
  for (int width = 1; width <= 150; width += width < 70 ? 1 : 13)
    for (const int height : {1, 2, 3, 6, 11})
      for (int parity = 0; parity < 4; ++parity) {
        INFO(width << "x" << height << " at " << (parity & 1) << "," << (parity >> 1));
        // Sums that wrap, too.
        const Case<std::int32_t> whole(parity & 1, parity >> 1, width, height, 1 << 29, rng);
        const Case<float> real(parity & 1, parity >> 1, width, height, 70000, rng);
        const auto want = whole.inverse(jp2::wavelet.reference());
        const auto real_want = real.inverse(jp2::wavelet.reference());
        for_each_kernel([&](const jp2::WaveletKernel& kernel) {
          CHECK(whole.inverse(kernel) == want);
          CHECK(real.inverse(kernel) == real_want);
        });
      }
}

TEST_CASE("jp2: every kernel makes the same pixels") {
  constexpr int kMost = 70;
  std::vector<std::int32_t> whole;
  std::vector<float> real;
  for (int i = 0; i < kMost; ++i) {
    const int v = i < 10 ? 5 - i : (i % 3 - 1) * (1 << (i % 31));
    whole.push_back(v);
    real.push_back(i == 17 ? NAN : static_cast<float>(i < 40 ? (i - 20) * 0.5 : v * 1.25));
  }
  for (const jp2::PixelRange range : {jp2::PixelRange{128, 0, 255}, {32768, 0, 65535}, {0, -2048, 2047}})
    for_each_kernel([&](const jp2::WaveletKernel& kernel) {
      for (int width = 1; width <= kMost; ++width) {
        std::vector<std::uint16_t> got(static_cast<std::size_t>(kMost) + 1, 0xabcd), got_real = got;
        kernel.ops->s32.pixels(whole.data(), width, range, got.data());
        kernel.ops->f32.pixels(real.data(), width, range, got_real.data());
        int wrong = 0;
        for (int x = 0; x < width; ++x) {
          const auto i = static_cast<std::size_t>(x);
          const auto pixel = [&](double v) {  // halves to even
            return static_cast<std::uint16_t>(static_cast<std::int32_t>(
                std::clamp(std::nearbyint(v) + range.shift, double(range.lowest), double(range.highest))));
          };
          wrong += got[i] != pixel(whole[i]);
          wrong += got_real[i] != pixel(std::isnan(real[i]) ? -1e6 : static_cast<double>(real[i]));
        }
        CHECK(wrong == 0);
        CHECK(got[static_cast<std::size_t>(width)] == 0xabcd);
        CHECK(got_real[static_cast<std::size_t>(width)] == 0xabcd);
      }
    });
}

}  // namespace dtacs::test
