// SPDX-License-Identifier: Apache-2.0
// Agreement of a run with a known answer, counted while rows are produced: for
// simulated scenes, which come with their true mask and surface reflectance.
//
// A truth folder holds mask.jp2 (classes 0..3 on the working grid, 255 = not
// counted) and/or B01.jp2 ... B12.jp2 (surface reflectance x 10000, 0 = not counted)
// on each band's native grid.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/host/json.h"
#include "tools/eval/mask_scores.h"
#include "tools/eval/reflectance_errors.h"
#include "tools/run/scene.h"

namespace dtacs {

class Truth {
 public:
  // Throws Failure(missing_input) when the folder holds neither.
  // window: the scene's, on the working grid.
  Truth(const std::string& folder, const Scene& scene, const Rect& window, const Parallel& parallel);

  void add_classes(const std::uint8_t* classes);  // the next row; 255: not counted
  // Row y of a corrected band and the uncorrected digital numbers of the same pixels.
  // Counted where the true class is clear, or everywhere when there is no true mask.
  void add_reflectance(int y, int band, const std::uint16_t* corrected, const std::uint16_t* digital_numbers);

  void print() const;                // a table for people
  void report(JsonWriter& j) const;  // members of an open object

 private:
  bool compares_masks() const { return mask_.reader && confusion_.pixels() > 0; }

  struct Errors {
    ReflectanceErrors corrected, before;
  };
  struct Source {
    std::unique_ptr<BandReader> reader;
    int current = -1;
    std::vector<std::uint16_t> line;
  };

  const Scene& scene_;
  Source mask_;        // read in step with the classes
  Source clear_mask_;  // the same file, read in step with the reflectance
  std::map<int, Source> bands_;
  Confusion confusion_;
  std::map<int, Errors> errors_;
};

}  // namespace dtacs
