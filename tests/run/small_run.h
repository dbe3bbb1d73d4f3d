// SPDX-License-Identifier: Apache-2.0
// run() in this process, on a small scene or the demo.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "io/host/failure.h"
#include "tests/host/temp_folder.h"
#include "tests/net/hashed_net.h"
#include "tests/run/raw_scene.h"
#include "tools/run/run.h"

namespace dtacs::test {

inline RunOptions quiet_run(const std::string& product, const std::string& folder) {
  RunOptions o;
  o.product = product;
  o.folder = folder;
  o.threads = 2;
  o.isa = detect_isa();
  o.quiet = true;
  return o;
}

// A raw scene, the hashed U-Net and a small corrector in a folder, ready to run.
struct Bench {
  explicit Bench(const RawScene& scene, const std::string& more = "") {
    options = quiet_run(folder / "scene.raw", folder / "out");
    options.hints.raw_header = scene.put(folder / "scene.raw", more);
    put_bytes(folder / "sc.dtw", golden_weights(golden));
    put_bytes(folder / "ac.dtw", small_corrector());
    options.weights = {folder / "sc.dtw", folder / "ac.dtw"};
    options.stack = true;
  }
  std::string out(const std::string& name) const { return options.folder + "/" + name; }

  TempFolder folder;
  Golden golden = read_golden();
  RunOptions options;
};

// Exit code with which run() fails, and whether it left anything behind.
inline Exit failure_of(const RunOptions& options) {
  try {
    run(options);
  } catch (const Failure& f) {
    CHECK(std::string(f.what()).find('\n') == std::string::npos);
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(options.folder, none)) {
      INFO(entry.path().string(), " was left by: ", f.what());
      CHECK(false);
    }
    return f.exit();
  }
  return Exit::ok;
}

}  // namespace dtacs::test
