// SPDX-License-Identifier: Apache-2.0
// Python's pickle (protocols 0..5) as data: the machine builds a tree of values and
// executes nothing.  What a pickle asks Python to import, call or build becomes an
// object that names its class and keeps its arguments and state; nobody looks for
// the class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dtacs {

// Index into Pickle::values.  Values may be shared, and may contain themselves.
using PickleId = std::uint32_t;
inline constexpr PickleId kNoPickle = 0xffffffffu;

enum class PickleKind : std::uint8_t {
  none,
  boolean,
  integer,     // also one too long for 64 bits, as 0
  real,        // as a double
  text,        // str, bytes, bytearray
  list,        // items: elements
  tuple,       // items: elements
  set,         // items: elements
  dict,        // items: key, value, key, value, ...
  global,      // text: "module.name"
  object,      // cls, args, state; items: what was set or appended, as pairs or elements
  persistent,  // args: the persistent id, a reference to data outside the pickle
};

struct PickleValue {
  PickleKind kind = PickleKind::none;
  bool pairs = false;  // items of an object are key, value pairs
  std::int64_t integer = 0;
  double real = 0;
  std::string text{};
  std::vector<PickleId> items{};
  PickleId cls = kNoPickle, args = kNoPickle, state = kNoPickle;
};

struct Pickle {
  std::vector<PickleValue> values;
  PickleId root = kNoPickle;

  const PickleValue& operator[](PickleId id) const { return values[id]; }
  // "module.name" when the value is an object of that class (or a global), else "".
  std::string_view class_of(PickleId id) const;
};

// Throws Failure (bad_weights): an opcode pickles do not have or that this machine
// refuses (extension registry, out-of-band buffers), an empty stack, an unknown memo,
// more than a million values.
Pickle read_pickle(std::span<const std::byte> bytes);

}  // namespace dtacs
