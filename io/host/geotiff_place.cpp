// SPDX-License-Identifier: Apache-2.0
#include "io/host/geotiff_place.h"

namespace dtacs {

namespace {

constexpr int kModelPixelScale = 33550, kModelTiepoint = 33922, kModelTransformation = 34264, kGeoKeyDirectory = 34735;
constexpr std::uint64_t kModelType = 1024, kRasterType = 1025, kGeographic = 2048, kProjected = 3072;  // GeoKeys
constexpr std::uint64_t kUserDefined = 32767;  // in a GeoKey: the parameters follow instead of a code

}  // namespace

std::optional<GeoTiffPlace> geotiff_place(const TiffFields& f) {
  const std::vector<double> scale = f.doubles(kModelPixelScale), tie = f.doubles(kModelTiepoint),
                            matrix = f.doubles(kModelTransformation);
  GeoTiffPlace p;
  if (scale.size() >= 2 && tie.size() >= 6) {
    p.dx = scale[0];
    p.dy = scale[1];
    p.ulx = tie[3] - tie[0] * p.dx;
    p.uly = tie[4] + tie[1] * p.dy;
  } else if (matrix.size() == 16 && matrix[1] == 0 && matrix[4] == 0) {
    p.dx = matrix[0];
    p.dy = -matrix[5];
    p.ulx = matrix[3];
    p.uly = matrix[7];
  } else {
    return std::nullopt;
  }
  std::vector<std::uint64_t> keys;
  int geographic = 0;
  if (f.has(kGeoKeyDirectory)) keys = f.numbers(kGeoKeyDirectory, 65536);
  for (std::size_t k = 4; k + 3 < keys.size(); k += 4) {
    if (keys[k + 1] != 0) continue;  // not the value itself
    const std::uint64_t key = keys[k], value = keys[k + 3];
    if (key == kModelType) p.projected = value == 1;
    if (key == kRasterType && value == 2) {  // the tie point is the middle of a pixel
      p.ulx -= p.dx / 2;
      p.uly += p.dy / 2;
    }
    if (key == kProjected && value < kUserDefined) p.epsg = static_cast<int>(value);
    if (key == kGeographic && value < kUserDefined) geographic = static_cast<int>(value);
  }
  if (p.epsg == 0 && !p.projected) p.epsg = geographic;  // a projection of its own is based on a geographic system too
  return p;
}

}  // namespace dtacs
