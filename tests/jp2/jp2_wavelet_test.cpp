// SPDX-License-Identifier: Apache-2.0
// The inverse transform against a forward transform written from the standard's
// formulas (T.800 F.4), for every small size and parity.
#include <doctest/doctest.h>

#include <cmath>
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

void forward(std::vector<std::int32_t>& v, int begin) {
  const int end = begin + static_cast<int>(v.size());
  if (v.size() == 1) {
    if (begin % 2 != 0) v[0] *= 2;
    return;
  }
  const auto floor_div = [](int a, int b) { return static_cast<int>(std::floor(static_cast<double>(a) / b)); };
  for (int i = begin; i < end; ++i)
    if (i % 2 != 0) at(v, begin, i) -= floor_div(at(v, begin, i - 1) + at(v, begin, i + 1), 2);
  for (int i = begin; i < end; ++i)
    if (i % 2 == 0) at(v, begin, i) += floor_div(at(v, begin, i - 1) + at(v, begin, i + 1) + 2, 4);
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

template <class T>
double worst(int x0, int y0, int width, int height, Rng& rng) {
  Plane<T> image(static_cast<std::size_t>(height), std::vector<T>(static_cast<std::size_t>(width)));
  for (auto& row : image)
    for (T& v : row) v = static_cast<T>(rng.between(-70000, 70000));
  Plane<T> bands = image;
  for (int x = 0; x < width; ++x) {
    std::vector<T> column;
    for (const auto& row : bands) column.push_back(row[static_cast<std::size_t>(x)]);
    forward(column, y0);
    for (std::size_t y = 0; y < bands.size(); ++y) bands[y][static_cast<std::size_t>(x)] = column[y];
  }
  for (auto& row : bands) forward(row, x0);
  std::vector<T> band[2][2];  // [high in y][high in x], dense
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      band[(y + y0) & 1][(x + x0) & 1].push_back(bands[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)]);

  const std::ptrdiff_t lows = (x0 + width + 1) / 2 - (x0 + 1) / 2, highs = width - lows;
  std::vector<T> work(jp2::LevelSynthesis<T>::work_size(static_cast<std::size_t>(width)));
  jp2::LevelSynthesis<T> level;
  const auto u = [](int v) { return static_cast<std::uint32_t>(v); };
  level.start({u(x0), u(y0), u(x0 + width), u(y0 + height)}, {band[0][0].data(), lows}, {band[0][1].data(), highs},
              {band[1][0].data(), lows}, {band[1][1].data(), highs}, work.data());
  double most = 0;
  for (const auto& row : image) {
    const T* got = level.next();
    for (std::size_t x = 0; x < row.size(); ++x)
      most = std::max(most, std::abs(static_cast<double>(got[x]) - static_cast<double>(row[x])));
  }
  return most;
}

}  // namespace

TEST_CASE("jp2: the inverse wavelets undo the forward ones") {
  Rng rng(3);
  for (int width = 1; width <= 20; ++width)
    for (int height = 1; height <= 20; ++height)
      for (int parity = 0; parity < 4; ++parity) {
        INFO(width << "x" << height << " at " << (parity & 1) << "," << (parity >> 1));
        CHECK(worst<std::int32_t>(parity & 1, parity >> 1, width, height, rng) == 0);
        // OpenJPEG's high-pass scale is 33 millionths off, and floats have 24 bits.
        CHECK(worst<float>(parity & 1, parity >> 1, width, height, rng) < 30);
      }
  CHECK(worst<std::int32_t>(0, 1, 1001, 77, rng) == 0);
}

}  // namespace dtacs::test
