// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/pickle.h"

#include <bit>
#include <cstdlib>
#include <unordered_map>

#include "io/host/failure.h"
#include "tools/convert/byte_cursor.h"

namespace dtacs {

namespace {

constexpr std::size_t kMaxValues = std::size_t{1} << 20;
// Naming a class costs at least five bytes of pickle, and its name is some thirty characters.
constexpr std::size_t kFreeText = 4096, kTextPerByte = 8;
// An item costs at least one byte of pickle, so items need no limit of their own.
constexpr std::size_t kMaxPickle = std::size_t{64} << 20;

[[noreturn]] void refuse(const std::string& why) {
  throw Failure(Exit::bad_weights, "the pickle " + why);
}

// The opcodes, by the characters the format gives them.
// clang-format off
enum Op : std::uint8_t {
  kMark = '(', kStop = '.', kPop = '0', kPopMark = '1', kDup = '2', kFloat = 'F', kInt = 'I', kBinInt = 'J',
  kBinInt1 = 'K', kLong = 'L', kBinInt2 = 'M', kNone = 'N', kPersId = 'P', kBinPersId = 'Q', kReduce = 'R',
  kString = 'S', kBinString = 'T', kShortBinString = 'U', kUnicode = 'V', kBinUnicode = 'X', kAppend = 'a',
  kBuild = 'b', kGlobal = 'c', kDict = 'd', kEmptyDict = '}', kAppends = 'e', kGet = 'g', kBinGet = 'h',
  kInst = 'i', kLongBinGet = 'j', kList = 'l', kEmptyList = ']', kObj = 'o', kPut = 'p', kBinPut = 'q',
  kLongBinPut = 'r', kSetItem = 's', kTuple = 't', kEmptyTuple = ')', kSetItems = 'u', kBinFloat = 'G',
  kBinBytes = 'B', kShortBinBytes = 'C', kProto = 0x80, kNewObj = 0x81, kTuple1 = 0x85, kTuple2 = 0x86,
  kTuple3 = 0x87, kNewTrue = 0x88, kNewFalse = 0x89, kLong1 = 0x8a, kLong4 = 0x8b, kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d, kBinBytes8 = 0x8e, kEmptySet = 0x8f, kAddItems = 0x90, kFrozenSet = 0x91,
  kNewObjEx = 0x92, kStackGlobal = 0x93, kMemoize = 0x94, kFrame = 0x95, kByteArray8 = 0x96,
};
// clang-format on

class Machine {
 public:
  explicit Machine(std::span<const std::byte> bytes)
      : in_(bytes, "the pickle"), text_budget_(kFreeText + kTextPerByte * bytes.size()) {}

  Pickle run() {
    for (;;) {
      const std::uint8_t op = in_.u8();
      if (op == kStop) break;
      step(op);
    }
    out_.root = pop();
    return std::move(out_);
  }

 private:
  // ---- values, stack, marks, memo
  PickleId make(PickleValue v) {
    if (out_.values.size() >= kMaxValues) refuse("holds more than a million values");
    out_.values.push_back(std::move(v));
    return static_cast<PickleId>(out_.values.size() - 1);
  }
  void push(PickleId id) { stack_.push_back(id); }
  void push(PickleValue v) { push(make(std::move(v))); }
  void push_text(std::string_view s) { push({.kind = PickleKind::text, .text = std::string(s)}); }
  void push_integer(std::int64_t i) { push({.kind = PickleKind::integer, .integer = i}); }

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleId pop() {
    if (stack_.size() <= floor()) refuse("takes a value from an empty stack");
    const PickleId id = stack_.back();
    stack_.pop_back();
    return id;
  }
  PickleId top() {
    if (stack_.size() <= floor()) refuse("takes a value from an empty stack");
    return stack_.back();
  }
  // Everything above the last mark, which goes too.
  std::vector<PickleId> pop_to_mark() {
    if (marks_.empty()) refuse("misses a mark");
    const auto at = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleId> items(at, stack_.end());
    stack_.erase(at, stack_.end());
    marks_.pop_back();
    return items;
  }
  void memoize(std::uint64_t slot) {
    memo_[slot] = top();
    if (memo_.size() > kMaxValues) refuse("stores more than a million values");
  }
  void recall(std::uint64_t slot) {
    const auto at = memo_.find(slot);
    if (at == memo_.end()) refuse("recalls a value it never stored");
    push(at->second);
  }

