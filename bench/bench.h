// SPDX-License-Identifier: Apache-2.0
// Timing a network as the plan runs it, stage by stage.
//
//   Setup -> bench_unet() or bench_pixelnet() -> Measured -> print_table() or json_of()
//
// A run takes a whole image from planes in memory to planes in memory.  The first run
// is not counted.  Before each run the machine's peak is measured, so that a slow
// moment slows both.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/peak.h"
#include "tools/run/loaded_weights.h"

namespace dtacs {

// Seconds on the clock, and of CPU time of all threads of the process.
struct Cost {
  double wall = 0, cpu = 0;

  static Cost now() noexcept;
  Cost operator-(const Cost& o) const noexcept { return {wall - o.wall, cpu - o.cpu}; }
  Cost& operator+=(const Cost& o) noexcept {
    wall += o.wall;
    cpu += o.cpu;
    return *this;
  }
};

// GOP/s of the loop over about 5 ms of this thread's CPU time.
double measure_peak(const PeakLoop& loop) noexcept;

struct Setup {
  LoadedWeights weights;
  std::string net;                                 // as the command line calls it
  int size = 512;                                  // of the square image; a multiple of 32
  int threads = 1, runs = 11, band = 0, deep = 0;  // see StreamOptions
  IsaSet isa = isa::none;
  std::vector<float> input;  // (bands, size, size), reflectance
};

// One stage of the plan, or what surrounds it.
struct Line {
  std::string name;  // the layers' keys, joined by "+"
  std::string op;
  double macs = 0;   // multiply-accumulates of the direct algorithm
  double bytes = 0;  // what must move at least: each tensor and weight that enters or leaves the stage, once
  std::vector<Cost> runs;
};

struct Measured {
  std::vector<Line> lines;
  std::vector<Cost> whole;    // a run each
  std::vector<double> peaks;  // GOP/s of one core, a run each
  std::size_t arena_bytes = 0;
  // (outputs, size, size) of the last run: scores, or reflectance; of int8, 1 in the plane of the pixel's class.
  std::vector<float> output;
};

Measured bench_unet(const Setup& setup);
Measured bench_pixelnet(const Setup& setup);

void print_table(const Setup& setup, const Measured& m);
std::string json_of(const Setup& setup, const Measured& m);

}  // namespace dtacs
