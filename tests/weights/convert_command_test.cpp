// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/convert_command.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "io/host/failure.h"
#include "io/host/file.h"
#include "tests/support/shared_data.h"
#include "tests/weights/checkpoint_bytes.h"
#include "tools/run/loaded_weights.h"

namespace dtacs {

using namespace test;
namespace fs = std::filesystem;

namespace {

// A folder that goes when the test ends.
struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "dtacs_convert_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string write(const std::string& name, const FileBytes& bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
    return at(name);
  }
  std::string at(const std::string& name) const { return (path / name).string(); }
  int files() const { return static_cast<int>(std::distance(fs::directory_iterator(path), {})); }
};

ConvertOptions parse(std::vector<const char*> args) {
  args.insert(args.begin(), "dtacs-convert");
  return parse_convert_options(static_cast<int>(args.size()), args.data());
}

// The exit code of the command.
int run(const std::vector<std::string>& args, std::string* line = nullptr) {
  std::vector<const char*> raw;
  for (const std::string& a : args) raw.push_back(a.c_str());
  try {
    std::fflush(stdout);
    const int keep = dup(STDOUT_FILENO);
    REQUIRE(std::freopen("/dev/null", "w", stdout) != nullptr);
    struct Restore {
      int fd;
      ~Restore() {
        std::fflush(stdout);
        dup2(fd, STDOUT_FILENO);
        close(fd);
      }
    } restore{keep};
    run_convert(parse(raw));
    return 0;
  } catch (const Failure& f) {
    if (line != nullptr) *line = f.what();
    return static_cast<int>(f.exit());
  }
}

FileBytes corrector_file(std::uint64_t hidden = 16) {
  const auto value = [](std::size_t i) { return static_cast<float>(i % 19) / 16.0f - 0.5f; };
  return make_torch({make_tensor("model.cnn_layers.0.weight", {hidden, 4, 1, 1}, value),
                     make_tensor("model.cnn_layers.0.bias", {hidden}, value),
                     make_tensor("model.cnn_layers.2.weight", {4, hidden, 1, 1}, value),
                     make_tensor("model.cnn_layers.2.bias", {4}, value)});
}

}  // namespace

TEST_CASE("convert: options") {
  const ConvertOptions o = parse({"in.pt", "-o", "out.dtw", "--bands", "B02,B03", "--outputs", "thick cloud,clear",
                                  "--meta", "licence=CC BY 4.0", "--meta", "score=a=b", "--f16"});
  CHECK(o.in == "in.pt");
  CHECK(o.out == "out.dtw");
  CHECK(o.hints.bands.size() == 2);
  CHECK(o.hints.outputs.at(0) == "thick cloud");
  CHECK(o.meta.at("licence") == "CC BY 4.0");
  CHECK(o.meta.at("score") == "a=b");
  CHECK(o.f16);
  CHECK(o.hints.any_prefix);
  for (const std::vector<const char*>& bad : {std::vector<const char*>{},
                                              {"in.pt"},
                                              {"in.pt", "-o"},
                                              {"a", "b", "-o", "c"},
                                              {"a", "-o", "c", "--what"},
                                              {"a", "-o", "c", "--meta", "x"},
                                              {"a", "-o", "c", "--meta", "net=x"},
                                              {"a", "-o", "c", "--bands", "B01,,B02"},
                                              {"a", "-o", "c", "--net", "resnet"},
                                              {"a", "--info", "--pack"},
                                              {"a", "-o", "c", "--pack", "--f16"},
                                              {"a", "-o", "c", "--int8", "--calibrate", "b", "--bands", "B02"},
                                              {"a", "-o", "c", "--range", "largest"},
                                              {"a", "-o", "c", "--wide", "none"},
                                              {"a", "--info", "--int8", "--calibrate", "b"},
                                              {"a", "--info", "--f16"},
                                              {"a", "--info", "-o", "c"},
                                              {"a", "b", "d", "--compare", "-o", "c"},
                                              {"a", "b", "--compare", "--calibrate", "d"},
                                              {"a", "-o", "c", "--pack", "--meta", "licence=x"},
                                              {"a", "-o", "c", "--meta", "precision=int8"},
                                              {"a", "b", "d", "-o", "c", "--delta"}})
    CHECK_THROWS_AS(static_cast<void>(parse(bad)), Failure);
  const ConvertOptions after = parse({"a.dtw", "b.dtw", "scene", "--compare"});
  CHECK((after.in == "a.dtw" && after.second == "b.dtw" && after.scenes == std::vector<std::string>{"scene"}));
  std::string why;
  std::vector<std::string> many = {"--int8", DTACS_SOURCE_DIR "/weights/classification.dtw", "-o", "nowhere/o.dtw"};
  for (int i = 0; i < 25; ++i)
    for (const std::string& word : {std::string("--calibrate"), "nowhere/" + std::string(180, 'x') + "/"})
      many.push_back(word);
  CHECK(run(many, &why) == 64);
  CHECK(why.find("--meta calibrated_on") != std::string::npos);
  for (const char* layer : {"e1.proj", "e0", "head", "d2.c1"}) {  // before scenes are looked at
    std::string line;
    CHECK(run({DTACS_SOURCE_DIR "/weights/classification.dtw", "--int8", "--calibrate", "nowhere", "--wide", layer,
               "-o", "nowhere/o.dtw"},
              &line) == 64);
    CHECK(line.find(std::string("--wide ") + layer) != std::string::npos);
  }
}