  // ---- pieces of opcodes
  std::string_view line() {
    std::size_t n = 0;
    ByteCursor ahead = in_;
    while (ahead.u8() != '\n') ++n;
    const std::string_view s = in_.text(n);
    in_.take(1);
    return s;
  }
  std::int64_t line_integer() {
    std::string s(line());
    if (!s.empty() && s.back() == 'L') s.pop_back();
    char* end = nullptr;
    const long long v = std::strtoll(s.c_str(), &end, 10);
    if (s.empty() || *end != '\0') refuse("has a malformed number");
    return v;
  }
  std::uint64_t line_slot() { return static_cast<std::uint64_t>(line_integer()); }
  // Two's complement of n bytes.
  std::int64_t long_integer(std::uint64_t n) {
    const auto b = in_.take(n);
    if (n > 8) return 0;
    std::uint64_t v = n > 0 && (b[b.size() - 1] & std::byte{0x80}) != std::byte{0} ? ~std::uint64_t{0} : 0;
    for (std::size_t i = b.size(); i-- > 0;) v = v << 8 | static_cast<std::uint64_t>(b[i]);
    return static_cast<std::int64_t>(v);
  }
  void push_global(std::string_view module, std::string_view name) {
    // A recalled text costs two bytes of pickle however long it is: do not copy it without bound.
    const std::size_t size = module.size() + name.size();
    if (size > text_budget_) refuse("names classes in more characters than its size explains");
    text_budget_ -= size;
    push({.kind = PickleKind::global, .text = std::string(module) + "." + std::string(name)});
  }
  void push_object(PickleId cls, PickleId args) { push({.kind = PickleKind::object, .cls = cls, .args = args}); }
  PickleId tuple(std::vector<PickleId> items) { return make({.kind = PickleKind::tuple, .items = std::move(items)}); }
  void push_tuple(int n) {
    std::vector<PickleId> items(static_cast<std::size_t>(n));
    for (std::size_t i = items.size(); i-- > 0;) items[i] = pop();
    push(tuple(std::move(items)));
  }
  // Adds to the container on top of the stack.
  void extend(const std::vector<PickleId>& items, bool pairs) {
    if (pairs && items.size() % 2 != 0) refuse("sets a key without a value");
    PickleValue& v = out_.values[top()];
    const bool fits = v.kind == PickleKind::object ? v.items.empty() || v.pairs == pairs
                      : pairs                      ? v.kind == PickleKind::dict
                                                   : v.kind == PickleKind::list || v.kind == PickleKind::set;
    if (!fits) refuse("fills what is no container");
    v.pairs = pairs;
    v.items.insert(v.items.end(), items.begin(), items.end());
  }

  void step(std::uint8_t op);

