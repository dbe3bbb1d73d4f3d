// SPDX-License-Identifier: Apache-2.0
// The command line of dtacs-convert.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "tools/convert/calibrate.h"
#include "tools/convert/network.h"

namespace dtacs {

struct ConvertOptions {
  std::string in, out;
  bool info = false, f16 = false, help = false;
  bool int8 = false, compare = false;  // IN is a weights file; --compare: so is `second`
  bool pack = false, unpack = false;   // IN is any file
  bool delta = false, apply = false;   // IN is the older file, `second` the newer one or a patch
  std::string second;
  std::vector<std::string> scenes;  // to calibrate with or compare on
  RangeRule range = RangeRule::largest;
  std::vector<std::string> wide = {"e1.dw", "e1.prj", "e2.prj", "e13.dw", "e13.prj", "e16.dw", "e16.prj"};
  bool check_zip_crc = true;
  NetworkHints hints;
  std::map<std::string, std::string> meta;
};

// Throws Failure (usage).
ConvertOptions parse_convert_options(int argc, const char* const* argv);

// The bytes of the weights file for a recognised network.  source: the checkpoint's bytes.
std::vector<std::byte> pack_network(const Network& network, const ConvertOptions& options,
                                    std::span<const std::byte> source);

// Runs the command, prints to stdout; throws Failure.
void run_convert(const ConvertOptions& options);

}  // namespace dtacs
