// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/convert_command.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "io/arena.h"
#include "io/crc32c.h"
#include "io/host/failure.h"
#include "io/host/file.h"
#include "io/host/output_file.h"
#include "kernels/head3x3/head3x3.h"
#include "net/int8_plan.h"
#include "net/model.h"
#include "net/stream_plan.h"
#include "tools/convert/pack.h"
#include "tools/run/loaded_weights.h"
#include "tools/run/unpack.h"
#include "weights/packed_file.h"
#include "weights/weights_layout.h"

namespace dtacs {

namespace {

constexpr const char* kHelp =
    "usage: dtacs-convert IN -o OUT.dtw [option]...    convert a checkpoint to a weights file\n"
    "       dtacs-convert --int8 IN.dtw --calibrate SCENE [--calibrate SCENE]... -o OUT.dtw   to 8-bit integers\n"
    "       dtacs-convert --compare A.dtw B.dtw SCENE...              how far two are apart\n"
    "       dtacs-convert --pack IN.dtw -o OUT.dtwz    without loss, for a slow link; --unpack undoes it\n"
    "       dtacs-convert --delta OLD NEW -o PATCH     NEW as the difference to OLD\n"
    "       dtacs-convert --apply OLD PATCH -o NEW     and NEW again\n"
    "       dtacs-convert --info FILE                  print a checkpoint or a weights file\n"
    "\n"
    "IN is a PyTorch checkpoint (.pt .pth .ckpt, TorchScript too), an ONNX model or a safetensors file.\n"
    "\n"
    "  -o FILE           the weights file to write\n"
    "  --bands LIST      input bands in order, such as B02,B03,B04,B08; default: told by the shapes\n"
    "  --outputs LIST    output bands, or class names in order of their numbers\n"
    "  --net NAME        unet_mobilenet_v2, unet_corrector, cnn_corrector or linear; default: told by the tensors\n"
    "  --prefix TEXT     what stands before the network's tensor names, where a file holds several networks\n"
    "  --f16             store weights in half precision (biases stay f32)\n"
    "  --calibrate SCENE a product as `dtacs run` reads it, for the ranges of --int8 (repeatable)\n"
    "  --range RULE      largest, percentile or squares: how a range is chosen; default largest\n"
    "  --wide LIST       layers that keep weights of 14 bits, or none; default: dw and prj of\n"
    "                    e1, e13 and e16, and e2.prj\n"
    "  --meta KEY=VALUE  metadata to add, such as licence=... (repeatable)\n"
    "  --no-zip-crc      do not check the CRCs of the zip archive\n"
    "  --info            print what is in the file\n"
    "  --help            this text\n";

[[noreturn]] void usage(const std::string& why) {
  throw Failure(Exit::usage, why + " (see dtacs-convert --help)");
}

std::vector<std::string> split(const std::string& list, const char* option) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (;;) {
    const std::size_t comma = list.find(',', at);
    parts.push_back(list.substr(at, comma == list.npos ? comma : comma - at));
    if (parts.back().empty()) usage(std::string(option) + ": expected names separated by commas");
    if (comma == list.npos) return parts;
    at = comma + 1;
  }
}

std::string join(const std::vector<std::string>& parts) {
  std::string s;
  for (const std::string& p : parts) s += (s.empty() ? "" : ",") + p;
  return s;
}

std::string hex(std::uint32_t v) {
  char text[9];
  std::snprintf(text, sizeof text, "%08" PRIx32, v);
  return text;
}

std::string file_name(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();  // X.SAFE/
  return path.substr(path.find_last_of('/') + 1);
}

std::string dims_text(const TensorView& t) {
  std::vector<std::uint64_t> dims(t.dims, t.dims + t.rank);
  return shape_text(dims);
}

bool is_weights_file(std::span<const std::byte> bytes) {
  return bytes.size() >= 6 && std::memcmp(bytes.data(), "DTACSW", 6) == 0;
}

void print_weights_file(std::span<const std::byte> bytes, const std::string& path) {
  WeightsFile f;
  if (const Status s = WeightsFile::open(bytes, f); s != Status::ok)
    throw Failure(Exit::bad_weights, path + ": expected a weights file of dtacs: " + describe(s));
  std::printf("%s: dtacs weights, version %u, CRC-32C %s\n", path.c_str(), f.version(), hex(f.crc()).c_str());
  for (int i = 0; i < f.meta_count(); ++i)
    std::printf("  %.*s = %.*s\n", static_cast<int>(f.meta_key(i).size()), f.meta_key(i).data(),
                static_cast<int>(f.meta_value(i).size()), f.meta_value(i).data());
  std::size_t values = 0;
  constexpr const char* kTypes[] = {"f32", "f16", "s8", "s16", "s32"};
  for (int i = 0; i < f.tensor_count(); ++i) {
    const TensorView t = f.tensor(i);
    values += t.count();
    std::printf("  %-40.*s %-5s %s\n", static_cast<int>(t.name.size()), t.name.data(),
                kTypes[static_cast<int>(t.dtype)], dims_text(t).c_str());
  }
  std::printf("%d tensors, %zu values\n", f.tensor_count(), values);
}

// Of one that arrived in part too: which chunks are still to be sent.
void print_packed_file(std::span<const std::byte> bytes, const std::string& path) {
  PackedFile f;
  if (const Status s = PackedFile::open(bytes, f); s != Status::ok)
    throw Failure(Exit::bad_weights, path + ": expected a packed file of dtacs, version 1: " + describe(s));
  std::printf("%s: dtacs packed file, version 1, %zu bytes in %d chunks\n", path.c_str(), f.packed_bytes(), f.chunks());
  if (f.base_bytes() != 0)
    std::printf("  needs a file of %zu bytes, CRC-32C %s\n", f.base_bytes(), hex(f.base_crc()).c_str());
  std::printf("  yields a file of %zu bytes, CRC-32C %s\n", f.original_bytes(), hex(f.original_crc()).c_str());
  for (int i = 0; i < f.chunks(); ++i)
    if (const Status s = f.check_chunk(i); s != Status::ok)
      std::printf("  chunk %d, %zu bytes from %zu: %s\n", i, f.chunk_bytes(i), f.chunk_begin(i),
                  s == Status::truncated ? "missing" : "damaged");
}

void print_network(const Network& n) {
  std::printf("network: %s (%s), %zu inputs %s (%s), %zu outputs %s\n", n.net.c_str(), n.task.c_str(), n.bands.size(),
              join(n.bands).c_str(), n.input.c_str(), n.outputs.size(), join(n.outputs).c_str());
  for (const std::string& name : n.ignored) std::printf("ignored: %s\n", name.c_str());
}

void print_checkpoint(const Checkpoint& c, const ConvertOptions& options) {
  std::size_t values = 0;
  for (const NamedTensor& t : c.tensors) values += t.values.size();
  std::printf("%s: %s, %zu tensors, %zu values\n", options.in.c_str(), c.format.c_str(), c.tensors.size(), values);
  for (const auto& [key, value] : c.notes) std::printf("  %s = %s\n", key.c_str(), value.c_str());
  for (const NamedTensor& t : c.tensors)
    std::printf("  %-60s %-5s %s\n", t.name.c_str(), t.dtype.c_str(), shape_text(t.dims).c_str());
  try {
    print_network(recognise_network(c, options.in, options.hints));
  } catch (const Failure& f) {
    std::printf("network: %s\n", f.what());
  }
}

}  // namespace

