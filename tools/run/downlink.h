// SPDX-License-Identifier: Apache-2.0
// Outputs in pieces for a narrow downlink: FOLDER/downlink/0001_report.json and so on, each of
// at most so many bytes, numbered in the order to send them - report, pictures, mask,
// reflectance - with more digits where there are more pieces.  `index.txt` has a line for each piece: its name, bytes,
// CRC-32C, and the output it is part of with the offset there.  Pieces of one output, put together in order, are the
// output.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dtacs {

// A scene of 10,980 px is 2 GB: smaller pieces would be files by the ten thousands.
inline constexpr std::uint64_t kLeastPiece = 1 << 16;

// files: names in the folder; the text of report.json, which comes into the folder last, is handed
// in.  What an earlier call left is replaced.  Throws Failure.
void split_for_downlink(const std::string& folder, std::vector<std::string> files, const std::string& report,
                        std::uint64_t piece_bytes);

// The pieces of an earlier call and their index, and the folder they are in if nothing else is there. Whether there was
// any.
bool remove_downlink(const std::string& folder);

}  // namespace dtacs
