// SPDX-License-Identifier: Apache-2.0
#include "io/host/geotiff_place.h"

#include <algorithm>
#include <cmath>

namespace dtacs {

namespace {

constexpr int kModelPixelScale = 33550, kModelTiepoint = 33922, kModelTransformation = 34264, kGeoKeyDirectory = 34735;
constexpr std::uint64_t kModelType = 1024, kRasterType = 1025, kGeographic = 2048, kProjected = 3072;  // GeoKeys

// 0 is GeoTIFF's "undefined"; from 32768 on codes are private.
int epsg_of(std::uint64_t key) {
  return static_cast<int>(std::min<std::uint64_t>(key, kUncodedCrs));
}

}  // namespace

std::string grid_problem(double dx, double dy, double skew) {
  if (skew > kMostSkew * std::max(std::fabs(dx), std::fabs(dy))) return "it is turned";
  if (dx < 0 || dy < 0) return kFlipped;
  return std::fabs(dx - dy) > 1e-6 * dx ? "its pixels are not square" : "";
}

std::optional<GeoTiffPlace> geotiff_place(const TiffFields& f) {
  const std::vector<double> scale = f.doubles(kModelPixelScale), tie = f.doubles(kModelTiepoint),
                            matrix = f.doubles(kModelTransformation);
  GeoTiffPlace p;
  if (scale.size() >= 2 && tie.size() >= 6) {
    p.dx = scale[0];
    p.dy = scale[1];
    p.ulx = tie[3] - tie[0] * p.dx;
    p.uly = tie[4] + tie[1] * p.dy;
  } else if (matrix.size() == 16) {
    p.dx = matrix[0];
    p.dy = -matrix[5];
    p.ulx = matrix[3];
    p.uly = matrix[7];
    p.skew = std::fabs(matrix[1]) + std::fabs(matrix[4]);
  } else if (tie.size() >= 12) {
    p.skew = 1;
  } else {
    return std::nullopt;
  }
  if (!std::isfinite(p.dx + p.dy + p.skew)) return std::nullopt;
  std::vector<std::uint64_t> keys;
  int geographic = 0;
  bool named = false;
  if (f.has(kGeoKeyDirectory)) keys = f.numbers(kGeoKeyDirectory, 65536);
  for (std::size_t k = 4; k + 3 < keys.size(); k += 4) {
    if (keys[k + 1] != 0) continue;  // not the value itself
    const std::uint64_t key = keys[k], value = keys[k + 3];
    if (key == kModelType) {
      p.projected = value == 1;
      named = value != 0;
    }
    if (key == kRasterType && value == 2) {  // the tie point is the middle of a pixel
      p.ulx -= p.dx / 2;
      p.uly += p.dy / 2;
    }
    if (key == kProjected) p.epsg = epsg_of(value);
    if (key == kGeographic) geographic = epsg_of(value);
  }
  if (p.epsg == 0 && !p.projected) p.epsg = geographic;  // a projection of its own is based on a geographic system too
  if (p.epsg == 0 && named) p.epsg = kUncodedCrs;
  return p;
}

}  // namespace dtacs
