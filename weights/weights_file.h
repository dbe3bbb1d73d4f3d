// SPDX-License-Identifier: Apache-2.0
// Reader of the weights format (FORMAT.md), in place: nothing is copied, the bytes
// may lie in a mapped file or in flash.  open() validates everything once (bounds,
// shapes, order, alignment, CRC32C of each tensor and of the whole), so that after
// it no accessor can fail on a file's account.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "io/status.h"

namespace dtacs {

enum class DType : std::uint8_t { f32 = 0, f16 = 1, s8 = 2, s16 = 3, s32 = 4 };

constexpr bool is_integer(DType t) noexcept {
  return t >= DType::s8;
}
constexpr std::size_t element_bytes(DType t) noexcept {
  constexpr std::size_t kBytes[] = {4, 2, 1, 2, 4};
  return kBytes[static_cast<int>(t)];
}

struct TensorView {
  std::string_view name;  // "e3.dw.w"
  DType dtype = DType::f32;
  int rank = 0;                      // 1..4
  std::uint32_t dims[4] = {};        // slowest first, as PyTorch stores them: (outputs, inputs, height, width)
  std::span<const std::byte> bytes;  // 64-byte aligned within the file

  std::size_t count() const noexcept;
  // Of a tensor of floats.  dst: count() of them; f16 is widened exactly.
  void to_f32(float* dst) const noexcept;
};

class WeightsFile {
 public:
  // bytes must outlive the object and start on a 64-byte boundary.
  static Status open(std::span<const std::byte> bytes, WeightsFile& out) noexcept;

  int tensor_count() const noexcept;
  TensorView tensor(int index) const noexcept;  // ascending by name
  // Binary search; rank 0 when there is no such tensor.
  TensorView find(std::string_view name) const noexcept;

  // Metadata are pairs of UTF-8 strings; "" when absent.  Keys are in FORMAT.md
  // ("net", "bands", "outputs", "task", "licence", "description", ...).
  int meta_count() const noexcept;
  std::string_view meta_key(int index) const noexcept;
  std::string_view meta_value(int index) const noexcept;
  std::string_view meta(std::string_view key) const noexcept;

  unsigned version() const noexcept;   // of the format
  std::uint32_t crc() const noexcept;  // of the whole file, as stored in it

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace dtacs
