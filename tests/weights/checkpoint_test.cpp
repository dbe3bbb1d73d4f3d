// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/checkpoint.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "io/host/failure.h"
#include "tests/weights/checkpoint_bytes.h"

namespace dtacs {

using namespace test;

namespace {

Checkpoint read(const FileBytes& file, const ReadOptions& options = {}) {
  return read_checkpoint(to_bytes(file), "model.pt", options);
}

// What the refusal says; "" when there is none.
std::string refusal(const FileBytes& file) {
  try {
    static_cast<void>(read(file));
  } catch (const Failure& f) {
    CHECK(f.exit() == Exit::bad_weights);
    CHECK(std::string(f.what()).rfind("model.pt: ", 0) == 0);
    return f.what();
  }
  return "";
}
bool contains(const std::string& s, const std::string& part) {
  INFO(s);
  return s.find(part) != s.npos;
}

std::vector<TestTensor> two_tensors() {
  return {make_tensor("net.weight", {2, 3}, [](std::size_t i) { return static_cast<float>(i) - 2.5f; }),
          make_tensor("net.bias", {2}, [](std::size_t i) { return 0.25f * static_cast<float>(i + 1); })};
}

void check_two(const Checkpoint& c, const std::string& prefix = "net.") {
  const auto want = two_tensors();
  REQUIRE(c.tensors.size() == 2);
  CHECK(c.tensors[0].name == prefix + "weight");
  CHECK(c.tensors[1].name == prefix + "bias");
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(c.tensors[i].dims == want[i].dims);
    CHECK(c.tensors[i].values == want[i].values);
  }
}

FileBytes identity(const FileBytes& state) {
  return state;
}

// An archive with one storage of six floats 0..5 and whatever pickle one likes.
FileBytes torch_of(const FileBytes& value, const std::string& storage = f32_bytes({0, 1, 2, 3, 4, 5})) {
  return make_zip({{"archive/data.pkl", p_file(value)}, {"archive/data/0", storage}});
}
FileBytes tensor_of(std::uint64_t offset, const std::vector<std::uint64_t>& size,
                    const std::vector<std::uint64_t>& stride, const std::string& type = "FloatStorage",
                    std::uint64_t count = 6) {
  return p_dict({{"t", p_tensor(p_storage(type, "0", count), offset, size, stride)}});
}

}  // namespace

TEST_CASE("torch: a state dictionary alone, in a dictionary, under any root name") {
  check_two(read(make_torch(two_tensors())));
  check_two(read(make_torch(two_tensors(), identity)));
  check_two(read(make_torch(two_tensors(), identity, "my model/v1")));
  CHECK(read(make_torch(two_tensors())).format == "PyTorch");
}

TEST_CASE("torch: options, optimiser state and unknown classes are read over") {
  const FileBytes file = make_torch(two_tensors(), [](const FileBytes& state) {
    const FileBytes moment = p_tensor(p_storage("FloatStorage", "0", 6), 0, {6}, {1});
    const FileBytes options = p_global("argparse", "Namespace") + ")\x81" + p_dict({{"lr", "G" + le(0, 8)}}) + "b";
    const FileBytes evil = p_call(p_global("os", "system"), p_tuple({p_text("exit 1")}));
    return p_dict({{"epoch", p_int(19)},
                   {"opt", options},
                   {"callbacks", evil},
                   {"state_dict", state},
                   {"optimizer_states", "](" + p_dict({{"exp_avg", moment}}) + "e"}});
  });
  check_two(read(file));
}

TEST_CASE("torch: something else under a usual name does not hide the network") {
  const auto weight = make_tensor("cnn_layers.0.weight", {2, 3, 1, 1}, [](std::size_t) { return 1.0f; });
  const FileBytes other = p_tensor(p_storage("FloatStorage", "0", 6), 0, {2}, {1});
  for (const char* key : {"model", "params"}) {
    const Checkpoint c = read(make_torch({weight}, [&](const FileBytes& state) {
      return p_dict({{key, p_dict({{"lr", other}})}, {"weights", state}});
    }));
    REQUIRE(c.tensors.size() == 2);
    CHECK(c.tensors[1].name == "weights.cnn_layers.0.weight");
  }
  // Where no network is known the first of them is shown, as ever.
  check_two(read(make_torch(two_tensors(), [&](const FileBytes& state) {
    return p_dict({{"model", state}, {"params", p_dict({{"lr", other}})}});
  })));
}

