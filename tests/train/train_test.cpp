// SPDX-License-Identifier: Apache-2.0
// Training repeats itself, and simulated scenes are made where they are used.
#include <doctest/doctest.h>

#include "tests/host/temp_folder.h"
#include "tests/support/tools.h"

namespace dtacs::test {

namespace {

const std::string kTrain = DTACS_SOURCE_DIR "/tools/train";
const std::string kTorch = std::string(kPython) + " -c 'import numpy, torch'";

// The weights file that two runs of the same trainer, each in a folder of its own, end in.
void check_repeats(const std::string& command) {
  std::string weights[2];
  for (std::string& w : weights) {
    const TempFolder folder;
    REQUIRE(succeeds("cd " + folder.path() + " && " + kPython + " -B " + kTrain + "/" + command + " --out x.pt"));
    REQUIRE(succeeds("cd " + folder.path() + " && " DTACS_BINARY "-convert x.pt -o x.dtw"));
    w = get_file(folder / "x.dtw");
  }
  CHECK(weights[0].size() > 1000);
  CHECK(weights[0] == weights[1]);
}

}  // namespace

TEST_CASE("train: the same seed and steps make the same correction weights, byte for byte") {
  DTACS_NEEDS_TOOL("python3-torch", kTorch);
  check_repeats("ac.py --pixels 8192 --steps 8 --emulator-steps 1 --folds 0");
}

TEST_CASE("train: the same seed and steps make the same classification weights, byte for byte") {
  DTACS_NEEDS_TOOL("python3-torch", kTorch);
  check_repeats(
      "sc.py --scenes 2 --renew 1 --test-scenes 1 --check-scenes 1 --steps 2 --batch 2 --crop 64 --threads 1 --int8");
}

TEST_CASE("train: scenes are simulated without leaving their device") {
  DTACS_NEEDS_TOOL("python3-torch", kTorch);
  CHECK(output_of(std::string(kPython) + " -B " DTACS_SOURCE_DIR "/tests/train/make_scenes.py " + kTrain) ==
        "grounds 9 of 9\n"
        "classes [True, True, True, True]\n"
        "reflectance True\n"
        "thick over clear in B02 True\n"
        "shadow below clear in B08 True\n"
        "cells True\n"
        "pattern below 0.28 True\n"
        "pattern below 2.5 True\n"
        "pattern below 10.0 True\n"
        "vapour of B09 True\n");
}

TEST_CASE("train: convolutions round as the 8-bit network does, and pass gradients on") {
  DTACS_NEEDS_TOOL("python3-torch", kTorch);
  CHECK(output_of(std::string(kPython) + " -B " DTACS_SOURCE_DIR "/tests/train/round_convolution.py " + kTrain) ==
        "3x3 activations weights near gradient\n"
        "pointwise activations weights near gradient\n"
        "depthwise activations weights near gradient\n");
}

}  // namespace dtacs::test