  ByteCursor in_;
  std::size_t text_budget_;  // characters of class names yet to be copied
  Pickle out_;
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, PickleId> memo_;
};

void Machine::step(std::uint8_t op) {
  switch (op) {
    case kProto:
      if (const int version = in_.u8(); version > 5)
        refuse("has protocol " + std::to_string(version) + ", 5 is the last known");
      break;
    case kFrame: in_.take(8); break;  // a hint about buffering
    case kMark: marks_.push_back(stack_.size()); break;
    case kPop:
      if (stack_.size() == floor() && !marks_.empty()) {
        marks_.pop_back();
      } else {
        pop();
      }
      break;
    case kPopMark: pop_to_mark(); break;
    case kDup: push(top()); break;

    case kNone: push(PickleValue{}); break;
    case kNewTrue: push({.kind = PickleKind::boolean, .integer = 1}); break;
    case kNewFalse: push({.kind = PickleKind::boolean}); break;
    case kInt:  // also I01 and I00, the booleans of protocol 0
    case kLong: push_integer(line_integer()); break;
    case kBinInt: push_integer(in_.le<std::int32_t>()); break;
    case kBinInt1: push_integer(in_.u8()); break;
    case kBinInt2: push_integer(in_.le<std::uint16_t>()); break;
    case kLong1: push_integer(long_integer(in_.u8())); break;
    case kLong4: push_integer(long_integer(in_.le<std::uint32_t>())); break;
    case kFloat: push({.kind = PickleKind::real, .real = std::strtod(std::string(line()).c_str(), nullptr)}); break;
    case kBinFloat: {  // the one number of the format that is big-endian
      std::uint64_t bits = 0;
      for (int i = 0; i < 8; ++i) bits = bits << 8 | in_.u8();
      push({.kind = PickleKind::real, .real = std::bit_cast<double>(bits)});
      break;
    }

    case kString:
    case kUnicode: push_text(line()); break;
    case kShortBinString:
    case kShortBinBytes:
    case kShortBinUnicode: push_text(in_.text(in_.u8())); break;
    case kBinString:
    case kBinBytes:
    case kBinUnicode: push_text(in_.text(in_.le<std::uint32_t>())); break;
    case kBinBytes8:
    case kByteArray8:
    case kBinUnicode8: push_text(in_.text(in_.le<std::uint64_t>())); break;

    case kEmptyTuple: push_tuple(0); break;
    case kTuple1: push_tuple(1); break;
    case kTuple2: push_tuple(2); break;
    case kTuple3: push_tuple(3); break;
    case kTuple: push(tuple(pop_to_mark())); break;
    case kEmptyList: push({.kind = PickleKind::list}); break;
    case kEmptyDict: push({.kind = PickleKind::dict}); break;
    case kEmptySet: push({.kind = PickleKind::set}); break;
    case kList: push({.kind = PickleKind::list, .items = pop_to_mark()}); break;
    case kFrozenSet: push({.kind = PickleKind::set, .items = pop_to_mark()}); break;
    case kDict: {
      const auto items = pop_to_mark();
      push({.kind = PickleKind::dict});
      extend(items, true);
      break;
    }
    case kAppend: extend({pop()}, false); break;
    case kAppends:
    case kAddItems: extend(pop_to_mark(), false); break;
    case kSetItem: {
      const PickleId value = pop(), key = pop();
      extend({key, value}, true);
      break;
    }
    case kSetItems: extend(pop_to_mark(), true); break;

    case kPut: memoize(line_slot()); break;
    case kBinPut: memoize(in_.u8()); break;
    case kLongBinPut: memoize(in_.le<std::uint32_t>()); break;
    case kMemoize: memoize(memo_.size()); break;
    case kGet: recall(line_slot()); break;
    case kBinGet: recall(in_.u8()); break;
    case kLongBinGet: recall(in_.le<std::uint32_t>()); break;

    case kGlobal: {
      const std::string_view module = line(), name = line();
      push_global(module, name);
      break;
    }
    case kStackGlobal: {
      const PickleId name = pop(), module = pop();
      if (out_[name].kind != PickleKind::text || out_[module].kind != PickleKind::text)
        refuse("names a class by something that is no text");
      push_global(out_[module].text, out_[name].text);
      break;
    }
    case kReduce:
    case kNewObj: {
      const PickleId args = pop(), cls = pop();
      push_object(cls, args);
      break;
    }
    case kNewObjEx: {
      pop();  // keyword arguments
      const PickleId args = pop(), cls = pop();
      push_object(cls, args);
      break;
    }
    case kInst: {
      const std::string_view module = line(), name = line();
      const PickleId args = tuple(pop_to_mark());
      push_global(module, name);
      push_object(pop(), args);
      break;
    }
    case kObj: {
      auto items = pop_to_mark();
      if (items.empty()) refuse("builds an object without a class");
      const PickleId cls = items.front();
      items.erase(items.begin());
      push_object(cls, tuple(std::move(items)));
      break;
    }
    case kBuild: {
      const PickleId state = pop();
      out_.values[top()].state = state;
      break;
    }
    case kPersId:
      push_text(line());
      push({.kind = PickleKind::persistent, .args = pop()});
      break;
    case kBinPersId: push({.kind = PickleKind::persistent, .args = pop()}); break;

    default: {
      constexpr char kHex[] = "0123456789abcdef";
      refuse(std::string("has opcode 0x") + kHex[op >> 4] + kHex[op & 15] + ", which is not read");
    }
  }
}

}  // namespace

std::string_view Pickle::class_of(PickleId id) const {
  const PickleValue* v = &values[id];
  if (v->kind == PickleKind::object) v = &values[v->cls];
  return v->kind == PickleKind::global ? std::string_view(v->text) : std::string_view();
}

Pickle read_pickle(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxPickle) refuse("is larger than 64 MiB");
  return Machine(bytes).run();
}

}  // namespace dtacs
