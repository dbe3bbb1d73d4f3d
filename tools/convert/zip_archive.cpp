// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/zip_archive.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "io/host/failure.h"
#include "tools/convert/byte_cursor.h"
#include "tools/convert/checkpoint.h"

namespace dtacs {

namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50, kDirectoryHeader = 0x02014b50, kDirectoryEnd = 0x06054b50,
                        kDirectoryEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr std::size_t kLocalBytes = 30, kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56;
constexpr std::uint64_t kMaxEntries = 1u << 17;
constexpr std::uint16_t kExtra64 = 1;

[[noreturn]] void refuse(const std::string& why) {
  throw Failure(Exit::bad_weights, why);
}

struct Directory {
  std::uint64_t entries = 0, bytes = 0, offset = 0;
};

Directory find_directory(std::span<const std::byte> file) {
  // The end record may be followed by a comment of up to 65535 bytes.
  if (file.size() < kEndBytes) refuse("the zip archive ends too early");
  const std::size_t last = file.size() - kEndBytes, first = last > 0xffff ? last - 0xffff : 0;
  for (std::size_t at = last + 1; at-- > first;) {
    if (load_le<std::uint32_t>(&file[at]) != kDirectoryEnd) continue;
    if (load_le<std::uint16_t>(&file[at + 20]) != file.size() - at - kEndBytes) continue;
    Directory d{load_le<std::uint16_t>(&file[at + 10]), load_le<std::uint32_t>(&file[at + 12]),
                load_le<std::uint32_t>(&file[at + 16])};
    if (d.entries != 0xffff && d.bytes != 0xffffffffu && d.offset != 0xffffffffu) return d;
    if (at < kLocatorBytes || load_le<std::uint32_t>(&file[at - kLocatorBytes]) != kLocator64) return d;
    const auto end64 = load_le<std::uint64_t>(&file[at - kLocatorBytes + 8]);
    if (file.size() < kEnd64Bytes || end64 > file.size() - kEnd64Bytes ||
        load_le<std::uint32_t>(&file[static_cast<std::size_t>(end64)]) != kDirectoryEnd64)
      refuse("the zip64 directory of the archive is damaged");
    const std::byte* p = &file[static_cast<std::size_t>(end64)];
    return {load_le<std::uint64_t>(p + 32), load_le<std::uint64_t>(p + 40), load_le<std::uint64_t>(p + 48)};
  }
  refuse("the zip archive has no directory: the file is cut off or damaged");
}

// Sizes and offset of a zip64 entry: present only where the 32-bit field is all ones.
void read_extra64(std::span<const std::byte> extra, ZipEntry& e) {
  ByteCursor c(extra, "a zip directory entry");
  while (c.remaining() >= 4) {
    const auto id = c.le<std::uint16_t>();
    ByteCursor field(c.take(c.le<std::uint16_t>()), "a zip64 field");
    if (id != kExtra64) continue;
    for (std::uint64_t* value : {&e.size, &e.stored_size, &e.header})
      if (*value == 0xffffffffu) *value = field.le<std::uint64_t>();
    return;
  }
}

}  // namespace

ZipArchive::ZipArchive(std::span<const std::byte> bytes) : file_(bytes) {
  const Directory d = find_directory(bytes);
  if (d.offset > bytes.size() || d.bytes > bytes.size() - d.offset || d.entries > kMaxEntries)
    refuse("the directory of the zip archive is damaged");
  ByteCursor c(bytes.subspan(static_cast<std::size_t>(d.offset), static_cast<std::size_t>(d.bytes)),
               "the directory of the zip archive");
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < d.entries; ++i) {
    if (c.le<std::uint32_t>() != kDirectoryHeader) refuse("the directory of the zip archive is damaged");
    ZipEntry e;
    c.take(4);  // versions
    const auto flags = c.le<std::uint16_t>();
    e.method = c.le<std::uint16_t>();
    c.take(4);  // time
    e.crc = c.le<std::uint32_t>();
    e.stored_size = c.le<std::uint32_t>();
    e.size = c.le<std::uint32_t>();
    const auto name = c.le<std::uint16_t>(), extra = c.le<std::uint16_t>(), comment = c.le<std::uint16_t>();
    c.take(8);  // disk, attributes
    e.header = c.le<std::uint32_t>();
    e.name = c.text(name);
    read_extra64(c.take(extra), e);
    c.take(comment);
    // Entries that share bytes would make a small file a large job.
    if (e.stored_size > bytes.size() || (total += e.stored_size) > bytes.size())
      refuse("the entries of the zip archive are larger than the file");
    if ((flags & 1u) != 0) refuse("the zip archive is encrypted");
    entries_.push_back(std::move(e));
  }
  std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < entries_.size(); ++i)
    if (entries_[i].name == entries_[i - 1].name) refuse("the zip archive has two entries " + ascii(entries_[i].name));
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), name,
                                   [](const ZipEntry& e, std::string_view n) { return e.name < n; });
  return at != entries_.end() && at->name == name ? &*at : nullptr;
}

std::span<const std::byte> ZipArchive::bytes(const ZipEntry& e, bool check_crc) const {
  const std::string name = "zip entry " + ascii(e.name);
  if (e.method != 0) refuse(name + " is compressed: pack the archive again with stored entries (zip -0)");
  if (e.size != e.stored_size || file_.size() < kLocalBytes || e.header > file_.size() - kLocalBytes ||
      load_le<std::uint32_t>(&file_[static_cast<std::size_t>(e.header)]) != kLocalHeader)
    refuse(name + " is damaged");
  const std::byte* local = &file_[static_cast<std::size_t>(e.header)];
  const std::uint64_t begin =
      e.header + kLocalBytes + load_le<std::uint16_t>(local + 26) + load_le<std::uint16_t>(local + 28);
  if (begin > file_.size() || e.size > file_.size() - begin) refuse(name + " reaches beyond the end of the file");
  const auto data = file_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(e.size));
  if (check_crc && zip_crc32(data) != e.crc)
    refuse(name + " does not match its CRC-32: the file is damaged (or was written without CRCs: --no-zip-crc)");
  return data;
}

std::uint32_t zip_crc32(std::span<const std::byte> bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t b = 0; b < 256; ++b) {
      t[b] = b;
      for (int bit = 0; bit < 8; ++bit) t[b] = (t[b] >> 1) ^ ((t[b] & 1u) != 0 ? 0xedb88320u : 0u);
    }
    return t;
  }();
  std::uint32_t c = ~0u;
  for (const std::byte b : bytes) c = (c >> 8) ^ kTable[(c ^ static_cast<std::uint32_t>(b)) & 0xffu];
  return ~c;
}

}  // namespace dtacs
