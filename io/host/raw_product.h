// SPDX-License-Identifier: Apache-2.0
// Raw bands: unsigned 16-bit samples, band after band (BSQ), all on one grid.
//
// What they mean comes from an ENVI header, a flag line, or both; the flag line wins.
//
// ENVI: X.hdr or X.img.hdr beside the data, which may be X, X.img, X.bsq, X.raw, X.dat,
// X.bin or X.u16.  Read are samples, lines, bands, header offset, data type (12),
// interleave (bsq), byte order (0, 1), band names, map info (UTM, WGS-84, north-up),
// data ignore value, reflectance scale factor, and data gain values with data offset values where they say the same of
// all bands and are those of reflectance: gain 0.0001, offset -0.1 are quantification 10000, offset -1000 (to the
// nearest whole number).
//
// Flag line (ProductHints::raw_header), fields in any order, apart by commas:
//   width=512,height=512,bands=B02+B03+B04+B08,res=10,epsg=32631,ulx=399960,uly=4693200,
//   offset=-1000,quantification=10000,header=0,order=little,nodata=0
// width, height and bands must come from one of the two; an ENVI header of 13 bands without their names means
// B01..B12 in the usual order.  epsg, ulx and uly come together or not at all.  The rest defaults to 10 m,
// no place on Earth, offset 0, 10000, no header bytes, little-endian, 0.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/host/product.h"

namespace dtacs {

struct RawHeader {
  int width = 0, height = 0;
  std::vector<int> bands;      // 0..12, in the file's order
  bool bands_assumed = false;  // because there are 13
  std::uint64_t header_bytes = 0;
  bool big_endian = false;
  double pixel = 10;  // metres on the ground
  std::optional<int> epsg;
  std::optional<double> ulx, uly;
  int add_offset = 0;
  double quantification = 10000;
  bool offset_known = false, quantification_known = false;  // written down
  int no_data = 0;
};

// Both change what they find words for and leave the rest.  `file` names the header in
// messages.  Throw Failure: bad_data for a damaged ENVI header, unsupported for one of
// other samples, usage for a wrong flag line.
void parse_envi_header(const std::string& text, const std::string& file, RawHeader& header);
void parse_raw_flags(const std::string& line, RawHeader& header);

}  // namespace dtacs