// Values beyond float32 once crashed the calibration; a network for L2A was calibrated on L1C; and what was wrong
// with the weights was said of the scene.
TEST_CASE("convert: --int8 refuses weights that do not fit the scene or do not compute numbers, by name") {
  const Folder folder;
  const std::string demo =
      DTACS_SOURCE_DIR "/tests/data/demo/S2A_MSIL1C_20260621T105031_N0511_R051_T31TDH_20260621T130000.SAFE";
  const LoadedWeights in = load_weights(DTACS_SOURCE_DIR "/weights/classification.dtw");
  std::vector<WeightsTensor> good;
  for (int i = 0; i < in.weights.tensor_count(); ++i) {
    const TensorView view = in.weights.tensor(i);
    WeightsTensor t{.name = std::string(view.name), .dims = {view.dims, view.dims + view.rank}, .values = {}};
    t.values.resize(view.count());
    view.to_f32(t.values.data());
    good.push_back(std::move(t));
  }
  std::map<std::string, std::string> meta;
  for (int i = 0; i < in.weights.meta_count(); ++i)
    meta[std::string(in.weights.meta_key(i))] = std::string(in.weights.meta_value(i));
  const auto write = [&](const char* name, const std::vector<WeightsTensor>& tensors) {
    const std::vector<std::byte> bytes = write_weights(tensors, meta);
    return folder.write(name, FileBytes(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  };
  const auto refusal = [&](const std::string& weights, int exit) {
    std::string line;
    CHECK(run({"--int8", weights, "--calibrate", demo, "-o", folder.at("o")}, &line) == exit);
    CHECK(line.rfind(weights, 0) == 0);
    return line;
  };

  auto bad = good;
  for (WeightsTensor& t : bad)
    for (float& v : t.values) v *= 1e12f;
  const std::string why = refusal(write("huge.dtw", bad), 69);
  CHECK(why.find(" computes values that are infinite or not a number from " + demo) != why.npos);
  bad = good;
  bad.pop_back();
  refusal(write("short.dtw", bad), 69);
  meta["input"] = "surface_reflectance";
  const std::string l2a = write("l2a.dtw", good);
  refusal(l2a, 68);
  CHECK(run({"--compare", DTACS_SOURCE_DIR "/weights/classification.dtw", l2a, demo}) == 68);
}

TEST_CASE("convert: what is larger than the engine takes is not written") {
  const Folder folder;
  std::string why;
  CHECK(run({folder.write("CNN_corrector_probav.pt", corrector_file(128)), "-o", folder.at("w.dtw")}) == 0);
  CHECK(run({folder.write("CNN_corrector_probav.pt", corrector_file(129)), "-o", folder.at("x.dtw")}, &why) == 69);
  CHECK(why.find("CNN_corrector_probav.pt: larger than what dtacs runs") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.at("x.dtw")));
}

TEST_CASE("convert: a checkpoint to a file that opens, with its metadata") {
  const Folder folder;
  const std::string in = folder.write("CNN_corrector_probav.pt", corrector_file()), out = folder.at("w.dtw");
  for (const bool half : {false, true}) {
    std::vector<std::string> args = {in, "-o", out, "--meta", "licence=none", "--meta", "seed=7"};
    if (half) args.push_back("--f16");
    REQUIRE(run(args) == 0);
    CHECK(folder.files() == 2);
    const MappedFile file(out);
    WeightsFile w;
    REQUIRE(WeightsFile::open(file.bytes(), w) == Status::ok);
    CHECK(w.meta("net") == "cnn_corrector");
    CHECK(w.meta("task") == "correction");
    CHECK(w.meta("bands") == "B02,B04,B08,B11");
    CHECK(w.meta("outputs") == "B02,B04,B08,B11");
    CHECK(w.meta("input") == "toa_reflectance");
    CHECK(w.meta("licence") == "none");
    CHECK(w.meta("seed") == "7");
    CHECK(w.meta("source").rfind("CNN_corrector_probav.pt, CRC-32C ", 0) == 0);
    CHECK(w.find("a1.w").dtype == (half ? DType::f16 : DType::f32));
    CHECK(w.find("a1.b").dtype == DType::f32);
    std::vector<float> v(w.find("a1.w").count());
    w.find("a1.w").to_f32(v.data());
    CHECK(v.at(1) == 1.0f / 16 - 0.5f);
    CHECK(run({"--info", out}) == 0);
    CHECK(run({"--info", in}) == 0);
  }
}

TEST_CASE("convert: failures have their exit code and leave nothing behind") {
  const Folder folder;
  const std::string good = folder.write("probav.pt", corrector_file());
  const std::string bad = folder.write("bad.pt", corrector_file().substr(0, 900));
  const std::string unclear = folder.write("x.pt", corrector_file());
  std::string line;
  CHECK(run({folder.at("absent.pt"), "-o", folder.at("o")}, &line) == 66);
  CHECK(line.find("absent.pt") != line.npos);
  CHECK(run({bad, "-o", folder.at("o")}, &line) == 69);
  CHECK(line.find(bad + ": ") == 0);
  CHECK(run({"--info", bad}) == 69);
  CHECK(run({unclear, "-o", folder.at("o")}, &line) == 64);
  CHECK(line.find("--bands") != line.npos);
  CHECK(run({good, "-o", folder.at("no such folder/o")}, &line) == 73);
  CHECK(line.find("no such folder/o") != line.npos);
  // Before the file is looked at, or scenes for an hour.
  for (const std::string& meta : {std::string("a=\x1b[31m"), std::string("a b=c"), "a=" + std::string(4096, 'x')}) {
    CHECK(run({good, "-o", folder.at("o"), "--meta", meta}, &line) == 64);
    CHECK(line.rfind("--meta a", 0) == 0);
  }
  fs::create_directory(folder.at("taken"));
  CHECK(run({good, "-o", folder.at("taken")}) == 73);
  CHECK(folder.files() == 4);  // the three inputs and the folder
  REQUIRE(run({good, "-o", folder.at("o")}) == 0);
  {
    std::fstream f(folder.at("o"), std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(300);
    f.put('\x55');
  }
  CHECK(run({"--info", folder.at("o")}, &line) == 69);
  CHECK(run({good, "-o", "/dev/full/x"}) == 73);
}

TEST_CASE("convert: a file is not replaced by what is made of it") {
  const Folder folder;
  const std::string in = folder.write("ac_planetscope.pt", corrector_file());
  for (const std::string& out : {in, folder.at("./ac_planetscope.pt")}) {
    std::string line;
    CHECK(run({in, "-o", out}, &line) == 64);
    CHECK(line.find("overwritten") != std::string::npos);
  }
  CHECK(std::filesystem::file_size(in) == corrector_file().size());
}

TEST_CASE("convert: packed, unpacked, and as a difference") {
  const Folder folder;
  const std::string old = DTACS_SOURCE_DIR "/weights/correction_probav.dtw",
                    now = DTACS_SOURCE_DIR "/weights/correction_planetscope.dtw";
  const auto content = [](const std::string& path) {
    const MappedFile file(path);
    return FileBytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  };
  REQUIRE(run({"--pack", now, "-o", folder.at("z")}) == 0);
  CHECK(content(folder.at("z")).size() < content(now).size());
  REQUIRE(run({"--unpack", folder.at("z"), "-o", folder.at("u")}) == 0);
  CHECK(content(folder.at("u")) == content(now));
  CHECK(load_weights(folder.at("z")).weights.crc() == load_weights(now).weights.crc());
  REQUIRE(run({"--delta", old, now, "-o", folder.at("patch")}) == 0);
  REQUIRE(run({"--apply", old, folder.at("patch"), "-o", folder.at("n")}) == 0);
  CHECK(content(folder.at("n")) == content(now));
  std::string line;
  CHECK(run({"--apply", now, folder.at("patch"), "-o", folder.at("x")}, &line) == 69);
  CHECK(line.find("not the file that this is the difference to") != line.npos);
  CHECK(run({"--unpack", folder.at("patch"), "-o", folder.at("x")}) == 69);
  CHECK(run({"--info", folder.at("patch")}) == 0);
  CHECK(run({"--pack", "--unpack", now, "-o", folder.at("x")}) == 64);
  CHECK(run({"--delta", old, "-o", folder.at("x")}) == 64);
  CHECK(folder.files() == 4);
}

TEST_CASE("convert: a disk that fills up half-way leaves nothing behind") {
  const Folder folder;
  const std::string in = folder.write("probav.pt", corrector_file());
  // A limit on the size of files fails a write the way a full disk does.
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{512, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string line;
  const int exit = run({in, "-o", folder.at("o")}, &line);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  CHECK(exit == 74);
  CHECK(line.rfind(folder.at("o") + ": ", 0) == 0);
  CHECK(folder.files() == 1);
}

TEST_CASE("convert: the released checkpoints of DTACSNet") {
  DTACS_NEEDS_DATA("weights/dtacsnet");
  struct Case {
    const char *file, *net, *bands;
    int tensors;
    std::uint32_t hidden;
  };
  const char* all = "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12";
  const Case kCases[] = {{"CNN_corrector.pt", "cnn_corrector", all, 4, 52},
                         {"CNN_corrector_512.onnx", "cnn_corrector", all, 4, 52},
                         {"older/CNN_corrector_4.pt", "cnn_corrector", all, 4, 52},
                         {"CNN_corrector_phisat2.pt", "cnn_corrector", "B02,B03,B04,B05,B06,B07,B08", 4, 28},
                         {"CNN_corrector_planetscope.pt", "cnn_corrector", "B02,B03,B04,B08", 4, 16},
                         {"CNN_corrector_probav.pt", "cnn_corrector", "B02,B04,B08,B11", 4, 16},
                         {"linear.pt", "linear", all, 2, 12}};
  const Folder folder;
  for (const Case& k : kCases) {
    CAPTURE(k.file);
    const std::string out = folder.at("w.dtw");
    REQUIRE(run({shared_data(std::string("weights/dtacsnet/") + k.file), "-o", out}) == 0);
    const MappedFile file(out);
    WeightsFile w;
    REQUIRE(WeightsFile::open(file.bytes(), w) == Status::ok);
    CHECK(w.meta("net") == k.net);
    CHECK(w.meta("bands") == k.bands);
    CHECK(w.tensor_count() == k.tensors);
    CHECK(w.find("a0.w").dims[0] == k.hidden);
  }
}

TEST_CASE("convert: the released ONNX model and checkpoint hold the same numbers, bit for bit") {
  DTACS_NEEDS_DATA("weights/dtacsnet/CNN_corrector_512.onnx");
  const auto load = [](const char* name) {
    const std::string path = shared_data(std::string("weights/dtacsnet/") + name);
    const MappedFile file(path);
    return recognise_network(read_checkpoint(file.bytes(), path), path, {});
  };
  const Network torch = load("CNN_corrector.pt"), onnx = load("CNN_corrector_512.onnx");
  REQUIRE(torch.tensors.size() == 4);
  REQUIRE(onnx.tensors.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(torch.tensors[i].name == onnx.tensors[i].name);
    CHECK(torch.tensors[i].values == onnx.tensors[i].values);
  }
}

TEST_CASE("convert: other people's networks are refused by name, and can be looked at") {
  DTACS_NEEDS_DATA("weights/other_formats/t_unet.pth");
  const Folder folder;
  for (const char* name : {"other_formats/t_unet.pth", "other_formats/t_unet.onnx",
                           "dtacsnet/older/SRmodel_lightning.ckpt", "dtacsnet/CDmodel_512.xml"}) {
    CAPTURE(name);
    const std::string path = shared_data(std::string("weights/") + name);
    std::string line;
    CHECK(run({path, "-o", folder.at("w.dtw")}, &line) == 69);
    CHECK(line.rfind(path + ": ", 0) == 0);
    const bool readable = path.rfind(".xml") == path.npos;
    if (readable) CHECK(line.find("of no known network") != line.npos);
    CHECK(run({"--info", path}) == (readable ? 0 : 69));
  }
  CHECK(folder.files() == 0);
}

}  // namespace dtacs
