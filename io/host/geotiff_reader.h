// SPDX-License-Identifier: Apache-2.0
// GeoTIFF read row by row: what GeoTiffWriter and GDAL make of rasters of u8, u16, i16 or
// f32.  Strips or tiles; bands apart or interleaved; stored plain, as DEFLATE, LZW or
// PackBits, with or without differences (predictors 2 and 3); classic and BigTIFF; both
// byte orders.  Only the first image of a file is read: the others are overviews.
//
//   const GeoTiff tiff("mask.tif");
//   GeoTiffBand band(tiff, 0);
//   band.read_rows(16, rows, tiff.info().width);
//
// Memory: one row of tiles (or one strip) of the band, and one tile of all its samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dtacs {

enum class SampleKind { u8, u16, i16, f32 };

struct GeoTiffInfo {
  int width = 0, height = 0;
  int bands = 0;
  SampleKind kind = SampleKind::u8;
  int epsg = 0;                        // 0: it names no coordinate system; kUncodedCrs: one without a code
  double ulx = 0, uly = 0;             // the upper-left corner of the upper-left pixel
  double pixel_size = 0;               // 0: not placed; pixels are square and north is up
  std::string place_problem = {};      // placed in another way, and in which: "it is turned"; see grid_problem()
  std::optional<double> no_data = {};  // GDAL's, of all bands
  bool last_is_alpha = false;          // the last of several bands says how opaque the others are
  // One per band:
  std::vector<double> scale{}, offset{};  // physical = stored * scale + offset; 1 and 0 where the file does not say
  std::vector<std::string> band_names{};  // "" where it has none
};

class GeoTiff {
 public:
  // Reads the directory.  Throws Failure: missing_input; bad_data (no TIFF, damaged);
  // unsupported (a kind of TIFF this does not read; the line names it).
  explicit GeoTiff(const std::string& path);
  const GeoTiffInfo& info() const;

 private:
  friend class GeoTiffBand;
  struct Layout;
  std::shared_ptr<const Layout> layout_;
};

// One band's rows, top to bottom.
class GeoTiffBand {
 public:
  // Keeps what it needs of `tiff`.  band: from 0.  Throws Failure(memory_cap) when a tile
  // or strip is larger than this program unpacks at once.
  GeoTiffBand(const GeoTiff& tiff, int band);
  ~GeoTiffBand();
  GeoTiffBand(GeoTiffBand&&) noexcept;

  // The next `rows` rows as stored, row y at out + y * stride; where a tile or strip is not,
  // as in GDAL's sparse files, the no-data value (0 without one), even one that no sample of
  // the kind can have.  Asking for more rows than there are is the caller's mistake.  Throws
  // Failure(bad_data).
  void read_rows(int rows, float* out, std::ptrdiff_t stride);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dtacs
