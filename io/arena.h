// SPDX-License-Identifier: Apache-2.0
// Memory handed out front to back from one block the caller owns.  Nothing is
// freed singly; rewind() gives back everything since a mark.
//
// An arena over an empty block measures: alloc() returns nullptr and wanted()
// grows.  So one function sizes the arena and later fills it:
//
//   Arena dry;               decoder.open(file, options, dry);   // Status::arena_too_small, dry.wanted() bytes
//   Arena real(my_block);    decoder.open(file, options, real);  // Status::ok
#pragma once

#include <cstddef>
#include <span>

namespace dtacs {

class Arena {
 public:
  static constexpr std::size_t kAlign = 64;  // widest vector register, one cache line
  static constexpr std::size_t kMost = static_cast<std::size_t>(-1) / 4 / kAlign * kAlign;  // sums never wrap

  constexpr Arena() noexcept = default;
  // block must start on a kAlign boundary.
  constexpr explicit Arena(std::span<std::byte> block) noexcept : block_(block) {}

  // count objects of T, kAlign-aligned, uninitialised; nullptr when they do not fit.
  template <class T>
  T* alloc(std::size_t count) noexcept {
    const std::size_t at = used_;
    used_ = count < (kMost - at) / sizeof(T) ? at + (count * sizeof(T) + kAlign - 1) / kAlign * kAlign : kMost;
    wanted_ = used_ > wanted_ ? used_ : wanted_;
    return within(used_) ? reinterpret_cast<T*>(block_.data() + at) : nullptr;
  }

  // Where the next alloc() starts; rewind(mark()) frees what came in between.
  constexpr std::size_t mark() const noexcept { return used_; }
  constexpr void rewind(std::size_t mark) noexcept { used_ = mark; }

  // Bytes a block needs for every alloc() so far to have succeeded; kMost: none is large enough.
  constexpr std::size_t wanted() const noexcept { return wanted_; }
  constexpr bool fits() const noexcept { return within(wanted_); }

 private:
  // What was more stops here, so a block of this size does not hold it either.
  constexpr bool within(std::size_t bytes) const noexcept { return bytes < kMost && bytes <= block_.size(); }

  std::span<std::byte> block_;
  std::size_t used_ = 0, wanted_ = 0;
};

}  // namespace dtacs
