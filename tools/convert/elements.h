// SPDX-License-Identifier: Apache-2.0
// Numbers as checkpoints store them, to f32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace dtacs {

enum class Element : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

const char* element_name(Element e);
std::size_t element_size(Element e);

// The number at p, little-endian, element_size(e) bytes; f64 and integers are rounded.
float element_value(Element e, const std::byte* p);

// Bounds what one file may make a reader allocate.
class ValueBudget {
 public:
  // A stored value has at least one byte; small files may repeat values (stride 0) up to 256 MiB.
  explicit ValueBudget(std::size_t file_bytes) : left_(file_bytes > kAlways ? file_bytes : kAlways) {}
  // Throws Failure (bad_weights) when there is not enough left.
  void spend(std::uint64_t values);

 private:
  static constexpr std::uint64_t kAlways = std::uint64_t{1} << 26;
  std::uint64_t left_;
};

// Product of dims; throws Failure (bad_weights) when it does not fit in 48 bits.
std::uint64_t value_count(const std::vector<std::uint64_t>& dims);

// out[i0, i1, ...] = stored[offset + i0*stride0 + i1*stride1 + ...], dense.  Throws
// Failure (bad_weights) when an element lies outside `stored`.
std::vector<float> gather(std::span<const std::byte> stored, Element e, const std::vector<std::uint64_t>& dims,
                          std::uint64_t offset, const std::vector<std::uint64_t>& strides, ValueBudget& budget);

// The same for dense storage of exactly the product of dims.
std::vector<float> read_dense(std::span<const std::byte> stored, Element e, const std::vector<std::uint64_t>& dims,
                              ValueBudget& budget);

}  // namespace dtacs
