// SPDX-License-Identifier: Apache-2.0
// Bytes on a 64-byte boundary, as arenas and weights files need them.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace dtacs::test {

class AlignedBytes {
 public:
  explicit AlignedBytes(std::size_t size)
      : memory_(static_cast<std::byte*>(::operator new(size + 1, std::align_val_t(64)))), size_(size) {}
  explicit AlignedBytes(const std::vector<std::byte>& content) : AlignedBytes(content.size()) {
    if (size_ != 0) std::memcpy(data(), content.data(), size_);
  }
  std::byte* data() const { return memory_.get(); }
  std::size_t size() const { return size_; }
  std::span<std::byte> bytes() const { return {memory_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t(64)); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t size_;
};

}  // namespace dtacs::test
