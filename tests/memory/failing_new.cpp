// SPDX-License-Identifier: Apache-2.0
// Replaces operator new by one whose call number DTACS_FAIL_AT (1 is the first of the
// process) fails, once or, with DTACS_FAIL_ON, it and all after it.  Linked into copies of the programs.
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<long> calls{0};

bool fails() {
  static const long at = [] {
    const char* s = std::getenv("DTACS_FAIL_AT");
    return s != nullptr ? std::atol(s) : 0;
  }();
  static const bool on = std::getenv("DTACS_FAIL_ON") != nullptr;
  const long n = ++calls;
  return at != 0 && (n == at || (on && n > at));
}

}  // namespace

void* operator new(std::size_t size) {
  void* p = fails() ? nullptr : std::malloc(size != 0 ? size : 1);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new(std::size_t size, std::align_val_t align) {
  const auto a = static_cast<std::size_t>(align);
  void* p = fails() ? nullptr : std::aligned_alloc(a, (size + a - 1) / a * a);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void* operator new[](std::size_t size, std::align_val_t align) {
  return operator new(size, align);
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete[](void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}
