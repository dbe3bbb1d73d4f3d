// SPDX-License-Identifier: Apache-2.0
// The main job: an L1C product to a cloud and shadow mask and to surface reflectance.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/host/product.h"
#include "kernels/isa.h"
#include "tools/run/args.h"

namespace dtacs {

// Of classification; correction is always float32.
enum class Precision {
  automatic,  // that of the weights given; of the built-in ones, see int8_by_default()
  f32,
  int8,
};

struct RunOptions {
  std::string product;
  std::string folder;                // where outputs go
  std::vector<std::string> weights;  // files, at most one per task; else the built-in ones
  bool mask = true, reflectance = true;
  bool stack = false;
  Precision precision = Precision::automatic;
  int resolution = 0;          // metres: 10 or 20; 0: the finest band's
  std::optional<Rect> window;  // on the working grid
  std::optional<int> offset;   // RADIO_ADD_OFFSET instead of the metadata's
  int threads = 0;             // 0: as many as the machine has
  IsaSet isa = isa::none;
  bool quiet = false;
  bool resume = false;                // keep a state beside the outputs, go on from one that is there
  std::optional<int> checkpoint;      // seconds between states; else 30
  std::optional<double> time_budget;  // seconds after which the run stops with a state, once it got further
  std::uint64_t max_memory = 0;       // bytes; 0: any
  std::uint64_t split = 0;            // bytes of a piece for the downlink; 0: no pieces (see downlink.h)
  std::string truth;                  // folder of the true answer, or ""
  ProductHints hints;
};

// Writes mask.tif, reflectance*.tif, quicklooks and report.json into options.folder,
// each complete or not at all, the report last.  Throws Failure: interrupted and time_budget when it
// stopped with a state (see run_state.h); memory_cap when not even the leanest way fits max_memory;
// folder_in_use when another run writes there.  What speaks against a run is found before
// anything in the folder is touched.  Returns what the report warns of, or "".
std::string run(const RunOptions& options);

// The options of a run, all but product, folder and truth.
RunOptions run_options(Args& args);

// `dtacs run ...`, `dtacs watch ...` and `dtacs info ...`: parse, work, print.
void run_command(Args& args);
void watch_command(Args& args);
void info_command(Args& args);

extern const char* const kRunUsage;
extern const char* const kWatchUsage;
extern const char* const kInfoUsage;

}  // namespace dtacs
