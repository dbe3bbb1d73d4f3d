// SPDX-License-Identifier: Apache-2.0
// Every name a run may give to a file in its folder.  Nothing else there is ever touched.
#pragma once

#include <string_view>

namespace dtacs {

inline constexpr std::string_view kReportName = "report.json", kStateName = "resume.state";

// The outputs that a report vouches for; which of them there are depends on the options.
inline constexpr std::string_view kOutputNames[] = {"mask.tif",
                                                    "mask.tif.aux.xml",
                                                    "mask.qml",
                                                    "mask_overlay.png",
                                                    "reflectance.tif",
                                                    "reflectance_10m.tif",
                                                    "reflectance_20m.tif",
                                                    "reflectance_60m.tif",
                                                    "true_colour_l1c.png",
                                                    "true_colour_corrected.png"};

}  // namespace dtacs
