// SPDX-License-Identifier: Apache-2.0
// The names of a classification's values, in the two files beside a TIFF that GDAL
// and QGIS look for: a TIFF itself has room for colours only.
#pragma once

#include <string>
#include <vector>

#include "io/host/geotiff.h"

namespace dtacs {

// mask.tif -> mask.tif.aux.xml: GDAL's persistent metadata, which gdalinfo and, through
// GDAL, SNAP and QGIS's legend show.
std::string gdal_class_names(const std::vector<RasterClass>& classes);

// mask.tif -> mask.qml: a QGIS layer style, loaded with the layer: names, colours and
// transparency of exactly these classes, where the palette alone would list all 256.
std::string qgis_class_style(const std::vector<RasterClass>& classes);

// & < > " and control characters made fit for XML text and attributes.
std::string xml_escaped(const std::string& s);

}  // namespace dtacs
