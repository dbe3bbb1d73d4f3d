// SPDX-License-Identifier: Apache-2.0
#include "io/host/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "io/host/failure.h"

namespace dtacs {

namespace {

// What is mapped, where a signal handler may read it.
struct Mapping {
  std::atomic_flag taken;
  std::atomic<std::uintptr_t> begin{0};  // 0: nothing behind it counts
  std::size_t size = 0;
  char path[1024] = {};
};
Mapping mappings[64];

void note_mapping(const std::byte* data, std::size_t size, const std::string& path) noexcept {
  if (data == nullptr || path.size() >= sizeof mappings[0].path) return;
  for (Mapping& m : mappings) {
    if (m.taken.test_and_set()) continue;
    m.size = size;
    std::memcpy(m.path, path.c_str(), path.size() + 1);
    m.begin.store(reinterpret_cast<std::uintptr_t>(data));
    return;
  }
}

void forget_mapping(const std::byte* data) noexcept {
  for (Mapping& m : mappings) {
    if (data == nullptr || m.begin.load() != reinterpret_cast<std::uintptr_t>(data)) continue;
    m.begin.store(0);
    m.taken.clear();
  }
}

}  // namespace

const char* mapped_path_at(const void* address) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (const Mapping& m : mappings) {
    const std::uintptr_t begin = m.begin.load();
    if (begin != 0 && at >= begin && at - begin < m.size) return m.path;
  }
  return "";
}

MappedFile::MappedFile(std::string path) : path_(std::move(path)) {
  const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe is refused, not waited for
  if (fd < 0) throw Failure(Exit::missing_input, path_ + ": cannot be opened: " + std::strerror(errno));
  struct stat about {};
  void* map = nullptr;
  int error = 0;
  if (fstat(fd, &about) != 0) {
    error = errno;
  } else if (!S_ISREG(about.st_mode)) {
    close(fd);
    throw Failure(Exit::missing_input, path_ + ": expected a regular file");
  } else if (static_cast<std::uint64_t>(about.st_size) > static_cast<std::size_t>(-1) / 2) {
    error = EFBIG;  // a 32-bit address space
  } else if (about.st_size > 0) {
    map = mmap(nullptr, static_cast<std::size_t>(about.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) error = errno;
  }
  close(fd);
  if (error != 0) throw Failure(Exit::missing_input, path_ + ": cannot be read: " + std::strerror(error));
  data_ = static_cast<const std::byte*>(map);
  size_ = static_cast<std::size_t>(about.st_size);
  note_mapping(data_, size_, path_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile::~MappedFile() {
  forget_mapping(data_);
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release(std::size_t begin, std::size_t end) const noexcept {
  // Only whole pages: the neighbours' bytes on the first and the last page stay.
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  if (end > size_) end = size_;
  begin = (begin + page - 1) / page * page;
  end = end / page * page;
  if (begin < end) madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace dtacs