TEST_CASE("torch: a pickled batch norm says its epsilon") {
  const auto module = [](const Pairs& state) { return p_global("m", "Module") + ")\x81" + p_dict(state) + "b"; };
  const FileBytes eps = FileBytes("G\x3f\x50\x62\x4d\xd2\xf1\xa9\xfc");  // 1e-3, the most significant byte first
  for (const FileBytes& number : {eps, FileBytes("F0.001\n")}) {
    const FileBytes norm = module({{"eps", number}, {"_parameters", p_ordered({})}});
    const Checkpoint c =
        read(torch_of(module({{"_modules", p_ordered({{"e", module({{"_modules", p_ordered({{"1", norm}})}})}})}})));
    REQUIRE(c.epsilons.size() == 1);
    CHECK(c.epsilons.at("e.1") == 1e-3);
  }
}

TEST_CASE("torch: a pickled module and a TorchScript module name tensors by their path") {
  const auto tensors = two_tensors();
  const auto parts = [](const char* weight, const char* bias) {
    return Pairs{{weight, p_tensor(p_storage("FloatStorage", "0", 6), 0, {2, 3}, {3, 1})},
                 {bias, p_call(p_global("torch._utils", "_rebuild_parameter"),
                               p_tuple({p_tensor(p_storage("FloatStorage", "1", 2), 0, {2}, {1}), "\x88", ")"}))}};
  };
  const auto module = [](const std::string& name, const Pairs& state) {
    return p_global("__torch__", name) + ")\x81" + p_dict(state) + "b";
  };
  const std::vector<ZipItem> storages = {{"m/data/0", f32_bytes(tensors[0].values)},
                                         {"m/data/1", f32_bytes(tensors[1].values)}};
  std::vector<ZipItem> script = storages;
  const Pairs attributes = parts("weight", "bias");
  script.push_back(
      {"m/data.pkl", p_file(module("Net", {{"training", "\x89"}, {"net", module("Conv2d", attributes)}}))});
  script.push_back({"m/constants.pkl", p_file(")")});
  script.push_back({"m/code/__torch__.py", "not looked at", 8});
  const Checkpoint c = read(make_zip(script));
  CHECK(c.format == "TorchScript");
  check_two(c);

  std::vector<ZipItem> pickled = storages;
  const FileBytes inner = module("Conv2d", {{"_parameters", p_ordered(attributes)}, {"_buffers", p_ordered({})}});
  pickled.push_back({"m/data.pkl", p_file(module("Net", {{"_modules", p_ordered({{"net", inner}})}}))});
  check_two(read(make_zip(pickled)));
}

TEST_CASE("torch: a frozen TorchScript module is read in the order of its constants") {
  const auto tensors =
      std::vector<TestTensor>{make_tensor("", {2, 1, 1, 1}, [](std::size_t i) { return static_cast<float>(i); }),
                              make_tensor("", {2}, [](std::size_t i) { return static_cast<float>(i + 5); })};
  const FileBytes constants = p_tuple({p_tensor(p_storage("FloatStorage", "0", 2), 0, {2, 1, 1, 1}, {1, 1, 1, 1}),
                                       p_tensor(p_storage("FloatStorage", "1", 2), 0, {2}, {1})});
  const Checkpoint c = read(make_zip({{"f/data.pkl", p_file(p_global("__torch__", "Net") + ")\x81}b")},
                                      {"f/constants.pkl", p_file(constants)},
                                      {"f/constants/0", f32_bytes(tensors[0].values)},
                                      {"f/constants/1", f32_bytes(tensors[1].values)}}));
  REQUIRE(c.tensors.size() == 2);
  CHECK(c.tensors[1].values == tensors[1].values);
  REQUIRE(c.convs.size() == 1);
  CHECK(c.convs[0].weight == 0);
  CHECK(c.convs[0].bias == 1);
  CHECK(c.foreign.empty());
}

