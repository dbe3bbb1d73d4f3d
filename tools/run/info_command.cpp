// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "tools/run/run.h"

namespace dtacs {

const char* const kInfoUsage = "dtacs info PRODUCT [--granule TILE] [--raw LINE]";

void info_command(Args& args) {
  ProductHints hints;
  hints.granule = args.value("--granule").value_or("");
  hints.raw_header = args.value("--raw").value_or("");
  const std::string path = args.finish(1, kInfoUsage)[0];
  const auto product = open_product(path, hints);
  const ProductInfo& p = product->info();
  const auto line = [](const char* what, const std::string& value) {
    if (!value.empty()) std::printf("%-14s %s\n", what, value.c_str());
  };
  line("product", p.name);
  line("layout", p.layout);
  line("samples", p.samples);
  line("level", p.level);
  line("baseline", p.baseline);
  line("spacecraft", p.spacecraft);
  line("sensing time", p.sensing_time);
  line("tile", p.tile_id);
  if (p.epsg != 0) {
    std::printf("%-14s EPSG:%d\n", "projection", p.epsg);
    std::printf("%-14s %.2f, %.2f\n", "upper left", p.ulx, p.uly);
  }
  std::printf("%-14s %g%s\n", "quantification", p.quantification, p.quantification_known ? "" : " assumed");
  line("offset", p.offset_known ? "" : "0 assumed: nothing says otherwise");
  line("not used", p.passed_over.empty() ? "" : "as of another scene: " + p.passed_over);
  std::printf("\nband   pixel m   columns      rows   offset  file\n");
  for (const BandInfo& b : p.bands)
    std::printf("%-5s %8g %9d %9d %8d  %s\n", std::string(kBandNames[b.band]).c_str(), b.pixel_size * p.ground_scale,
                b.width, b.height, b.add_offset, b.path.substr(b.path.rfind('/') + 1).c_str());
}

}  // namespace dtacs
