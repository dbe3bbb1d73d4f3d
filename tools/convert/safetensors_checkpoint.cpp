// SPDX-License-Identifier: Apache-2.0
// safetensors: u64 length of a JSON header, the header, the tensors' bytes.
//   {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"key": "value"}}
#include <algorithm>
#include <map>

#include "io/host/failure.h"
#include "tools/convert/byte_cursor.h"
#include "tools/convert/checkpoint.h"
#include "tools/convert/elements.h"

namespace dtacs {

namespace {

constexpr std::uint64_t kMaxHeader = 16u << 20;
constexpr std::size_t kMaxTensors = 1u << 16;

[[noreturn]] void refuse(const std::string& why) {
  throw Failure(Exit::bad_weights, why);
}

// The JSON that the header needs: objects, strings, arrays of whole numbers.
class Json {
 public:
  explicit Json(std::string_view text) : text_(text) {}

  void expect(char c) {
    if (!accept(c)) refuse(std::string("the header is not the JSON of safetensors: expected '") + c + "'");
  }
  bool accept(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string string() {
    expect('"');
    std::string s;
    for (;;) {
      const char c = next();
      if (c == '"') return s;
      s += c == '\\' ? escape() : std::string(1, c);
    }
  }
  std::uint64_t number() {
    space();
    std::uint64_t v = 0;
    std::size_t digits = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits)
      v = v * 10 + static_cast<std::uint64_t>(text_[at_] - '0');
    if (digits == 0 || digits > 18) refuse("the header has a number that is none");
    return v;
  }
  std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> v;
    expect('[');
    if (accept(']')) return v;
    do {
      v.push_back(number());
      if (v.size() > 16) refuse("a tensor of the header has more than 16 dimensions");
    } while (accept(','));
    expect(']');
    return v;
  }
  // {"key": <value>, ...}; value() reads what follows each key.
  template <class F>
  void object(F&& value) {
    expect('{');
    if (accept('}')) return;
    do {
      const std::string key = string();
      expect(':');
      value(key);
    } while (accept(','));
    expect('}');
  }
  bool only_space_left() {
    space();
    return at_ == text_.size();
  }

 private:
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  char next() {
    if (at_ >= text_.size()) refuse("the header ends inside a string");
    return text_[at_++];
  }
  std::string escape() {
    const char c = next();
    switch (c) {
      case 'n': return "\n";
      case 't': return "\t";
      case 'r': return "\r";
      case 'b': return "\b";
      case 'f': return "\f";
      case 'u': return "\\u" + std::string{next(), next(), next(), next()};  // kept as written
      default: return std::string(1, c);
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Element element_of(const std::string& dtype) {
  static const std::map<std::string, Element> kTypes = {
      {"F64", Element::f64},     {"F32", Element::f32}, {"F16", Element::f16}, {"BF16", Element::bf16},
      {"I64", Element::i64},     {"I32", Element::i32}, {"I16", Element::i16}, {"I8", Element::i8},
      {"U64", Element::u64},     {"U32", Element::u32}, {"U16", Element::u16}, {"U8", Element::u8},
      {"BOOL", Element::boolean}};
  const auto at = kTypes.find(dtype);
  if (at == kTypes.end()) refuse("dtype " + ascii(dtype) + " is not read");
  return at->second;
}

}  // namespace

Checkpoint read_safetensors(std::span<const std::byte> bytes) {
  ByteCursor cursor(bytes, "the safetensors file");
  const auto header_bytes = cursor.le<std::uint64_t>();
  if (header_bytes > kMaxHeader) refuse("the safetensors header is larger than 16 MiB");
  Json json(cursor.text(header_bytes));
  const std::span<const std::byte> data = cursor.take(cursor.remaining());

  Checkpoint out;
  out.format = "safetensors";
  ValueBudget budget(bytes.size());
  json.object([&](const std::string& name) {
    if (name == "__metadata__") {
      json.object([&](const std::string& key) { out.notes.emplace_back(ascii(key), ascii(json.string())); });
      return;
    }
    if (out.tensors.size() >= kMaxTensors) refuse("the file has more than 65536 tensors");
    NamedTensor t;
    t.name = ascii(name, kLongestName);
    std::string dtype;
    std::vector<std::uint64_t> offsets;
    json.object([&](const std::string& key) {
      if (key == "dtype") {
        dtype = json.string();
      } else if (key == "shape") {
        t.dims = json.numbers();
      } else if (key == "data_offsets") {
        offsets = json.numbers();
      } else {
        refuse(t.name + ": unknown field " + ascii(key) + " in the header");
      }
    });
    try {
      const Element element = element_of(dtype);
      if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size())
        refuse("its bytes do not lie within the file");
      t.dtype = element_name(element);
      t.values = read_dense(
          data.subspan(static_cast<std::size_t>(offsets[0]), static_cast<std::size_t>(offsets[1] - offsets[0])),
          element, t.dims, budget);
    } catch (const Failure& f) {
      refuse(t.name + ": " + f.what());
    }
    out.tensors.push_back(std::move(t));
  });
  if (!json.only_space_left()) refuse("the header goes on after its JSON");
  return out;
}

}  // namespace dtacs
