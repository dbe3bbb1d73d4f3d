// SPDX-License-Identifier: Apache-2.0
// Reader of packed files (FORMAT.md): any file, usually weights, in fewer bytes and in
// chunks that arrive, are checked and are decoded each on its own; whole, or as the difference to
// an older file, its base.
//
// The beginning of a packed file opens as soon as its tables are complete, and bytes that
// have not arrived may be anything: every chunk has its CRC.  Time is bounded by the bytes of the result,
// memory is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/status.h"
#include "weights/packed_model.h"

namespace dtacs {

class PackedFile {
 public:
  // bytes must outlive the object, and may end anywhere behind the tables.
  static Status open(std::span<const std::byte> bytes, PackedFile& out) noexcept;

  std::size_t packed_bytes() const noexcept;    // of the complete packed file
  std::size_t original_bytes() const noexcept;  // of the file it yields, and that file's CRC-32C
  std::uint32_t original_crc() const noexcept;
  std::size_t base_bytes() const noexcept;  // of the file it needs; 0: none
  std::uint32_t base_crc() const noexcept;
  int chunks() const noexcept;

  // Where chunk i lies in the packed file.
  std::size_t chunk_begin(int i) const noexcept;
  std::size_t chunk_bytes(int i) const noexcept;
  // truncated: it has not arrived; corrupt: its CRC is wrong.
  Status check_chunk(int i) const noexcept;
  // wrong_base: not the file that this one is the difference to.
  Status check_base(std::span<const std::byte> base) const noexcept;

  // Writes chunk i's bytes of the original.  base: one that check_base() accepts, empty if none is
  // needed.  out: original_bytes().  Chunks write different bytes, in any order or at the same time.
  Status unpack_chunk(int i, std::span<const std::byte> base, std::span<std::byte> out,
                      packed::Model& model) const noexcept;

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace dtacs
