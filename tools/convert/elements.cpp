// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/elements.h"

#include <bit>
#include <string>

#include "io/host/failure.h"
#include "tools/convert/byte_cursor.h"
#include "tools/convert/checkpoint.h"
#include "weights/f16.h"

namespace dtacs {

namespace {

constexpr struct {
  const char* name;
  std::size_t size;
} kElements[] = {{"f64", 8}, {"f32", 4}, {"f16", 2}, {"bf16", 2}, {"i64", 8}, {"i32", 4}, {"i16", 2},
                 {"i8", 1},  {"u64", 8}, {"u32", 4}, {"u16", 2},  {"u8", 1},  {"bool", 1}};

}  // namespace

const char* element_name(Element e) {
  return kElements[static_cast<int>(e)].name;
}
std::size_t element_size(Element e) {
  return kElements[static_cast<int>(e)].size;
}

float element_value(Element e, const std::byte* p) {
  switch (e) {
    case Element::f64: return static_cast<float>(std::bit_cast<double>(load_le<std::uint64_t>(p)));
    case Element::f32: return std::bit_cast<float>(load_le<std::uint32_t>(p));
    case Element::f16: return f16_to_f32(load_le<std::uint16_t>(p));
    case Element::bf16: return std::bit_cast<float>(static_cast<std::uint32_t>(load_le<std::uint16_t>(p)) << 16);
    case Element::i64: return static_cast<float>(static_cast<std::int64_t>(load_le<std::uint64_t>(p)));
    case Element::i32: return static_cast<float>(static_cast<std::int32_t>(load_le<std::uint32_t>(p)));
    case Element::i16: return static_cast<float>(static_cast<std::int16_t>(load_le<std::uint16_t>(p)));
    case Element::i8: return static_cast<float>(static_cast<std::int8_t>(*p));
    case Element::u64: return static_cast<float>(load_le<std::uint64_t>(p));
    case Element::u32: return static_cast<float>(load_le<std::uint32_t>(p));
    case Element::u16: return static_cast<float>(load_le<std::uint16_t>(p));
    case Element::u8: return static_cast<float>(*p);
    case Element::boolean: return *p != std::byte{0} ? 1.0f : 0.0f;
  }
  return 0;
}

void ValueBudget::spend(std::uint64_t values) {
  if (values > left_)
    throw Failure(Exit::bad_weights, "the tensors unfold to more values than a file of this size may");
  left_ -= values;
}

std::uint64_t value_count(const std::vector<std::uint64_t>& dims) {
  std::uint64_t count = 1;
  for (const std::uint64_t d : dims)
    if (__builtin_mul_overflow(count, d, &count) || count >> 48 != 0)
      throw Failure(Exit::bad_weights, "a tensor of shape " + shape_text(dims) + " is absurd");
  return count;
}

std::vector<float> gather(std::span<const std::byte> stored, Element e, const std::vector<std::uint64_t>& dims,
                          std::uint64_t offset, const std::vector<std::uint64_t>& strides, ValueBudget& budget) {
  const std::uint64_t count = value_count(dims), capacity = stored.size() / element_size(e);
  if (strides.size() != dims.size()) throw Failure(Exit::bad_weights, "a tensor has as many strides as dimensions");
  if (count == 0) return {};
  std::uint64_t last = offset;  // the largest index
  for (std::size_t d = 0; d < dims.size(); ++d) {
    std::uint64_t reach = 0;
    if (__builtin_mul_overflow(dims[d] - 1, strides[d], &reach) || __builtin_add_overflow(last, reach, &last))
      last = capacity;
  }
  if (last >= capacity)
    throw Failure(Exit::bad_weights, "a tensor of shape " + shape_text(dims) + " reaches beyond its storage of " +
                                         std::to_string(capacity) + " values");
  budget.spend(count);
  std::vector<float> out(static_cast<std::size_t>(count));
  std::vector<std::uint64_t> index(dims.size(), 0);
  std::uint64_t at = offset;
  for (float& v : out) {
    v = element_value(e, &stored[static_cast<std::size_t>(at) * element_size(e)]);
    for (std::size_t d = dims.size(); d-- > 0;) {  // the next index, last dimension fastest
      at += strides[d];
      if (++index[d] < dims[d]) break;
      at -= strides[d] * dims[d];
      index[d] = 0;
    }
  }
  return out;
}

std::vector<float> read_dense(std::span<const std::byte> stored, Element e, const std::vector<std::uint64_t>& dims,
                              ValueBudget& budget) {
  const std::uint64_t count = value_count(dims);
  if (count * element_size(e) != stored.size())
    throw Failure(Exit::bad_weights, "a tensor of shape " + shape_text(dims) + " in " + element_name(e) + " has " +
                                         std::to_string(stored.size()) + " bytes");
  budget.spend(count);
  std::vector<float> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = element_value(e, &stored[i * element_size(e)]);
  return out;
}

}  // namespace dtacs
