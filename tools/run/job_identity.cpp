// SPDX-License-Identifier: Apache-2.0
#include "tools/run/job_identity.h"

#include <filesystem>
#include <type_traits>

#include "io/host/decimal.h"
#include "tools/run/report.h"

namespace dtacs {

namespace {

// A line per subject, its fields apart by tabs.
class Text {
 public:
  Text& line(const char* subject) {
    text_ += std::string("\n") + subject;
    return *this;
  }
  Text& operator<<(const std::string& s) {
    text_ += "\t" + s;
    return *this;
  }
  template <class T>
  Text& operator<<(T number) {
    if constexpr (std::is_floating_point_v<T>)
      return *this << shortest_decimal(number);
    else
      return *this << std::to_string(number);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_ = "dtacs " DTACS_VERSION;
};

// Files are told apart by size and time: reading 600 MB to make sure would take longer than
// what a state saves.
void add_file(Text& text, const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code none;
  text << path << fs::file_size(path, none) << fs::last_write_time(path, none).time_since_epoch().count();
}

void add_way(Text& text, const RunOptions& options, const ChosenWeights& weights) {
  for (const LoadedWeights* w : weights.all()) text.line("weights") << w->name << crc_text(w->weights);
  const Rect r = options.window.value_or(Rect{});
  text.line("window") << r.x << r.y << r.width << r.height;
  text.line("options") << options.resolution << static_cast<int>(options.stack)
                       << (options.offset ? std::to_string(*options.offset) : "metadata") << options.isa;
}

}  // namespace

std::string job_identity(const RunOptions& options, const ProductInfo& p, const ChosenWeights& weights) {
  Text text;
  text.line("product") << p.path << p.name << p.sensing_time << p.epsg << p.ulx << p.uly << p.ground_scale;
  text.line("samples") << p.samples << p.quantification << p.no_data << p.saturated;
  for (const BandInfo& b : p.bands) {
    text.line("band") << b.band << b.width << b.height << b.pixel_size << b.add_offset;
    add_file(text, b.path);
  }
  add_way(text, options, weights);
  return text.text();
}

std::string way_identity(const RunOptions& options, const ChosenWeights& weights) {
  Text text;
  text.line("inputs") << options.hints.granule << options.hints.raw_header << options.max_memory;
  add_way(text, options, weights);
  return text.text();
}

}  // namespace dtacs
