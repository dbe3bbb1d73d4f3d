// SPDX-License-Identifier: Apache-2.0
// Small products in each layout, written from strings.
#pragma once

#include <string>
#include <vector>

#include "io/host/product.h"
#include "tests/host/jp2_maker.h"
#include "tests/host/temp_folder.h"

namespace dtacs::test {

struct ProductMaker {
  std::string level = "1C";
  std::string baseline = "02.06";
  bool offsets = false;
  std::string quantification = "10000";
  std::string extra = {};  // further product metadata
  std::string tile = "T31TDH";
  int size = 120;  // of a 10 m band; the metadata says the same
  std::vector<std::string> bands = {kBandNames, kBandNames + kBandCount};

  std::string tile_id() const { return "S2A_OPER_MSI_L1C_TL_EPA__20150726T105026_A000463_" + tile + "_N" + baseline; }

  std::string product_xml(const std::vector<std::string>& images) const {
    std::string s = "<?xml version=\"1.0\"?>\n<n1:Level-" + level +
                    "_User_Product xmlns:n1=\"x\"><n1:General_Info><Product_Info>"
                    "<PRODUCT_START_TIME>2015-07-26T10:50:26.000Z</PRODUCT_START_TIME>"
                    "<PRODUCT_URI>S2A_MSI_TEST.SAFE</PRODUCT_URI><PROCESSING_LEVEL>Level-" +
                    level +
                    "</PROCESSING_LEVEL>"
                    "<PROCESSING_BASELINE>" +
                    baseline +
                    "</PROCESSING_BASELINE>"
                    "<Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake><Granule_List><Granule>";
    for (const std::string& i : images) s += "<IMAGE_FILE>" + i + "</IMAGE_FILE>";
    s += "</Granule></Granule_List></Product_Info><Product_Image_Characteristics>"
         "<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></"
         "Special_Values>"
         "<Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>65535</"
         "SPECIAL_VALUE_INDEX></Special_Values>"
         "<QUANTIFICATION_VALUE unit=\"none\">" +
         quantification + "</QUANTIFICATION_VALUE>";
    if (offsets) {
      s += "<Radiometric_Offset_List>";
      for (int b = 0; b < kBandCount; ++b)
        s += "<RADIO_ADD_OFFSET band_id=\"" + std::to_string(b) + "\">" + std::to_string(-1000 - b) +
             "</RADIO_ADD_OFFSET>";
      s += "</Radiometric_Offset_List>";
    }
    return s + extra + "</Product_Image_Characteristics></n1:General_Info></n1:Level-" + level + "_User_Product>";
  }

  std::string tile_xml() const {
    std::string s = "<n1:Level-" + level + "_Tile_ID xmlns:n1=\"x\"><n1:General_Info><TILE_ID>" + tile_id() +
                    "</TILE_ID><SENSING_TIME>2015-07-26T10:50:30.5Z</SENSING_TIME></n1:General_Info><n1:Geometric_Info>"
                    "<Tile_Geocoding><HORIZONTAL_CS_CODE>EPSG:32631</HORIZONTAL_CS_CODE>";
    for (const int r : {10, 20, 60}) {
      const std::string n = std::to_string(size * 10 / r), res = "resolution=\"" + std::to_string(r) + "\"";
      s += "<Size " + res + "><NROWS>" + n + "</NROWS><NCOLS>" + n + "</NCOLS></Size><Geoposition " + res +
           "><ULX>399960</ULX><ULY>4700040</ULY></Geoposition>";
    }
    return s + "</Tile_Geocoding></n1:Geometric_Info></n1:Level-" + level + "_Tile_ID>";
  }

  void write_bands(const std::string& prefix) const {
    for (const std::string& b : bands) {
      const int n = size * 10 / kBandMetres[band_index(b)];
      put_file(prefix + b + ".jp2", Jp2Maker{.width = n, .height = n}.file());
    }
    put_file(prefix + "TCI.jp2", Jp2Maker{.width = size, .height = size, .components = 3, .bits = 8}.file());
  }

  // Returns the granule's folder.
  std::string write_compact(const std::string& root) const {
    const std::string granule = "GRANULE/L1C_" + tile + "_A000463_20150726T105026", stem = tile + "_20150726T105026_";
    std::vector<std::string> images;
    for (const std::string& b : bands) images.push_back(granule + "/IMG_DATA/" + stem + b);
    put_file(root + "/MTD_MSIL" + level + ".xml", product_xml(images));
    put_file(root + "/" + granule + "/MTD_TL.xml", tile_xml());
    write_bands(root + "/" + granule + "/IMG_DATA/" + stem);
    return root + "/" + granule;
  }

  void write_multi_tile(const std::string& root) const {
    put_file(root + "/S2A_OPER_MTD_SAFL1C_PDMC_20150728T123914_R008.xml", product_xml({}));
    const std::string folder = root + "/GRANULE/" + tile_id() + "/";
    put_file(folder + "S2A_OPER_MTD_L1C_TL_EPA__20150726T105026_A000463_" + tile + ".xml", tile_xml());
    put_file(folder + "INSPIRE.xml", "<other/>");
    write_bands(folder + "IMG_DATA/S2A_OPER_MSI_L1C_TL_EPA__20150726T105026_A000463_" + tile + "_");
  }
};

}  // namespace dtacs::test
