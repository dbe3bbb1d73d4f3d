// SPDX-License-Identifier: Apache-2.0
// ONNX: the initialisers of the graph, and its Conv nodes in order.  Exporters fold
// batch norm into weights with made-up names, and the order of a topologically sorted
// chain of convolutions is what is left to go by.  Whatever else the nodes do to pixels
// has to be what the known networks do between their convolutions.
//
// ONNX is protobuf; a message is a run of (field number, wire type, payload).  Field
// numbers below are those of onnx.proto.
#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <string_view>

#include "io/host/failure.h"
#include "tools/convert/byte_cursor.h"
#include "tools/convert/checkpoint.h"
#include "tools/convert/elements.h"

namespace dtacs {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kMaxTensors = 1u << 16;
constexpr std::size_t kMaxForeign = 16;  // operations to name; more help nobody

[[noreturn]] void refuse(const std::string& why) {
  throw Failure(Exit::bad_weights, why);
}

std::string_view text(Bytes b) {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

std::uint64_t varint(ByteCursor& c) {
  std::uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t b = c.u8();
    v |= static_cast<std::uint64_t>(b & 0x7fu) << shift;
    if ((b & 0x80u) == 0) return v;
  }
  refuse("the ONNX file has a number of more than 64 bits");
}

struct Field {
  std::uint64_t number = 0;
  bool is_bytes = false;
  std::uint64_t value = 0;  // varint or fixed, as its bits
  Bytes bytes{};
};

// visit(Field) for each field of a message.
template <class F>
void each_field(Bytes message, F&& visit) {
  ByteCursor c(message, "the ONNX file");
  while (!c.done()) {
    const std::uint64_t tag = varint(c);
    Field f{.number = tag >> 3};
    switch (tag & 7u) {
      case 0: f.value = varint(c); break;
      case 1: f.value = c.le<std::uint64_t>(); break;
      case 2:
        f.is_bytes = true;
        f.bytes = c.take(varint(c));
        break;
      case 5: f.value = c.le<std::uint32_t>(); break;
      default: refuse("the bytes are no ONNX model");
    }
    visit(f);
  }
}

// A repeated integer field, packed or not.
void append_integers(const Field& f, std::vector<std::uint64_t>& out) {
  if (!f.is_bytes) {
    out.push_back(f.value);
    return;
  }
  ByteCursor c(f.bytes, "the ONNX file");
  while (!c.done()) out.push_back(varint(c));
}

bool is_one_of(std::string_view op, std::initializer_list<std::string_view> ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

// The number in all of them, -1 when there is none.
int common(const std::vector<std::uint64_t>& values, int absent) {
  if (values.empty()) return absent;
  const bool same = std::all_of(values.begin(), values.end(), [&](std::uint64_t v) { return v == values[0]; });
  return same && values[0] < (1u << 20) ? static_cast<int>(values[0]) : -1;
}

struct Parser {
  explicit Parser(std::size_t file_bytes) : budget(file_bytes) {}

  void graph(Bytes message);
  int add_tensor(Bytes message, std::string name);
  void node(Bytes message);
  void check_op(std::string_view op, const std::vector<std::string_view>& in,
                const std::vector<std::string_view>& outs);
  bool has_pixels(std::string_view value) const;
  int tensor_of(std::string_view value, const char* role);

  Checkpoint out;
  ValueBudget budget;
  std::map<std::string, int, std::less<>> index;             // value name -> tensor
  std::map<std::string, Bytes, std::less<>> constants;       // not yet needed
  std::map<std::string, std::string, std::less<>> identity;  // output -> input
  std::map<std::string, std::size_t, std::less<>> conv_of;   // output -> conv
  std::set<std::string_view> no_pixels;                      // computed from stored numbers and shapes alone
  std::set<std::string_view> picked;                         // a choice of some channels
  std::set<std::string, std::less<>> named;                  // operations in out.foreign
};

// TensorProto: 1 dims, 2 data_type, 4 float_data, 5 int32_data, 7 int64_data, 8 name,
// 9 raw_data, 10 double_data, 14 data_location.
int Parser::add_tensor(Bytes message, std::string name) {
  NamedTensor t;
  std::uint64_t type = 0;
  bool external = false;
  Bytes raw;
  std::vector<std::byte> unpacked_raw;  // fixed-width fields that are not packed
  std::vector<std::uint64_t> integers;
  each_field(message, [&](const Field& f) {
    if (f.number == 1) append_integers(f, t.dims);
    if (t.dims.size() > 16) refuse("an ONNX tensor has more than 16 dimensions");
    if (f.number == 2) type = f.value;
    if (f.number == 8 && name.empty()) name = text(f.bytes);
    if (f.number == 14) external = f.value != 0;
    if (f.number == 5 || f.number == 7) append_integers(f, integers);
    if (f.number == 9 || ((f.number == 4 || f.number == 10) && f.is_bytes)) raw = f.bytes;
    if ((f.number == 4 || f.number == 10) && !f.is_bytes)
      for (unsigned i = 0; i < (f.number == 4 ? 4u : 8u); ++i)
        unpacked_raw.push_back(static_cast<std::byte>(f.value >> (8 * i) & 0xffu));
  });
  if (!unpacked_raw.empty()) raw = unpacked_raw;
  t.name = ascii(name, kLongestName);
  if (out.tensors.size() >= kMaxTensors) refuse("the ONNX file has more than 65536 tensors");
  if (external) refuse(t.name + ": its values are in another file (external data), save the model in one file");
  static const std::map<std::uint64_t, Element> kTypes = {
      {1, Element::f32},  {2, Element::u8},   {3, Element::i8},      {4, Element::u16},  {5, Element::i16},
      {6, Element::i32},  {7, Element::i64},  {9, Element::boolean}, {10, Element::f16}, {11, Element::f64},
      {12, Element::u32}, {13, Element::u64}, {16, Element::bf16}};
  const auto known = kTypes.find(type);
  if (known == kTypes.end()) refuse(t.name + ": ONNX data type " + std::to_string(type) + " is not read");
  const Element element = known->second;
  if (raw.empty() && !integers.empty()) {  // one number a value, whatever its width
    for (const std::uint64_t v : integers)
      for (std::size_t i = 0; i < element_size(element); ++i)
        unpacked_raw.push_back(static_cast<std::byte>(v >> (8 * i) & 0xffu));
    raw = unpacked_raw;
  }
  t.dtype = element_name(element);
  try {
    t.values = read_dense(raw, element, t.dims, budget);
  } catch (const Failure& f) {
    refuse(t.name + ": " + f.what());
  }
  out.tensors.push_back(std::move(t));
  const int at = static_cast<int>(out.tensors.size()) - 1;
  index.emplace(std::move(name), at);
  return at;
}

// The tensor behind a node's input; -1 when the input is left out.
int Parser::tensor_of(std::string_view value, const char* role) {
  if (value.empty()) return -1;
  for (int hops = 0; hops < 16; ++hops) {
    if (const auto at = index.find(value); at != index.end()) return at->second;
    if (const auto at = constants.find(value); at != constants.end()) return add_tensor(at->second, std::string(value));
    const auto next = identity.find(value);
    if (next == identity.end()) break;
    value = next->second;
  }
  refuse("the " + std::string(role) + " " + ascii(value) + " of a convolution is computed, expected stored numbers" +
         " (a quantised model? export it in f32)");
}

bool Parser::has_pixels(std::string_view value) const {
  return !value.empty() && index.find(value) == index.end() && no_pixels.count(value) == 0;
}

// Notes an operation on pixels that is no part of the networks: their weights would be right, what
// they compute would not.  What is done to shapes (sizes for Resize) and to stored numbers is free.
void Parser::check_op(std::string_view op, const std::vector<std::string_view>& in,
                      const std::vector<std::string_view>& outs) {
  const auto pixels = [&](std::string_view v) { return has_pixels(v); };
  if (is_one_of(op, {"Shape", "Size"}) || std::none_of(in.begin(), in.end(), pixels)) {
    no_pixels.insert(outs.begin(), outs.end());
    return;
  }
  // The bands that a correction is subtracted from, and what some put behind a classification.
  if (is_one_of(op, {"Gather", "Slice", "Softmax", "ArgMax"})) picked.insert(outs[0]);
  const char* how = nullptr;
  if (is_one_of(op, {"Add", "Sub", "Concat"})) {
    if (!std::all_of(in.begin(), in.end(), pixels)) how = " with stored numbers";
  } else if (op == "Conv") {
    if (picked.count(in[0]) != 0) how = " of chosen or reordered channels";
  } else if (!is_one_of(op, {"BatchNormalization", "Relu", "Clip", "Resize", "Upsample", "Identity", "Cast", "Dropout",
                             "Gather", "Slice", "Softmax", "ArgMax"})) {
    how = "";
  }
  if (how != nullptr && named.size() < kMaxForeign && named.emplace(op).second)
    out.foreign.push_back("the graph has " + ascii(op) + how + " (its output " + ascii(outs[0]) +
                          "), which the network has not");
}

// NodeProto: 1 input, 2 output, 4 op_type, 5 attribute (1 name, 2 f, 3 i, 4 s, 5 t, 8 ints).
void Parser::node(Bytes message) {
  std::vector<std::string_view> in, outs;
  std::string_view op;
  Bytes value;
  double epsilon = 1e-5;  // ONNX's default
  GraphConv::Window window;
  each_field(message, [&](const Field& f) {
    if (f.number == 1) in.push_back(text(f.bytes));
    if (f.number == 2) outs.push_back(text(f.bytes));
    if (f.number == 4) op = text(f.bytes);
    if (f.number != 5) return;
    std::string_view name;
    float number = 0;
    Bytes tensor;
    std::string_view word;
    std::vector<std::uint64_t> integers;
    each_field(f.bytes, [&](const Field& a) {
      if (a.number == 1) name = text(a.bytes);
      if (a.number == 2) number = std::bit_cast<float>(static_cast<std::uint32_t>(a.value));
      if (a.number == 4) word = text(a.bytes);
      if (a.number == 5) tensor = a.bytes;
      if (a.number == 3 || a.number == 8) append_integers(a, integers);
    });
    if (name == "strides") window.stride = common(integers, 1);
    if (name == "pads") window.padding = common(integers, 0);
    if (name == "dilations") window.dilation = common(integers, 1);
    if (name == "group") window.groups = common(integers, 1);
    // SAME_UPPER of an even size and a stride of 2 pads one side alone.
    if (name == "auto_pad" && !is_one_of(word, {"NOTSET", "VALID"})) window.padding = -1;
    if (name == "epsilon") epsilon = static_cast<double>(number);
    if (name == "value") value = tensor;
  });
  if (outs.empty()) return;
  const bool fits_none = is_one_of(op, {"ConvTranspose", "Gemm", "MatMul"}) || (op == "Conv" && in.size() < 2);
  if (!fits_none) check_op(op, in, outs);
  const std::string result(outs[0]);
  if (op == "Constant" && !value.empty()) {
    constants.emplace(result, value);
  } else if (op == "Identity" && in.size() == 1) {
    identity.emplace(result, in[0]);
  } else if (fits_none) {  // takes its place in the order
    out.convs.push_back({});
  } else if (op == "Conv") {
    GraphConv c{.weight = tensor_of(in[1], "weight"), .window = window};
    if (in.size() > 2) c.bias = tensor_of(in[2], "bias");
    conv_of.emplace(result, out.convs.size());
    out.convs.push_back(c);
  } else if (op == "BatchNormalization" && in.size() == 5) {
    const auto conv = conv_of.find(in[0]);
    if (conv == conv_of.end()) refuse("a batch norm of the ONNX graph does not follow a convolution");
    GraphConv& c = out.convs[conv->second];
    if (c.gamma >= 0) refuse("two batch norms of the ONNX graph follow one convolution");
    c.gamma = tensor_of(in[1], "batch norm");
    c.beta = tensor_of(in[2], "batch norm");
    c.mean = tensor_of(in[3], "batch norm");
    c.variance = tensor_of(in[4], "batch norm");
    c.epsilon = epsilon;
  }
}

// GraphProto: 1 node, 5 initializer.
void Parser::graph(Bytes message) {
  each_field(message, [&](const Field& f) {
    if (f.number == 5 && f.is_bytes) add_tensor(f.bytes, "");
  });
  each_field(message, [&](const Field& f) {
    if (f.number == 1 && f.is_bytes) node(f.bytes);
  });
}

}  // namespace

// ModelProto: 7 graph.
Checkpoint read_onnx(Bytes bytes) {
  Parser p(bytes.size());
  p.out.format = "ONNX";
  bool found = false;
  each_field(bytes, [&](const Field& f) {
    if (f.number != 7 || !f.is_bytes) return;
    if (found) refuse("the ONNX file has two graphs");
    found = true;
    p.graph(f.bytes);
  });
  if (!found) refuse("the bytes are no ONNX model");
  return std::move(p.out);
}

}  // namespace dtacs
