// SPDX-License-Identifier: Apache-2.0
// GeoTIFF written row by row: one or several bands of u8 or u16 on one grid.
//
//   GeoTiffWriter w("mask.tif", {.width = 10980, .height = 10980, .epsg = 32631, ...});
//   while (...) w.write_rows(0, rows, count);
//   w.finish();
//
// Each band is stored apart (PlanarConfiguration 2) in strips of about 256 KiB in the
// order they become full, so rows of different bands may come interleaved in any way.
// Strips, not tiles: a row then leaves the memory as soon as its strip is full, and
// GDAL, QGIS and SNAP read both.  Little-endian.  The file is BigTIFF when it could
// pass 4 GB.  Nothing appears under `path` before finish() (see output_file.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/host/output_file.h"
#include "io/parallel.h"

namespace dtacs {

// One value of a classification: its colour in the palette and its name.
struct RasterClass {
  int value = 0;  // 0..255
  std::string name = {};
  std::uint8_t r = 0, g = 0, b = 0;
  std::uint8_t alpha = 255;  // for the QGIS style; TIFF palettes have none
};

// deflate is stb's, with fixed Huffman codes: on the machine this was written on a mask of
// 10,980 x 10,980 takes 2.4 s on one thread and becomes 60 times smaller, while 16-bit
// reflectance goes at 10 MB/s and loses 20 % with the predictor: store that as it is.
enum class Compress { none, deflate };

struct GeoTiffOptions {
  int width = 0, height = 0;
  int bands = 1;
  int bits = 8;            // 8 or 16
  bool is_signed = false;  // the samples are in two's complement
  Compress compress = Compress::deflate;
  bool predictor = false;                  // horizontal differences before deflate: pays for reflectance, not for masks
  Parallel parallel = Parallel::serial();  // who compresses; the file does not depend on it

  int epsg = 0;             // 0: no georeference at all
  double ulx = 0, uly = 0;  // the upper-left corner of the upper-left pixel
  double pixel_size = 0;

  int no_data = -1;                          // -1: none
  double scale = 1, offset = 0;              // physical = stored * scale + offset, told to GDAL
  std::vector<std::string> band_names = {};  // empty or one per band
  std::vector<RasterClass> classes = {};     // 8 bits, 1 band: palette, and names in PATH.aux.xml and a QGIS style
  std::vector<std::pair<std::string, std::string>> metadata = {};  // further GDAL metadata items
  bool always_big = false;                                         // BigTIFF whatever the size
  Unfinished unfinished = Unfinished::removed;
};

// Whether a file with these options could pass the 4 GB of a classic TIFF.
bool needs_big_tiff(const GeoTiffOptions& options);

class GeoTiffWriter {
 public:
  // Throws Failure(cannot_create), or Failure(usage) for options that make no sense.
  GeoTiffWriter(const std::string& path, const GeoTiffOptions& options);
  ~GeoTiffWriter();  // removes an unfinished file
  GeoTiffWriter(const GeoTiffWriter&) = delete;
  GeoTiffWriter& operator=(const GeoTiffWriter&) = delete;

  // The next `count` rows of a band (from 0), row y at rows + y * stride (in samples; 0: width).
  // The type must be the one of options.bits.  Throws Failure(io_error).
  void write_rows(int band, const std::uint8_t* rows, int count, std::ptrdiff_t stride = 0);
  void write_rows(int band, const std::uint16_t* rows, int count, std::ptrdiff_t stride = 0);

  // What was written so far, to go on from (see OutputFile::exchange).
  void exchange(StateArchive& state);

  // After all rows of all bands: the directory, the files beside it, the final names.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dtacs
