// SPDX-License-Identifier: Apache-2.0
#include "tools/run/report.h"

#include <sys/resource.h>

#include <cstdio>

#include "io/host/json.h"
#include "tools/run/quicklook.h"

namespace dtacs {

namespace {

std::int64_t peak_memory_bytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

double all_pixels(const RunReport& r) {
  return static_cast<double>(r.scene.width()) * r.scene.height();
}

// Of a class among the valid pixels; of no data among all.
double percent_of(const RunReport& r, const RasterClass& c) {
  const auto n = static_cast<double>(r.class_pixels[c.value]);
  const double valid = all_pixels(r) - static_cast<double>(r.class_pixels[kNoDataClass]);
  if (c.value == kNoDataClass) return 100.0 * n / all_pixels(r);
  return valid > 0 ? 100.0 * n / valid : 0.0;
}

const char* offset_source(const RunReport& r) {
  if (r.offset_from_option) return "option";
  return r.product.offset_known ? "metadata" : "assumed";
}

void add_product(JsonWriter& j, const ProductInfo& info) {
  j.key("product").begin_object();
  j.member("path", info.path);
  j.member("name", info.name);
  j.member("layout", info.layout);
  j.member("baseline", info.baseline);
  j.member("spacecraft", info.spacecraft);
  j.member("sensing_time", info.sensing_time);
  j.member("tile", info.tile_id);
  j.member("epsg", info.epsg);
  j.end();
}

void add_grid(JsonWriter& j, const Scene& scene) {
  j.key("grid").begin_object();
  j.member("width", scene.width());
  j.member("height", scene.height());
  j.member("pixel_size", scene.ground_size());
  j.member("nominal_pixel_size", scene.pixel_size());
  j.member("ulx", scene.ulx());
  j.member("uly", scene.uly());
  j.end();
}

void add_radiometry(JsonWriter& j, const RunReport& r) {
  j.key("radiometry").begin_object();
  j.member("quantification", static_cast<double>(r.scene.quantification()));
  j.member("offset_source", offset_source(r));
  j.key("offset").begin_object();
  for (int band = 0; band < kBandCount; ++band)
    if (const int slot = r.scene.slot(band); slot >= 0)
      j.member(kBandNames[band], static_cast<double>(r.scene.add_offset(slot)));
  j.end();
  if (r.warning.empty())
    j.key("warning").null();
  else
    j.member("warning", r.warning);
  j.end();
}

void add_weights(JsonWriter& j, const std::vector<const LoadedWeights*>& weights) {
  j.key("weights").begin_array();
  for (const LoadedWeights* w : weights) {
    j.begin_object();
    j.member("name", w->name);
    j.member("crc32c", crc_text(w->weights));
    if (w->weights.meta("precision").empty()) j.member("precision", "f32");  // int8 weights say so themselves
    for (int i = 0; i < w->weights.meta_count(); ++i) j.member(w->weights.meta_key(i), w->weights.meta_value(i));
    j.end();
  }
  j.end();
}

}  // namespace

std::string crc_text(const WeightsFile& weights) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(weights.crc()));
  return text;
}

std::string report_json(const RunReport& r) {
  JsonWriter j;
  j.begin_object();
  j.member("software", "dtacs " DTACS_VERSION);
  add_product(j, r.product);
  add_grid(j, r.scene);
  add_radiometry(j, r);
  add_weights(j, r.weights);
  if (!r.classes.empty()) {
    j.key("classes_percent_of_valid").begin_object();
    for (const RasterClass& c : r.classes)
      if (c.value != kNoDataClass) j.member(c.name, percent_of(r, c));
    j.end();
    j.member("no_data_percent", percent_of(r, r.classes.back()));
  }
  j.member("saturated_percent", 100.0 * static_cast<double>(r.scene.saturated_pixels()) / all_pixels(r));
  if (r.truth != nullptr) {
    j.key("agreement").begin_object();
    r.truth->report(j);
    j.end();
  }
  j.key("seconds").begin_object();
  j.member("read", r.seconds.read);
  j.member("classify", r.seconds.classify);
  j.member("correct", r.seconds.correct);
  j.member("write", r.seconds.write);
  j.member("total", r.seconds.total);
  j.end();
  j.member("threads", r.threads);
  j.member("peak_memory_bytes", peak_memory_bytes());
  j.key("files").begin_array();
  for (const std::string& f : r.files) j.value(f);
  j.end();
  j.end();
  return j.text();
}

void print_summary(const RunReport& r, const std::string& folder) {
  for (const RasterClass& c : r.classes)
    std::printf("%-14s %5.1f %%%s\n", c.name.c_str(), percent_of(r, c), c.value == kNoDataClass ? " of the scene" : "");
  bool same = true;
  for (int s = 1; s < r.scene.band_count(); ++s) same = same && r.scene.add_offset(s) == r.scene.add_offset(0);
  std::printf("radiometry     (DN %+g%s) / %g, offset %s\n", static_cast<double>(r.scene.add_offset(0)),
              same ? "" : " and others by band", static_cast<double>(r.scene.quantification()),
              r.offset_from_option     ? "as asked for"
              : r.product.offset_known ? "from the metadata"
                                       : "assumed: no metadata say otherwise");
  if (r.truth != nullptr) r.truth->print();
  std::printf("seconds        %.1f: read %.1f, classify %.1f, correct %.1f, write %.1f; peak memory %.0f MiB\n",
              r.seconds.total, r.seconds.read, r.seconds.classify, r.seconds.correct, r.seconds.write,
              static_cast<double>(peak_memory_bytes()) / 1048576.0);
  for (const std::string& f : r.files) std::printf("%s/%s\n", folder.c_str(), f.c_str());
}

}  // namespace dtacs
