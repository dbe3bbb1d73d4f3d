// SPDX-License-Identifier: Apache-2.0
// What can go wrong, and how a function says so.
//
// Anything that touches bytes we did not write ourselves returns Status or
// Result<T>.  Both are [[nodiscard]]; there are no exceptions in the core.
// Kernels and Plan::run() return nothing: what could fail was checked when the
// plan was made.
#pragma once

#include <cstdint>

namespace dtacs {

enum class [[nodiscard]] Status : std::uint8_t{
    ok,
    truncated,        // input ends before the structure it announces
    bad_magic,        // not the format this reader reads
    bad_version,      // this format, a version this reader does not read
    corrupt,          // contradicts itself or its checksum
    unsupported,      // valid, but uses a feature we do not implement
    wrong_shape,      // well-formed, but not the shapes this network needs
    arena_too_small,  // Arena::wanted() says how much would do
    wrong_base,       // not the file that a packed file is the difference to
};

// A sentence for people, without a trailing period.  Not in the freestanding
// build: firmware reports the number.
const char* describe(Status s) noexcept;

// A T or the reason there is none.  For small trivially copyable T; the subset
// of std::expected we use, so that it can become std::expected one day.
template <class T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) noexcept : value_(value), error_(Status::ok) {}
  constexpr Result(Status error) noexcept : value_{}, error_(error) {}

  constexpr explicit operator bool() const noexcept { return error_ == Status::ok; }
  constexpr const T& operator*() const noexcept { return value_; }
  constexpr const T* operator->() const noexcept { return &value_; }
  constexpr Status error() const noexcept { return error_; }

 private:
  T value_;
  Status error_;
};

}  // namespace dtacs