TEST_CASE("torch: a frozen TorchScript module with other constants than weights and biases is marked") {
  const FileBytes weight = p_tensor(p_storage("FloatStorage", "0", 6), 0, {2, 1, 1, 1}, {1, 1, 1, 1}),
                  bias = p_tensor(p_storage("FloatStorage", "0", 6), 0, {2}, {1});
  // Two layers whose equal biases are stored once; a mean that is subtracted first.
  for (const auto& constants : {std::vector<FileBytes>{weight, bias, weight}, {weight, weight, bias}}) {
    const Checkpoint c = read(make_zip({{"f/data.pkl", p_file(p_global("__torch__", "Net") + ")\x81}b")},
                                        {"f/constants.pkl", p_file(p_tuple(constants))},
                                        {"f/constants/0", f32_bytes({0, 1, 2, 3, 4, 5})}}));
    REQUIRE(c.foreign.size() == 1);
    CHECK(contains(c.foreign[0], "other constants than weight, bias"));
  }
}

TEST_CASE("torch: strides are followed, and never out of the storage") {
  const auto values = [](const FileBytes& v) { return read(torch_of(v)).tensors.at(0).values; };
  CHECK(values(tensor_of(0, {3, 2}, {1, 3})) == std::vector<float>{0, 3, 1, 4, 2, 5});  // transposed
  CHECK(values(tensor_of(1, {2, 2}, {2, 1})) == std::vector<float>{1, 2, 3, 4});        // a window
  CHECK(values(tensor_of(2, {2, 3}, {0, 1})) == std::vector<float>{2, 3, 4, 2, 3, 4});  // expanded
  CHECK(values(tensor_of(5, {}, {})) == std::vector<float>{5});                         // a scalar
  CHECK(values(tensor_of(6, {0}, {1})).empty());
  CHECK(contains(refusal(torch_of(tensor_of(0, {7}, {1}))), "reaches beyond its storage"));
  CHECK(contains(refusal(torch_of(tensor_of(1, {6}, {1}))), "reaches beyond its storage"));
  CHECK(contains(refusal(torch_of(tensor_of(0, {2, 3}, {0x7fffffff, 1}))), "reaches beyond its storage"));
  CHECK(contains(refusal(torch_of(tensor_of(0x7fffffff, {1}, {1}))), "reaches beyond its storage"));
  CHECK(contains(refusal(torch_of(tensor_of(0, {2, 3}, {3}))), "strides"));
  CHECK(contains(refusal(torch_of(tensor_of(0, {0x7fffffff, 0x7fffffff}, {0, 0}))), "absurd"));
  CHECK(contains(refusal(torch_of(tensor_of(0, {0x7fffffff}, {0}))), "unfold to more values"));
  CHECK(contains(refusal(torch_of(tensor_of(0, {0xffffffff}, {1}))), "shape that is none"));  // -1
  CHECK(contains(refusal(torch_of(tensor_of(0, {7}, {1}, "FloatStorage", 7))), "shorter than the pickle says"));
}

TEST_CASE("torch: every element type widens to f32") {
  const auto first = [](const std::string& type, const FileBytes& storage) {
    return read(torch_of(tensor_of(0, {1}, {1}, type, 1), storage)).tensors.at(0).values.at(0);
  };
  CHECK(first("DoubleStorage", le(std::bit_cast<std::uint64_t>(-0.1), 8)) == -0.1f);
  CHECK(first("HalfStorage", le(0xc500, 2)) == -5.0f);
  CHECK(first("BFloat16Storage", le(0x3fc0, 2)) == 1.5f);
  CHECK(first("LongStorage", le(~std::uint64_t{6}, 8)) == -7.0f);
  CHECK(first("IntStorage", le(0xfffffffe, 4)) == -2.0f);
  CHECK(first("ShortStorage", le(0x8000, 2)) == -32768.0f);
  CHECK(first("CharStorage", le(0xff, 1)) == -1.0f);
  CHECK(first("ByteStorage", le(0xff, 1)) == 255.0f);
  CHECK(first("BoolStorage", le(2, 1)) == 1.0f);
  CHECK(contains(refusal(torch_of(tensor_of(0, {1}, {1}, "ComplexFloatStorage", 1))),
                 "t: kept as torch.ComplexFloatStorage"));
}

