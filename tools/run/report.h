// SPDX-License-Identifier: Apache-2.0
// What a run did, for people and for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/host/geotiff.h"
#include "io/host/product.h"
#include "tools/run/loaded_weights.h"
#include "tools/run/scene.h"
#include "tools/run/truth.h"

namespace dtacs {

// Wall-clock seconds by stage.  "read" is decoding and resampling.
struct StageSeconds {
  double read = 0, classify = 0, correct = 0, write = 0, total = 0;
};

struct RunReport {
  const ProductInfo& product;
  const Scene& scene;
  bool offset_from_option = false;
  std::string warning;  // about radiometry and metadata; "" when there is none
  std::vector<const LoadedWeights*> weights;
  std::vector<RasterClass> classes;            // of the mask; empty without one
  const std::int64_t* class_pixels = nullptr;  // by mask value
  const Truth* truth = nullptr;
  StageSeconds seconds;
  int threads = 1;
  std::vector<std::string> files;  // in the output folder
};

// CRC-32C of a weights file as eight hexadecimal digits.
std::string crc_text(const WeightsFile& weights);

// The content of report.json.
std::string report_json(const RunReport& report);

// Class percentages, radiometry, agreement, times and files, to standard output.
void print_summary(const RunReport& report, const std::string& folder);

}  // namespace dtacs
