// SPDX-License-Identifier: Apache-2.0
// The hosted side of the bare-metal images: cuts their scene out of a product, sizes their
// memory, and does their job here.
//   board_twin scene PRODUCT X,Y,W,H SCENE    bands on the 10 m grid, as job.h describes
//   board_twin sizes SCENE CORRECTION CLASSIFICATION    arenas as preprocessor definitions
//   board_twin run SCENE CORRECTION [CLASSIFICATION]    prints what a board must print
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "io/host/failure.h"
#include "io/host/file.h"
#include "io/host/output_file.h"
#include "io/host/product.h"
#include "net/dtacs.h"
#include "tools/baremetal/job.h"
#include "tools/run/scene.h"
#include "tools/run/unet_stage.h"

namespace {

using namespace dtacs;

void cut_scene(const std::string& product_path, const std::string& window, const std::string& out) {
  Rect r;
  if (std::sscanf(window.c_str(), "%d,%d,%d,%d", &r.x, &r.y, &r.width, &r.height) != 4)
    throw Failure(Exit::usage, window + ": expected X,Y,W,H");
  const auto product = open_product(product_path);
  std::vector<int> bands;
  for (int b = 0; b < kBandCount; ++b) bands.push_back(b);
  Scene scene(*product, {.bands = bands, .window = r});
  scene.prepare();
  board::SceneHeader header = {};
  std::memcpy(header.magic, board::kSceneMagic, sizeof header.magic);
  header.width = r.width;
  header.height = r.height;
  header.bands = kBandCount;
  header.quantification = scene.quantification();
  for (int b = 0; b < kBandCount; ++b) header.offset[b] = scene.add_offset(b);
  OutputFile file(out);
  file.append(&header, sizeof header);
  for (int y = 0; y < r.height; ++y) {
    scene.read(1);
    for (int b = 0; b < kBandCount; ++b)
      file.append(scene.row(b, y), static_cast<std::size_t>(r.width) * sizeof(std::uint16_t));
  }
  file.finish();
}

struct Sized {
  MappedFile weights;
  std::size_t bytes = 0;

  Sized(const std::string& path, const MappedFile& scene) : weights(path) {
    const auto& header = *reinterpret_cast<const board::SceneHeader*>(scene.bytes().data());
    dtacs_options o = {};
    o.width = header.width;
    o.height = header.height;
    o.band = 1;
    o.isa = "scalar";
    dtacs_info info;
    const dtacs_status s = dtacs_measure(weights.bytes().data(), weights.bytes().size(), &o, &info);
    if (s != DTACS_OK) throw Failure(Exit::bad_weights, path + ": " + dtacs_describe(s));
    bytes = info.memory_bytes;
  }
};

int work(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "scene" && argc == 5) {
    cut_scene(argv[2], argv[3], argv[4]);
    return 0;
  }
  if ((verb == "sizes" && argc == 5) || (verb == "run" && (argc == 4 || argc == 5))) {
    const MappedFile scene(argv[2]);
    std::vector<Sized> tasks;
    for (int i = 3; i < argc; ++i) tasks.emplace_back(argv[i], scene);
    if (verb == "sizes") {
      // Nothing in an arena is larger on a board: pointers are as wide or narrower.
      std::printf("#define CORRECTION_ARENA %zu\n#define CLASSIFICATION_ARENA %zu\n", tasks[0].bytes, tasks[1].bytes);
      return 0;
    }
    std::vector<Block> blocks;
    board::Task job[2];
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      blocks.emplace_back(tasks[i].bytes);
      job[i] = {tasks[i].weights.bytes(), blocks.back().bytes()};
    }
    return board::run(scene.bytes(), job[0], job[1], [](const char* s) { std::fputs(s, stdout); });
  }
  throw Failure(Exit::usage,
                "board_twin scene PRODUCT X,Y,W,H SCENE | sizes SCENE CORRECTION CLASSIFICATION | run "
                "SCENE CORRECTION [CLASSIFICATION]");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return work(argc, argv);
  } catch (const dtacs::Failure& f) {
    std::fprintf(stderr, "board_twin: %s\n", f.what());
    return static_cast<int>(f.exit());
  }
}