TEST_CASE("torch: recursion, bombs and nonsense in the pickle end in a refusal") {
  // A dictionary that contains itself is no reason to go round in circles.
  check_two(read(make_torch(two_tensors(), [](const FileBytes& state) {
    return "}q\x01" + p_fill({{"state_dict", state}, {"self", "h\x01"}});
  })));
  // Thirty levels, each twice the one below: a thousand million visits if one let it.
  FileBytes laughs = "]";
  for (int i = 0; i < 30; ++i)
    laughs = laughs + "q" + le(static_cast<unsigned>(i), 1) + "0](h" + le(static_cast<unsigned>(i), 1) + "h" +
             le(static_cast<unsigned>(i), 1) + "e";
  CHECK(contains(refusal(torch_of(laughs)), "nested too deep"));
  CHECK(contains(refusal(torch_of(FileBytes(5000, ']') + FileBytes(4999, 'a'))), "nested too deep"));
  CHECK(contains(refusal(torch_of(FileBytes(2000000, 'N'))), "more than a million values"));
  // Two long texts kept once, and a class named after them over and over.
  FileBytes classes =
      "X" + le(499, 4) + FileBytes(499, 'm') + "q" + le(0, 1) + "X" + le(500, 4) + FileBytes(500, 'n') + "q" + le(1, 1);
  for (int i = 0; i < 1000; ++i) classes = classes + "h" + le(0, 1) + "h" + le(1, 1) + "\x93" + "0";
  CHECK(contains(refusal(torch_of(classes)), "more characters than its size explains"));
  CHECK(contains(refusal(torch_of("X" + le(0xffffffff, 4))), "ends too early"));
  CHECK(contains(refusal(torch_of("\x8d" + le(~std::uint64_t{0}, 8))), "ends too early"));
  CHECK(contains(refusal(torch_of("")), "empty stack"));
  CHECK(contains(refusal(torch_of("R")), "empty stack"));
  CHECK(contains(refusal(torch_of("N(R")), "empty stack"));  // a mark is a floor
  CHECK(contains(refusal(torch_of("h\x07")), "never stored"));
  CHECK(contains(refusal(torch_of("t")), "misses a mark"));
  CHECK(contains(refusal(torch_of("}(Nu")), "without a value"));
  CHECK(contains(refusal(torch_of("N(NNu")), "no container"));
  CHECK(contains(refusal(torch_of("\x82\x01")), "opcode 0x82"));
  CHECK(contains(refusal(torch_of("\x80\x06N")), "protocol 6"));
}