ConvertOptions parse_convert_options(int argc, const char* const* argv) {
  ConvertOptions o;
  bool for_checkpoints = false, for_int8 = false;  // an option of these alone
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const auto value = [&] {
      if (i + 1 >= argc) usage(arg + " needs a value");
      return std::string(argv[++i]);
    };
    for (const char* option : {"--bands", "--outputs", "--net", "--prefix", "--f16", "--no-zip-crc"})
      for_checkpoints = for_checkpoints || arg == option;
    for_int8 = for_int8 || arg == "--range" || arg == "--wide";
    if (arg == "-o") {
      o.out = value();
    } else if (arg == "--bands") {
      o.hints.bands = split(value(), "--bands");
    } else if (arg == "--outputs") {
      o.hints.outputs = split(value(), "--outputs");
    } else if (arg == "--net") {
      o.hints.net = value();
      bool known = false;
      for (const char* n : {"unet_mobilenet_v2", "unet_corrector", "cnn_corrector", "linear"})
        known = known || o.hints.net == n;
      if (!known) usage("--net " + o.hints.net + " is no network");
    } else if (arg == "--prefix") {
      o.hints.prefix = value();
      o.hints.any_prefix = false;
    } else if (arg == "--meta") {
      const std::string pair = value();
      const std::size_t equals = pair.find('=');
      if (equals == pair.npos || equals == 0) usage("--meta " + ascii(pair) + ": expected KEY=VALUE");
      const std::string key = pair.substr(0, equals), text = pair.substr(equals + 1);
      if (!weights_v1::is_name(key))
        usage("--meta " + ascii(key) + ": expected a key of 1 to 63 letters, digits, '.', '_' or '-'");
      if (text.size() > weights_v1::kMaxValue || !weights_v1::is_text(text))
        usage("--meta " + key + ": expected UTF-8 without control characters, at most " +
              std::to_string(weights_v1::kMaxValue) + " bytes");
      o.meta[key] = text;
    } else if (arg == "--int8") {
      o.int8 = true;
    } else if (arg == "--compare") {
      o.compare = true;
    } else if (arg == "--pack") {
      o.pack = true;
    } else if (arg == "--unpack") {
      o.unpack = true;
    } else if (arg == "--delta") {
      o.delta = true;
    } else if (arg == "--apply") {
      o.apply = true;
    } else if (arg == "--calibrate") {
      o.scenes.push_back(value());
    } else if (arg == "--range") {
      const std::string rule = value();
      if (rule != "largest" && rule != "percentile" && rule != "squares")
        usage("--range " + rule + ": expected largest, percentile or squares");
      o.range = rule == "largest"      ? RangeRule::largest
                : rule == "percentile" ? RangeRule::percentile
                                       : RangeRule::squares;
    } else if (arg == "--wide") {
      const std::string list = value();
      o.wide = list == "none" ? std::vector<std::string>{} : split(list, "--wide");
    } else if (arg == "--f16") {
      o.f16 = true;
    } else if (arg == "--no-zip-crc") {
      o.check_zip_crc = false;
    } else if (arg == "--info") {
      o.info = true;
    } else if (arg == "--help" || arg == "-h") {
      o.help = true;
    } else if (arg.size() > 1 && arg[0] == '-') {
      usage("unknown option " + arg);
    } else {
      files.push_back(arg);
    }
  }
  if (o.help) return o;
  if (files.empty()) usage("no file to read");
  o.in = files[0];
  const bool two = o.compare || o.delta || o.apply;
  if (two && files.size() > 1) o.second = files[1];
  const std::size_t own = two ? 2 : 1;
  if (files.size() > own && !o.compare) usage("too many files, the first is " + files[own]);
  if (o.int8 + o.compare + o.pack + o.unpack + o.delta + o.apply + o.info > 1)
    usage("expected one of --int8, --compare, --pack, --unpack, --delta, --apply and --info");
  if ((o.delta || o.apply) && o.second.empty())
    usage(o.delta ? "--delta needs OLD and NEW" : "--apply needs OLD and PATCH");
  if (for_checkpoints && o.int8 + o.compare + o.pack + o.unpack + o.delta + o.apply > 0)
    usage("--bands, --outputs, --net, --prefix, --f16 and --no-zip-crc are for checkpoints");
  if (for_int8 && !o.int8) usage("--range and --wide are for --int8");
  if (!o.meta.empty() && o.compare + o.pack + o.unpack + o.delta + o.apply + o.info > 0)
    usage("--meta is for checkpoints and --int8");
  if (!o.out.empty() && (o.compare || o.info)) usage("-o: nothing is written with --compare and --info");
  if (o.f16 && o.info) usage("--f16: nothing is written with --info");
  if (o.compare) {
    if (!o.scenes.empty()) usage("--calibrate is for --int8");
    o.scenes.assign(files.begin() + static_cast<std::ptrdiff_t>(std::min(own, files.size())), files.end());
    if (o.second.empty() || o.scenes.empty()) usage("--compare needs two weights files and a scene");
    return o;
  }
  if (o.int8 == o.scenes.empty())
    usage(o.int8 ? "--int8 needs a scene: --calibrate SCENE" : "--calibrate is for --int8");
  if (!o.info && o.out.empty()) usage("no file to write: -o OUT.dtw");
  for (const char* key : {"net", "task", "bands", "outputs", "input", "precision"})
    if (o.meta.count(key) != 0)
      usage(std::string("--meta ") + key + " is the converter's to say: use --net, --bands, --outputs, --int8");
  return o;
}

