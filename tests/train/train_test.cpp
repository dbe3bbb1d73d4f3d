// SPDX-License-Identifier: Apache-2.0
// Training repeats itself, and simulated scenes are made where they are used.
#include <doctest/doctest.h>

#include "tests/host/temp_folder.h"
#include "tests/support/tools.h"

namespace dtacs::test {

namespace {

const std::string kTrain = "'" DTACS_SOURCE_DIR "/tools/train'";
const std::string kTorch = std::string(kPython) + " -c 'import numpy, torch'";

// The weights file that a trainer ends in.
std::string weights_of(const std::string& command) {
  const TempFolder folder;
  REQUIRE(succeeds("cd " + folder.path() + " && " + kPython + " -B " + kTrain + "/" + command + " --out x.pt"));
  REQUIRE(succeeds("cd " + folder.path() + " && '" DTACS_BINARY "-convert' x.pt -o x.dtw"));
  std::string weights = get_file(folder / "x.dtw");
  CHECK(weights.size() > 1000);
  return weights;
}

}  // namespace

TEST_CASE("train: the same seed and steps make the same correction weights, byte for byte") {
  DTACS_NEEDS_TOOL("python3-torch", kTorch);
  const std::string command = "ac.py --pixels 8192 --steps 8 --emulator-steps 1 --scenes 2 --folds 0";
  CHECK(weights_of(command) == weights_of(command));
}

TEST_CASE("train: the same seed and steps make the same classification weights, whoever makes the scenes") {
  DTACS_NEEDS_TOOL("python3-torch", kTorch);
  const std::string command =
      "sc.py --scenes 2 --renew 1 --test-scenes 1 --check-scenes 1 --steps 3 --batch 2 --crop 64,96 --threads 1 --int8";
  for (const std::string norms : {"", " --freeze-norms"})
    CHECK(weights_of(command + norms + " --workers 0") == weights_of(command + norms + " --workers 2"));
}

TEST_CASE("train: training goes on from a weights file, and says so") {
  DTACS_NEEDS_TOOL("python3-torch", kTorch);
  const TempFolder folder;
  REQUIRE(succeeds(std::string(kPython) + " -B " + kTrain +
                   "/sc.py --init '" DTACS_SOURCE_DIR
                   "/weights/classification.dtw' --blend 0.85 --freeze-norms --int8 --scenes 2 --test-scenes 1 "
                   "--check-scenes 1 --steps 1 --batch 1 --crop 64 --size 96 --test-size 96 --threads 1 --workers 0 "
                   "--cache " +
                   folder / "new/cache" + " --out " + folder / "out/sc.pt"));
  const std::string report = get_file(folder / "out/sc.json");
  CHECK(report.find("; in the end 0.85 of the trained weights and 0.15 of those of version 7, seed 94\"") !=
        std::string::npos);
  CHECK(report.find("(version 7, seed 94, commit ") != std::string::npos);
}

TEST_CASE("train: scenes are simulated without leaving their device") {
  DTACS_NEEDS_TOOL("python3-torch", kTorch);
  CHECK(output_of(std::string(kPython) + " -B '" DTACS_SOURCE_DIR "/tests/train/make_scenes.py' " + kTrain) ==
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
  CHECK(output_of(std::string(kPython) + " -B '" DTACS_SOURCE_DIR "/tests/train/round_convolution.py' " + kTrain) ==
        "3x3 activations weights near gradient stops\n"
        "pointwise activations weights near gradient stops\n"
        "depthwise activations weights near gradient stops\n");
}

TEST_CASE("train: frozen batch norms, folded, and upsampled inputs make the same outputs and gradients") {
  DTACS_NEEDS_TOOL("python3-torch", kTorch);
  CHECK(output_of(std::string(kPython) + " -B '" DTACS_SOURCE_DIR "/tests/train/fold_norms.py' " + kTrain +
                  " '" DTACS_SOURCE_DIR "/weights/classification.dtw'") ==
        "stem output gradients\n"
        "residual output gradients\n"
        "decoder output gradients\n"
        "decoder without skip output gradients\n"
        "start logits\n");
}

}  // namespace dtacs::test
