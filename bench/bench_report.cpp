// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <fstream>

#include "bench/bench.h"
#include "bench/peak.h"
#include "io/host/json.h"

namespace dtacs {

namespace {

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const std::size_t n = v.size();
  return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

Cost median(const std::vector<Cost>& runs) {
  std::vector<double> wall, cpu;
  for (const Cost& c : runs) {
    wall.push_back(c.wall);
    cpu.push_back(c.cpu);
  }
  return {median(wall), median(cpu)};
}

// What the rates are computed from: CPU time, which other programs on the machine
// disturb least; with several threads the clock, as CPU time counts a thread that waits.
double seconds(const Setup& setup, const Cost& c) {
  return setup.threads == 1 ? c.cpu : c.wall;
}

const char* precision_of(const Setup& setup) {
  return setup.weights.model.int8 ? "int8" : "f32";
}

struct Rate {
  double gops, of_peak;
};

Rate rate(const Setup& setup, const Measured& m, double macs, const Cost& c) {
  const double gops = 2 * macs / seconds(setup, c) / 1e9;
  return {gops, gops / (median(m.peaks) * setup.threads)};
}

double total_macs(const Measured& m) {
  double macs = 0;
  for (const Line& l : m.lines) macs += l.macs;
  return macs;
}

// The sum of the lines' medians, so that the shares add up to one.
double total_seconds(const Setup& setup, const Measured& m) {
  double sum = 0;
  for (const Line& l : m.lines) sum += seconds(setup, median(l.runs));
  return sum;
}

double least_wall(const Measured& m) {
  double least = m.whole[0].wall;
  for (const Cost& c : m.whole) least = std::min(least, c.wall);
  return least;
}

// Unlike getrusage()'s, this maximum does not start from the parent's.
std::int64_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  std::int64_t kibibytes = 0;
  for (std::string word; status >> word;)
    if (word == "VmHWM:") status >> kibibytes;
  return kibibytes * 1024;
}

constexpr double kMebi = 1048576;

}  // namespace

void print_table(const Setup& setup, const Measured& m) {
  const double sum = total_seconds(setup, m), pixels = static_cast<double>(setup.size) * setup.size;
  const PeakLoop& peak = peak_loop(setup.isa, setup.weights.model.int8);
  std::printf("%s, %s, %d x %d, %s, %s, %d thread%s, medians of %d runs\n", setup.net.c_str(),
              setup.weights.name.c_str(), setup.size, setup.size, precision_of(setup), best_name(setup.isa),
              setup.threads, setup.threads == 1 ? "" : "s", setup.runs);
  std::size_t name_width = 0, op_width = 0;
  for (const Line& l : m.lines) {
    name_width = std::max(name_width, l.name.size());
    op_width = std::max(op_width, l.op.size());
  }
  const auto begin_row = [&](const std::string& name, const std::string& op) {
    std::printf("%-*s %-*s", static_cast<int>(name_width), name.c_str(), static_cast<int>(op_width), op.c_str());
  };
  begin_row("layer", "operation");
  std::printf(" %9s %8s %9s %7s %8s %7s\n", "Mmac", "MB", "ms", "share", "GOP/s", "of peak");
  for (const Line& l : m.lines) {
    const double s = seconds(setup, median(l.runs));
    begin_row(l.name, l.op);
    std::printf(" %9.2f %8.2f %9.3f %6.2f%%", l.macs / 1e6, l.bytes / 1e6, s * 1e3, s / sum * 100);
    if (l.macs > 0) {
      const Rate r = rate(setup, m, l.macs, median(l.runs));
      std::printf(" %8.1f %6.0f%%", r.gops, r.of_peak * 100);
    }
    std::printf("\n");
  }
  const Cost whole = median(m.whole);
  const Rate r = rate(setup, m, total_macs(m), whole);
  begin_row("whole", "");
  std::printf(" %9.2f %8s %9.3f %7s %8.1f %6.0f%%\n", total_macs(m) / 1e6, "", seconds(setup, whole) * 1e3, "", r.gops,
              r.of_peak * 100);
  std::printf("whole: %.2f ms on the clock (least %.2f), %.2f ms of CPU time; %.2f ns a pixel\n", whole.wall * 1e3,
              least_wall(m) * 1e3, whole.cpu * 1e3, seconds(setup, whole) * 1e9 / pixels);
  std::printf("peak of %s: %.1f GOP/s a core; weights and rings %.2f MiB, most resident %.1f MiB\n", peak.isa,
              median(m.peaks), static_cast<double>(m.arena_bytes) / kMebi,
              static_cast<double>(peak_resident_bytes()) / kMebi);
  std::printf("Mmac: of the direct algorithm; MB: least to move; ms: %s\n",
              setup.threads == 1 ? "CPU time" : "on the clock");
}

std::string json_of(const Setup& setup, const Measured& m) {
  const double sum = total_seconds(setup, m), pixels = static_cast<double>(setup.size) * setup.size;
  const PeakLoop& peak = peak_loop(setup.isa, setup.weights.model.int8);
  const Cost whole = median(m.whole);
  const Rate r = rate(setup, m, total_macs(m), whole);
  JsonWriter j;
  const auto times = [&](const Cost& c) {
    j.member("wall_ms", c.wall * 1e3);
    j.member("cpu_ms", c.cpu * 1e3);
  };
  j.begin_object();
  j.member("version", DTACS_VERSION);
  j.member("compiler", __VERSION__);
  j.member("net", setup.net);
  j.member("weights", setup.weights.name);
  j.member("size", setup.size);
  j.member("threads", setup.threads);
  j.member("isa", best_name(setup.isa));
  j.member("precision", precision_of(setup));
  j.member("runs", setup.runs);
  j.member("rates_from", setup.threads == 1 ? "cpu_ms" : "wall_ms");
  times(whole);
  j.member("least_wall_ms", least_wall(m) * 1e3);
  j.member("ns_per_pixel", seconds(setup, whole) * 1e9 / pixels);
  j.member("macs", total_macs(m));
  j.member("gops", r.gops);
  j.member("of_peak", r.of_peak);
  j.member("peak_isa", peak.isa);
  j.member("peak_gops", median(m.peaks));
  j.member("arena_bytes", m.arena_bytes);
  j.member("peak_resident_bytes", peak_resident_bytes());
  j.key("layers").begin_array();
  for (const Line& l : m.lines) {
    const Cost c = median(l.runs);
    const Rate of_line = rate(setup, m, l.macs, c);
    j.begin_object();
    j.member("name", l.name);
    j.member("operation", l.op);
    j.member("macs", l.macs);
    j.member("bytes", l.bytes);
    times(c);
    j.member("share", seconds(setup, c) / sum);
    j.member("gops", of_line.gops);
    j.member("of_peak", of_line.of_peak);
    j.end();
  }
  j.end();
  j.end();
  return j.text();
}

}  // namespace dtacs
