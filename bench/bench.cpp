// SPDX-License-Identifier: Apache-2.0
// The bench command line.
#include "bench/bench.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "io/host/failure.h"
#include "io/host/tool_main.h"
#include "net/unet_mobilenet_v2.h"
#include "tools/convert/weights_writer.h"
#include "tools/run/args.h"
#include "tools/run/unet_stage.h"

namespace dtacs {

namespace {

constexpr const char* kUsage =
    "bench [--net sc|ac|ac-unet] [--weights FILE | --random] [--precision f32|int8] [--size N] [--threads N] "
    "[--isa NAME] [--runs N] [--band N] [--input FILE] [--output FILE] [--json]";
constexpr const char* kOptions =
    "\n"
    "  --net NAME        sc: classification (default), ac: correction by pixel, ac-unet: correction by U-Net\n"
    "  --weights FILE    instead of the built-in ones; the file knows its network\n"
    "  --random          random weights, as fast as any\n"
    "  --size N          of the square image, a multiple of 32 (default: 512)\n"
    "  --threads N       default: 1\n"
    "  --isa NAME        default: the best there is\n"
    "  --precision NAME  f32 (default) or int8, of sc; a file knows its own\n"
    "  --runs N          default: 11; medians count\n"
    "  --band N          input rows every layer takes a step (default: as dtacs run)\n"
    "  --input FILE      float32 planes (bands, N, N) of reflectance, little-endian; default: noise\n"
    "  --output FILE     float32 planes of the result, of the last run; int8: 1 in the plane of the class, else 0\n"
    "  --json            JSON instead of a table\n";

double clock_seconds(clockid_t clock) noexcept {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Uniform in [-1, 1); the same on every machine.
class Noise {
 public:
  float next() noexcept {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(state_ >> 40) / 8388608.0f - 1.0f;
  }

 private:
  std::uint64_t state_ = 1;
};

constexpr const char* kBands = "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12";
constexpr const char* kCorrected = "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B11,B12";

// Weights that keep activations at the scale of the input, so that no value is denormal.
std::vector<std::byte> random_weights(const std::string& net) {
  std::vector<WeightsTensor> tensors;
  Noise noise;
  const auto add = [&](const std::string& key, std::uint32_t outputs, std::uint32_t inputs, std::uint32_t side) {
    const auto n = static_cast<std::size_t>(inputs) * side * side;
    const float scale = std::sqrt(6.0f / static_cast<float>(n));
    WeightsTensor w{.name = key + ".w", .dims = {outputs, inputs, side, side}, .values = {}};
    for (std::size_t i = 0; i < outputs * n; ++i) w.values.push_back(scale * noise.next());
    WeightsTensor b{.name = key + ".b", .dims = {outputs}, .values = {}};
    for (std::uint32_t i = 0; i < outputs; ++i) b.values.push_back(0.1f * noise.next());
    tensors.push_back(std::move(w));
    tensors.push_back(std::move(b));
  };
  const bool classifies = net == "sc";
  if (net == "ac") {
    add("a0", 52, 13, 1);
    add("a1", 12, 52, 1);
  } else {
    const Net unet = unet_mobilenet_v2(13, classifies ? 4 : 12);
    for (int i = 0; i < unet.layer_count; ++i) {
      const Layer& l = unet.layers[i];
      add(l.key.text, static_cast<std::uint32_t>(unet.tensors[l.out].channels),
          l.op == Op::dwconv3x3 ? 1u : static_cast<std::uint32_t>(unet.depth(l)), l.op == Op::pointwise ? 1u : 3u);
    }
  }
  const std::string kind = net == "ac" ? "cnn_corrector" : classifies ? "unet_mobilenet_v2" : "unet_corrector";
  return write_weights(std::move(tensors), {{"net", kind},
                                            {"task", classifies ? "classification" : "correction"},
                                            {"bands", kBands},
                                            {"outputs", classifies ? "0,1,2,3" : kCorrected},
                                            {"input", "toa_reflectance"}});
}

std::string name_of(const Model& model) {
  if (model.kind == NetKind::unet_mobilenet_v2) return "sc";
  return model.kind == NetKind::unet_corrector ? "ac-unet" : "ac";
}

// memory: where weights lie that are in no file.
LoadedWeights weights_option(Args& args, Block& memory) {
  const std::string net = args.value("--net").value_or("");
  if (!net.empty() && net != "sc" && net != "ac" && net != "ac-unet")
    throw Failure(Exit::usage, "--net " + net + ": expected sc, ac or ac-unet");
  const auto precision = args.value("--precision");
  if (precision && *precision != "f32" && *precision != "int8")
    throw Failure(Exit::usage, "--precision " + *precision + ": expected f32 or int8");
  const bool int8 = precision == "int8";
  if (int8 && !net.empty() && net != "sc")
    throw Failure(Exit::usage, "--precision int8: there is no " + net + " in int8");
  const auto path = args.value("--weights");
  const bool random = args.flag("--random");
  if (path && random) throw Failure(Exit::usage, "--weights and --random exclude each other");
  if (int8 && random) throw Failure(Exit::usage, "--precision int8 and --random exclude each other");
  if (path) {
    LoadedWeights loaded = load_weights(*path);
    if (!net.empty() && net != name_of(loaded.model))
      throw Failure(Exit::usage, "--net " + net + ": " + *path + " holds " + name_of(loaded.model));
    if (precision && int8 != loaded.model.int8)
      throw Failure(Exit::usage, "--precision " + *precision + ": " + *path + " holds other weights");
    return loaded;
  }
  if (random) {
    const std::vector<std::byte> bytes = random_weights(net.empty() ? "sc" : net);
    memory = Block(bytes.size());
    std::copy(bytes.begin(), bytes.end(), memory.bytes().begin());
    return open_weights("random weights", memory.bytes());
  }
  auto inside = net == "ac" ? built_in_correction() : net == "ac-unet" ? std::nullopt : built_in_classification(int8);
  if (!inside) throw Failure(Exit::usage, "no weights for this network are built in: give --weights FILE or --random");
  return std::move(*inside);
}

std::vector<float> noise_image(std::size_t floats) {
  std::vector<float> image(floats);
  Noise noise;
  // Reflectance as digital numbers hold it, 0 to 1 in steps of 1/10000.
  for (float& v : image) v = std::floor((noise.next() + 1.0f) * 5000.0f) / 10000.0f;
  return image;
}

std::vector<float> read_image(const std::string& path, std::size_t floats) {
  std::vector<float> image(floats);
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Failure(Exit::missing_input, path + ": cannot be opened");
  const auto bytes = static_cast<std::streamsize>(floats * sizeof(float));
  if (!file.read(reinterpret_cast<char*>(image.data()), bytes) || file.peek() != std::ifstream::traits_type::eof())
    throw Failure(Exit::bad_data, path + ": expected " + std::to_string(bytes) + " bytes");
  return image;
}

void write_image(const std::string& path, const std::vector<float>& image) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(image.data()), static_cast<std::streamsize>(image.size() * sizeof(float)));
  if (!file.flush()) throw Failure(Exit::cannot_create, path + ": cannot be written");
}

void bench(Args& args) {
  Setup setup;
  Block memory(0);
  setup.weights = weights_option(args, memory);
  setup.net = name_of(setup.weights.model);
  setup.size = args.number("--size", kSizeMultiple, 16384).value_or(512);
  setup.threads = args.number("--threads", 1, 1024).value_or(1);
  setup.runs = args.number("--runs", 1, 10000).value_or(11);
  const auto band = args.number("--band", 1, 16384);
  setup.band = band.value_or(default_band(setup.size));
  setup.deep = band ? 0 : default_deep(setup.size);
  setup.isa = args.isa("--isa");
  const auto input = args.value("--input"), output = args.value("--output");
  const bool json = args.flag("--json");
  args.finish(0, kUsage);
  if (setup.size % kSizeMultiple != 0)
    throw Failure(Exit::usage, "--size " + std::to_string(setup.size) + ": expected a multiple of 32");

  const auto side = static_cast<std::size_t>(setup.size);
  const std::size_t floats = side * side * static_cast<std::size_t>(setup.weights.model.inputs);
  setup.input = input ? read_image(*input, floats) : noise_image(floats);
  const Measured m = setup.weights.model.is_unet() ? bench_unet(setup) : bench_pixelnet(setup);
  if (output) write_image(*output, m.output);
  if (json) {
    std::fputs(json_of(setup, m).c_str(), stdout);
  } else {
    print_table(setup, m);
  }
}

}  // namespace

Cost Cost::now() noexcept {
  return {clock_seconds(CLOCK_MONOTONIC), clock_seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

double measure_peak(const PeakLoop& loop) noexcept {
  constexpr double kSeconds = 5e-3;
  const double begin = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
  double calls = 0, seconds = 0;
  do {
    loop.run();
    ++calls;
    seconds = clock_seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
  } while (seconds < kSeconds);
  return calls * loop.ops / seconds / 1e9;
}

}  // namespace dtacs

int main(int argc, char** argv) {
  using namespace dtacs;
  return run_tool("bench", [&] {
    Args args(argc - 1, argv + 1);
    if (args.flag("--help") || args.flag("-h"))
      std::printf("%s\n%s", kUsage, kOptions);
    else
      bench(args);
    return 0;
  });
}
