// SPDX-License-Identifier: Apache-2.0
#include "io/host/raster_classes.h"

#include <cstdio>

namespace dtacs {

std::string xml_escaped(const std::string& s) {
  std::string out;
  for (const char c : s) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string gdal_class_names(const std::vector<RasterClass>& classes) {
  std::string names[256];
  int count = 0;
  for (const RasterClass& c : classes) {
    names[c.value] = c.name;
    count = c.value >= count ? c.value + 1 : count;
  }
  std::string out = "<PAMDataset>\n  <PAMRasterBand band=\"1\">\n    <CategoryNames>\n";
  for (int v = 0; v < count; ++v) out += "      <Category>" + xml_escaped(names[v]) + "</Category>\n";
  return out + "    </CategoryNames>\n  </PAMRasterBand>\n</PAMDataset>\n";
}

std::string qgis_class_style(const std::vector<RasterClass>& classes) {
  std::string out =
      "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
      "<qgis version=\"3.22\" styleCategories=\"Symbology\">\n"
      "  <pipe>\n"
      "    <rasterrenderer type=\"paletted\" band=\"1\" opacity=\"1\" alphaBand=\"-1\" nodataColor=\"\">\n"
      "      <colorPalette>\n";
  for (const RasterClass& c : classes) {
    char entry[96];
    std::snprintf(entry, sizeof entry,
                  "        <paletteEntry value=\"%d\" color=\"#%02x%02x%02x\" alpha=\"%d\" label=\"", c.value, c.r, c.g,
                  c.b, c.alpha);
    out += entry + xml_escaped(c.name) + "\"/>\n";
  }
  return out + "      </colorPalette>\n    </rasterrenderer>\n  </pipe>\n</qgis>\n";
}

}  // namespace dtacs
