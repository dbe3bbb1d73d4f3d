// SPDX-License-Identifier: Apache-2.0
// A test array that ends flush against an unreadable page, so that reading or
// writing one element too far is a fault at the guilty instruction and not a
// wrong answer somewhere else.  A canary in front catches writes before it.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace dtacs::test {

// False: the page behind is readable.  qemu 7.2 reads the whole vector of a masked load, so
// that right code faults there.
inline bool guard_pages = true;

template <class T>
class Guarded {
 public:
  explicit Guarded(std::size_t count) : count_(count) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t body = (count * sizeof(T) + kCanary + page - 1) / page * page;
    map_bytes_ = body + page;
    void* map = mmap(nullptr, map_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) std::abort();
    map_ = static_cast<std::byte*>(map);
    if (guard_pages && mprotect(map_ + body, page, PROT_NONE) != 0) std::abort();
    data_ = reinterpret_cast<T*>(map_ + body - count * sizeof(T));
    std::memset(canary(), 0xa5, kCanary);
  }
  ~Guarded() { munmap(map_, map_bytes_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return count_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + count_; }

  // False when something wrote in front of the array.
  bool intact() const {
    for (std::size_t i = 0; i < kCanary; ++i)
      if (canary()[i] != std::byte{0xa5}) return false;
    return true;
  }

 private:
  static constexpr std::size_t kCanary = 64;
  std::byte* canary() const { return reinterpret_cast<std::byte*>(data_) - kCanary; }

  std::byte* map_ = nullptr;
  T* data_ = nullptr;
  std::size_t count_ = 0, map_bytes_ = 0;
};

}  // namespace dtacs::test