std::vector<std::byte> pack_network(const Network& network, const ConvertOptions& options,
                                    std::span<const std::byte> source) {
  std::vector<WeightsTensor> tensors = network.tensors;
  if (options.f16)
    for (WeightsTensor& t : tensors)
      if (t.dims.size() > 1) t.dtype = DType::f16;
  std::map<std::string, std::string> meta = {
      {"net", network.net},
      {"task", network.task},
      {"bands", join(network.bands)},
      {"outputs", join(network.outputs)},
      {"input", network.input},
      {"source", ascii(file_name(options.in)) + ", CRC-32C " + hex(crc32c(source))},
      {"converter", "dtacs-convert " DTACS_VERSION},
  };
  for (const auto& [key, value] : options.meta) meta[key] = value;
  return write_weights(std::move(tensors), meta);
}

namespace {

// Whether a program of ours runs it.
bool is_run(const WeightsFile& weights) {
  Model model;
  if (read_model(weights, model) != Status::ok) return false;
  if (!model.is_unet()) return bind_pixel_net(weights, model, *std::make_unique<PixelNet>()) == Status::ok;
  const StreamOptions tiny = {.width = 32, .height = 32};
  Arena dry;
  StreamPlan plan;
  Int8Plan int8;
  return (model.int8 ? Int8Plan::bind(unet_of(model), weights, tiny, dry, int8, nullptr)
                     : StreamPlan::bind(unet_of(model), weights, tiny, dry, plan, nullptr)) == Status::arena_too_small;
}

// The bytes of options.out, once they read back.
void write_checked(const ConvertOptions& options, const std::vector<std::byte>& bytes, WeightsFile& check) {
  if (WeightsFile::open(bytes, check) != Status::ok)
    throw Failure(Exit::self_check, options.out + ": the weights file does not read back (a mistake of this program)");
  if (!is_run(check))
    throw Failure(Exit::bad_weights, options.in +
                                         ": larger than what dtacs runs: " + std::to_string(kPixelNetMaxBands) +
                                         " bands, " + std::to_string(kHead3x3MaxOutputs) + " classes and " +
                                         std::to_string(kPixelNetMaxHidden) + " hidden values at most");
  write_file(options.out, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void convert_to_int8(const ConvertOptions& options) {
  const LoadedWeights in = load_weights(options.in);
  if (!in.model.classifies() || in.model.int8)
    throw Failure(Exit::usage, options.in + ": --int8 takes float weights for classification");
  const Net& net = unet_of(in.model);
  for (const std::string& name : options.wide)
    if (std::none_of(net.layers, net.layers + net.layer_count,
                     [&](const Layer& l) { return name == l.key.text && may_be_wide(l); }))
      usage("--wide " + name + ": no layer that can keep 14 bits");
  std::map<std::string, std::string> meta;
  for (int i = 0; i < in.weights.meta_count(); ++i)
    meta[std::string(in.weights.meta_key(i))] = std::string(in.weights.meta_value(i));
  meta["precision"] = "int8";
  meta["quantised_from"] = ascii(file_name(options.in)) + ", CRC-32C " + hex(in.weights.crc());
  std::vector<std::string> scenes;
  for (const std::string& s : options.scenes) scenes.push_back(ascii(file_name(s)));
  meta["calibrated_on"] = join(scenes);
  meta["converter"] = "dtacs-convert " DTACS_VERSION;
  for (const auto& [key, value] : options.meta) meta[key] = value;
  for (const auto& [key, value] : meta)  // before all the work
    if (value.size() > weights_v1::kMaxValue)
      usage("metadata " + key + " would be longer than " + std::to_string(weights_v1::kMaxValue) +
            " bytes: give a shorter --meta " + key);
  const std::vector<TensorRanges> ranges = calibrate(in, options.scenes, options.range);
  std::vector<std::byte> bytes;
  try {
    bytes = write_weights(quantise(net, in.weights, ranges, {.wide = options.wide}), meta);
  } catch (const Failure& f) {
    throw Failure(f.exit(), options.in + ": " + f.what());
  }
  WeightsFile check;
  write_checked(options, bytes, check);
  std::printf("%s: %d tensors, %zu bytes, CRC-32C %s\n", options.out.c_str(), check.tensor_count(), bytes.size(),
              hex(check.crc()).c_str());
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// --pack and --delta, then --unpack and --apply: a base is what the second of each has.
void pack_file(const ConvertOptions& options) {
  const MappedFile first(options.in);
  std::vector<std::byte> bytes;
  std::span<const std::byte> original = first.bytes(), base;
  std::optional<MappedFile> second;
  if (options.delta) {
    base = original;
    original = second.emplace(options.second).bytes();
  }
  try {
    bytes = pack(original, base);
  } catch (const Failure& f) {
    throw Failure(f.exit(), (options.delta ? options.second : options.in) + ": " + f.what());
  }
  if (as_text(unpack(options.out, bytes, base).bytes()) != as_text(original))
    throw Failure(Exit::self_check, options.out + ": the packed file does not read back (a mistake of this program)");
  write_file(options.out, as_text(bytes));
  std::printf("%s: %zu bytes for %zu, CRC-32C %s\n", options.out.c_str(), bytes.size(), original.size(),
              hex(crc32c(original)).c_str());
}

void unpack_file(const ConvertOptions& options) {
  const MappedFile first(options.in);
  std::optional<MappedFile> second;
  if (options.apply) second.emplace(options.second);
  const UnpackedFile file =
      options.apply ? unpack(options.second, second->bytes(), first.bytes()) : unpack(options.in, first.bytes());
  write_file(options.out, as_text(file.bytes()));
  std::printf("%s: %zu bytes, CRC-32C %s\n", options.out.c_str(), file.size, hex(crc32c(file.bytes())).c_str());
}

}  // namespace

void run_convert(const ConvertOptions& options) {
  if (options.help) {
    std::fputs(kHelp, stdout);
    return;
  }
  std::error_code none;
  for (const std::string& read : {options.in, options.second})
    if (std::filesystem::equivalent(read, options.out, none)) usage(options.out + " would be overwritten by itself");
  if (options.compare) {
    compare_weights(options.in, options.second, options.scenes);
    return;
  }
  if (options.int8) return convert_to_int8(options);
  if (options.pack || options.delta) return pack_file(options);
  if (options.unpack || options.apply) return unpack_file(options);
  const MappedFile file(options.in);
  if (options.info && is_packed(file.bytes())) return print_packed_file(file.bytes(), options.in);
  if (options.info && is_weights_file(file.bytes())) return print_weights_file(file.bytes(), options.in);
  const Checkpoint checkpoint = read_checkpoint(file.bytes(), options.in, {.check_crc = options.check_zip_crc});
  if (options.info) return print_checkpoint(checkpoint, options);

  const Network network = recognise_network(checkpoint, options.in, options.hints);
  std::vector<std::byte> bytes;
  try {
    bytes = pack_network(network, options, file.bytes());
  } catch (const Failure& f) {
    throw Failure(f.exit(), options.in + ": " + f.what());
  }
  WeightsFile check;
  write_checked(options, bytes, check);
  std::size_t values = 0;
  for (const WeightsTensor& t : network.tensors) values += t.values.size();
  std::printf("%s: %s, %zu tensors\n", options.in.c_str(), checkpoint.format.c_str(), checkpoint.tensors.size());
  print_network(network);
  std::printf("%s: %d tensors, %zu values, %zu bytes, CRC-32C %s\n", options.out.c_str(), check.tensor_count(), values,
              bytes.size(), hex(check.crc()).c_str());
}

}  // namespace dtacs
