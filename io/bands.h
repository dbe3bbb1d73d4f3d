// SPDX-License-Identifier: Apache-2.0
// The bands of Sentinel-2's MultiSpectral Instrument.
#pragma once

#include <string_view>

namespace dtacs {

// In the order of the metadata's physicalBand / band_id 0..12, which is also the
// networks' input order.
inline constexpr const char* kBandNames[] = {"B01", "B02", "B03", "B04", "B05", "B06", "B07",
                                             "B08", "B8A", "B09", "B10", "B11", "B12"};
inline constexpr int kBandCount = 13;

// Native ground sampling distance in metres, by band index.
inline constexpr int kBandMetres[] = {60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20};

// "B8A" -> 8; -1 when it is no band name.  Exact spelling, as in weights metadata.
constexpr int band_from_name(std::string_view name) noexcept {
  for (int i = 0; i < kBandCount; ++i)
    if (name == std::string_view(kBandNames[i], 3)) return i;
  return -1;
}

}  // namespace dtacs
