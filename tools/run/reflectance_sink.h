// SPDX-License-Identifier: Apache-2.0
// Surface reflectance on its way to disk: u16 x 10000, 0 = no data, so a valid
// pixel whose reflectance rounds to 0 is stored as 1.
//
// Either one stack of all bands on the working grid, or one file per native
// resolution.  A native pixel coarser than the grid gets the mean of the valid
// working pixels it covers, rounded, and no data when there are none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/host/geotiff.h"
#include "io/parallel.h"
#include "net/model.h"
#include "tools/run/scene.h"

namespace dtacs {

struct ReflectanceOptions {
  std::string folder;
  bool stack = false;
  int epsg = 0;
  Parallel parallel = Parallel::serial();
  Unfinished unfinished = Unfinished::removed;
  std::vector<std::pair<std::string, std::string>> metadata;
};

class ReflectanceSink {
 public:
  ReflectanceSink(const Scene& scene, const Model& model, const ReflectanceOptions& options);

  // Row y of every output band, in ascending y; rows[m] has scene.width() pixels.
  // valid: 1 or 0 by pixel; rows are masked in place.  Bands are shared out among threads.
  void add(int y, std::uint16_t* const* rows, const std::uint8_t* valid);
  void finish();
  void exchange(StateArchive& state);  // see io/host/state_archive.h

  const std::vector<std::string>& files() const { return files_; }

 private:
  // A file: bands of one native resolution.
  struct File {
    std::unique_ptr<GeoTiffWriter> writer;
    int slot = 0;   // in the scene, of a band whose native grid it has
    int scale = 1;  // working pixels to a native one
    // Of a file coarser than the working grid:
    std::vector<int> columns;          // first working column of each native one, and the end
    int current = 0;                   // native row being summed
    std::vector<std::uint32_t> count;  // valid working pixels so far, by native column
  };
  struct Band {
    std::size_t file = 0;
    int index = 0;                    // in it
    std::vector<std::uint32_t> sum;   // of valid working pixels, by native column
    std::vector<std::uint16_t> mean;  // of a native row that is complete
  };

  void flush(File& file);

  const Scene& scene_;
  Parallel parallel_;
  std::vector<Band> bands_;
  std::vector<File> open_;
  std::vector<std::string> files_;
};

}  // namespace dtacs
