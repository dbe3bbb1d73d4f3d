// SPDX-License-Identifier: Apache-2.0
// A file read in place: mapped read-only for as long as the object lives.  When the file
// becomes shorter meanwhile, or its disk fails, touching what is lost is SIGBUS: see
// remove_unfinished_on_signals() in io/host/output_file.h, which makes that an error
// with a line and an exit code.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace dtacs {

class MappedFile {
 public:
  // Throws Failure(missing_input) when there is no such file, it cannot be opened or mapped
  // or is no regular file.
  explicit MappedFile(std::string path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  const std::string& path() const noexcept { return path_; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

  // The bytes [begin, end) are not needed soon: their pages leave resident memory
  // and come back from the file when they are touched again.
  void release(std::size_t begin, std::size_t end) const noexcept;

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// The path of the mapped file that an address is of; "" when it is of none, or of one more than there is
// room for.  May be called by a signal handler.
const char* mapped_path_at(const void* address) noexcept;

}  // namespace dtacs
