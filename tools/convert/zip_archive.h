// SPDX-License-Identifier: Apache-2.0
// The part of the zip format that checkpoints use: stored entries, zip64, found
// through the central directory, handed out in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dtacs {

struct ZipEntry {
  std::string name;
  std::uint16_t method = 0;  // 0 stored, 8 deflated
  std::uint32_t crc = 0;
  std::uint64_t stored_size = 0, size = 0;
  std::uint64_t header = 0;  // offset of the local header
};

class ZipArchive {
 public:
  // Reads the directory.  Throws Failure (bad_weights).
  explicit ZipArchive(std::span<const std::byte> bytes);

  const std::vector<ZipEntry>& entries() const { return entries_; }  // ascending by name
  const ZipEntry* find(std::string_view name) const;                 // nullptr: no such entry
  // Throws Failure (bad_weights) for an entry that is compressed, encrypted or
  // damaged.
  std::span<const std::byte> bytes(const ZipEntry& entry, bool check_crc) const;

 private:
  std::span<const std::byte> file_;
  std::vector<ZipEntry> entries_;
};

// CRC-32 as zip (and PNG) have it; not the CRC of our own format.
std::uint32_t zip_crc32(std::span<const std::byte> bytes);

}  // namespace dtacs
