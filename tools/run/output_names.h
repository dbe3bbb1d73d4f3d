// SPDX-License-Identifier: Apache-2.0
// The names of what a run puts into its folder, beside the pieces in downlink/ (downlink.h).  Of other names it removes
// nothing there.
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

// What a writer calls a file that is not finished: behind the name .part, or .PID.tmp, or .PID-N.tmp.
inline bool is_unfinished(std::string_view file, std::string_view name) {
  if (!file.starts_with(name)) return false;
  file.remove_prefix(name.size());
  if (file == ".part") return true;
  if (!file.starts_with('.') || !file.ends_with(".tmp")) return false;
  file.remove_prefix(1);
  const std::string_view number = file.substr(0, file.rfind('.'));
  return !number.empty() && number.find_first_not_of("0123456789-") == number.npos;
}

}  // namespace dtacs