TEST_CASE("torch: protocols 0 to 5 say the same") {
  const FileBytes p0 =
      p_file("(dp0\nVstate_dict\np1\n(dp2\nVt\np3\n" +  // protocol 0 writes numbers as lines
             FileBytes("ctorch._utils\n_rebuild_tensor\n((Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nL6L\ntQ"
                       "I1\n(I2\nI2\nt(L2L\nI1\ntt"
                       "Rss"));
  const FileBytes p4 = "\x80\x04\x95" + le(99, 8) +
                       "}\x94\x8c\x01t\x94(\x8c\x0ctorch._utils\x8c\x12_rebuild_tensor_v2\x93" + "(" +
                       "(\x8c\x07storage\x8c\x05torch\x8c\x0c" + "FloatStorage\x93\x8c\x01" + "0\x8c\x03" +
                       "cpuK\x06tQK\x01K\x02K\x02\x86K\x02K\x01\x86\x89)tR" + "1" + "0";
  // The protocol-4 bytes above only have to get past every opcode; their tensor is dropped again.
  CHECK(read(make_zip({{"a/data.pkl", p0}, {"a/data/0", f32_bytes({0, 1, 2, 3, 4, 5})}})).tensors.at(0).values ==
        std::vector<float>{1, 2, 3, 4});
  CHECK(refusal(make_zip({{"a/data.pkl", p4 + "}."}, {"a/data/0", f32_bytes({0, 1, 2, 3, 4, 5})}})) == "");
  const FileBytes p5 = "\x80\x05\x95" + le(99, 8) +
                       "}\x94\x8c\x01t\x94\x8c\x0ctorch._utils\x8c\x12_rebuild_tensor_v2\x93" +
                       "((\x8c\x07storage\x8c\x05torch\x8c\x0c" + "FloatStorage\x93\x8c\x01" + "0\x8c\x03" +
                       "cpu\x8a\x01\x06tQK\x01M\x02" + FileBytes(1, '\0') + "K\x02\x86K\x02K\x01\x86\x89)tRs.";
  CHECK(read(make_zip({{"a/data.pkl", p5}, {"a/data/0", f32_bytes({0, 1, 2, 3, 4, 5})}})).tensors.at(0).values ==
        std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("zip: zip64, a comment, what is refused") {
  const std::vector<ZipItem> items = {{"archive/data.pkl", p_file(tensor_of(0, {6}, {1}))},
                                      {"archive/data/0", f32_bytes({0, 1, 2, 3, 4, 5})}};
  for (const bool zip64 : {false, true}) {
    CHECK(read(make_zip(items, zip64)).tensors.at(0).values.size() == 6);
    CHECK(read(make_zip(items, zip64, "a comment, with PK\x05\x06 in it")).tensors.at(0).values.size() == 6);
  }
  auto changed = items;
  changed[1].method = 8;
  CHECK(contains(refusal(make_zip(changed)), "archive/data/0 is compressed"));
  changed = items;
  changed[1].name = "archive/data/1";
  CHECK(contains(refusal(make_zip(changed)), "no entry archive/data/0"));
  changed[1].name = "archive/data.pkl";
  CHECK(contains(refusal(make_zip(changed)), "two entries archive/data.pkl"));
  CHECK(contains(refusal(make_zip({{"x.npy", "numbers"}})), "without data.pkl"));
  FileBytes damaged = make_zip(items);
  damaged[damaged.find(f32_bytes({0, 1, 2})) + 5] ^= 1;
  CHECK(contains(refusal(damaged), "archive/data/0 does not match its CRC-32"));
  CHECK(read(damaged, {.check_crc = false}).tensors.size() == 1);
  changed = items;
  changed.push_back({"archive/byteorder", "big"});
  CHECK(contains(refusal(make_zip(changed)), "big-endian"));
}

TEST_CASE("safetensors: values, metadata and refusals") {
  const Checkpoint c = read(make_safetensors(two_tensors()));
  CHECK(c.format == "safetensors");
  check_two(c);
  REQUIRE(c.notes.size() == 1);
  CHECK(c.notes[0].second == "pt");
  const auto file = [](const std::string& header, const FileBytes& data) {
    return le(header.size(), 8) + header + data;
  };
  CHECK(read(file(R"({ } )", "")).tensors.empty());
  const std::string good = R"({"t": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}})";
  CHECK(read(file(good, "\x01\x3c\x02\x3c")).tensors.at(0).values[0] == 1.0f + 1.0f / 1024);
  for (const char* type : {"U16", "U32", "U64"}) {  // counters, mostly
    const int bytes = std::atoi(type + 1) / 8;
    const std::string one = std::string(R"({"t": {"dtype": ")") + type + R"(", "shape": [1], "data_offsets": [0, )";
    CHECK(read(file(one + std::to_string(bytes) + "]}}", le(40000, bytes))).tensors.at(0).values[0] == 40000.0f);
  }
  // A header of this length starts as a zip archive does.
  CHECK(read(file(good + FileBytes(0x4b50 - good.size(), ' '), "\x01\x3c\x02\x3c")).tensors.size() == 1);
  const std::pair<std::string, const char*> kBad[] = {
      {R"({"t": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", "has 4 bytes"},
      {R"({"t": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})", "do not lie within"},
      {R"({"t": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}})", "do not lie within"},
      {R"({"t": {"dtype": "F32", "shape": [1], "data_offsets": [0]}})", "do not lie within"},
      {R"({"t": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}})", "F8_E4M3 is not read"},
      {R"({"t": {"dtype": "F32", "shape": [9999999999, 9999999999], "data_offsets": [0, 4]}})", "absurd"},
      {R"({"t": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", "number that is none"},
      {R"({"t": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]})", "expected '}'"},
      {R"({"t)", "ends inside a string"},
      {R"({"t": {"extra": 1}})", "unknown field extra"},
      {R"({} x)", "goes on after"},
  };
  for (const auto& [header, why] : kBad) CHECK(contains(refusal(file(header, "\x01\x3c\x02\x3c")), why));
  CHECK(contains(refusal(le(1u << 30, 8) + "{}"), "larger than 16 MiB"));
  CHECK(contains(refusal(le(100, 8) + "{}"), "ends too early"));
}

TEST_CASE("onnx: convolutions in graph order with what feeds them") {
  const auto value = [](std::size_t i) { return static_cast<float>(i) + 0.5f; };
  const TestTensor w = make_tensor("onnx::Conv_7", {2, 3, 1, 1}, value), b = make_tensor("onnx::Conv_8", {2}, value),
                   v = make_tensor("v", {2, 2, 1, 1}, value), g = make_tensor("g", {2}, value);
  const FileBytes epsilon = pb(5, pb(1, "epsilon") + varint(2 * 8 + 5) + le(std::bit_cast<std::uint32_t>(0.125f), 4));
  const FileBytes graph = onnx_node("Identity", {"onnx::Conv_8"}, "alias") +
                          onnx_node("Conv", {"x", "onnx::Conv_7", "alias"}, "y") + onnx_node("Relu", {"y"}, "z") +
                          onnx_node("Constant", {}, "const", pb(5, pb(1, "value") + pb(5, onnx_tensor(v)))) +
                          onnx_node("Conv", {"z", "const"}, "u") +
                          onnx_node("BatchNormalization", {"u", "g", "g", "onnx::Conv_8", "g"}, "out", epsilon) +
                          onnx_initializer(g) + onnx_initializer(b, false) + onnx_initializer(w);
  const Checkpoint c = read(make_onnx(graph));
  CHECK(c.format == "ONNX");
  REQUIRE(c.convs.size() == 2);
  const auto tensor = [&](int i) { return c.tensors.at(static_cast<std::size_t>(i)); };
  CHECK(tensor(c.convs[0].weight).name == "onnx::Conv_7");
  CHECK(tensor(c.convs[0].bias).values == b.values);
  CHECK(c.convs[0].gamma == -1);
  CHECK(tensor(c.convs[1].weight).values == v.values);
  CHECK(c.convs[1].bias == -1);
  CHECK(tensor(c.convs[1].mean).name == "onnx::Conv_8");
  CHECK(c.convs[1].epsilon == 0.125);

  CHECK(contains(refusal(make_onnx(onnx_node("Conv", {"x", "w"}, "y"))), "weight w of a convolution is computed"));
  CHECK(
      contains(refusal(make_onnx(onnx_node("BatchNormalization", {"x", "g", "g", "g", "g"}, "y"))), "does not follow"));
  CHECK(contains(refusal(make_onnx(onnx_node("Identity", {"a"}, "b") + onnx_node("Identity", {"b"}, "a") +
                                   onnx_node("Conv", {"x", "a"}, "y"))),
                 "is computed"));
  CHECK(contains(refusal(make_onnx(pb(5, pb(8, "q") + pb(1, 4) + pb(2, 3)))), "has 0 bytes"));
  CHECK(contains(refusal(make_onnx(pb(5, pb(8, "q") + pb(1, 4) + pb(2, 1) + pb(14, 1)))), "external data"));
  CHECK(contains(refusal(make_onnx(pb(5, pb(8, "q") + pb(2, 8)))), "data type 8"));
}

TEST_CASE("onnx: what a graph does to pixels is what the networks do, or marked") {
  const auto one = [](std::size_t) { return 1.0f; };
  const FileBytes stored =
      onnx_initializer(make_tensor("w", {2, 2, 3, 3}, one)) + onnx_initializer(make_tensor("b", {2}, one));
  const auto foreign = [&](const FileBytes& nodes) {
    const Checkpoint c = read(make_onnx(nodes + stored));
    std::string all;
    for (const std::string& f : c.foreign) all += f + "\n";
    return all;
  };
  const FileBytes conv = onnx_node("Conv", {"x", "w", "b"}, "y");
  // As torch.onnx exports the networks: clamps with stored limits, residuals, an upsampling to a computed size,
  // skips, the bands that a correction is subtracted from.
  CHECK(foreign(conv + onnx_node("Clip", {"y", "b", "b"}, "c") + onnx_node("Add", {"y", "c"}, "r") +
                onnx_node("Shape", {"r"}, "s") + onnx_node("Mul", {"s", "b"}, "s2") +
                onnx_node("Concat", {"b", "s2"}, "size") + onnx_node("Cast", {"size"}, "i") +
                onnx_node("Resize", {"r", "", "", "i"}, "u") + onnx_node("Concat", {"u", "x"}, "k") +
                onnx_node("Relu", {"k"}, "l") + onnx_node("Gather", {"x", "b"}, "g") +
                onnx_node("Sub", {"g", "l"}, "out")) == "");
  for (const char* op : {"Add", "Sub", "Concat"})
    CHECK(contains(foreign(conv + onnx_node(op, {"y", "b"}, "z")),
                   std::string("has ") + op + " with stored numbers (its output z)"));
  for (const char* op : {"Div", "Mul", "Sigmoid", "MaxPool", "LeakyRelu"})
    CHECK(contains(foreign(onnx_node(op, {"x", "b"}, "n") + onnx_node("Conv", {"n", "w", "b"}, "y")),
                   std::string("has ") + op + " (its output n)"));
  for (const char* op : {"Gather", "Softmax"})
    CHECK(contains(foreign(onnx_node(op, {"x", "b"}, "n") + onnx_node("Conv", {"n", "w", "b"}, "y")),
                   "has Conv of chosen or reordered channels"));
  CHECK(foreign(conv + onnx_node("Softmax", {"y"}, "p") + onnx_node("ArgMax", {"p"}, "class")) == "");

  const auto attribute = [](const char* name, const std::vector<std::uint64_t>& v) {
    FileBytes a = pb(1, name);
    for (const std::uint64_t i : v) a += pb(8, i);
    return pb(5, a);
  };
  const auto window = [&](const FileBytes& attributes) {
    return *read(make_onnx(onnx_node("Conv", {"x", "w"}, "y", attributes) + stored)).convs.at(0).window;
  };
  CHECK(window("") == GraphConv::Window{});
  CHECK(window(attribute("strides", {2, 2}) + attribute("pads", {1, 1, 1, 1}) + attribute("dilations", {3, 3}) +
               pb(5, pb(1, "group") + pb(3, 2))) ==
        GraphConv::Window{.stride = 2, .padding = 1, .dilation = 3, .groups = 2});
  CHECK(window(attribute("strides", {2, 1}) + pb(5, pb(1, "auto_pad") + pb(4, "SAME_UPPER"))) ==
        GraphConv::Window{.stride = -1, .padding = -1});
}

TEST_CASE("other formats are refused by their name") {
  CHECK(contains(refusal(""), "empty"));
  CHECK(contains(refusal("\x80\x02\x8a\nl\xfc\x9c"
                         "F\xf9 j"),
                 "before version 1.6"));
  CHECK(contains(refusal("\x89HDF\r\n\x1a\n"), "HDF5"));
  CHECK(contains(refusal("<?xml version=\"1.0\"?><net/>"), "OpenVINO"));
  CHECK(contains(refusal("DTACSW\r\n"), "already"));
  CHECK(contains(refusal("just some text, which is nothing at all"), "of no format"));
  CHECK(contains(refusal("\x93NUMPY"), "of no format"));
  CHECK(contains(refusal("\x08\x07 and then nothing of the sort"), "no ONNX model"));
  CHECK(contains(refusal(pb(1, 7)), "no ONNX model"));
  CHECK(contains(refusal("PK\x03\x04 cut off here, long before any directory"), "no directory"));
}

}  // namespace dtacs
