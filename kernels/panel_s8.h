// SPDX-License-Identifier: Apache-2.0
// Packing that the integer convolutions share: panels of `panel` outputs, each with its
// numbers per output first and then weights in groups of what one lane multiplies.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dtacs {

// Weights that are multiplied one after the other with neighbouring inputs are a run; what a variant wants of its
// length.
constexpr std::size_t padded_run(std::size_t bytes, int multiple) noexcept {
  const auto n = static_cast<std::size_t>(multiple);
  return (bytes + n - 1) / n * n;
}

// Writes one panel front to back; outputs past the last are zeros.
class PanelWriter {
 public:
  PanelWriter(int first, int panel, int outputs, std::byte* to) noexcept
      : first_(first), panel_(panel), outputs_(outputs), to_(to) {}

  // value(n) of type T for each output.
  template <class T, class F>
  void per_output(F&& value) noexcept {
    for (int n = first_; n < first_ + panel_; ++n) put<T>(n < outputs_ ? static_cast<T>(value(n)) : T{0});
  }
  // value(n, k), k in [0, count), in groups of `group`.
  template <class T, class F>
  void weights(int count, int group, F&& value) noexcept {
    for (int k = 0; k < count; k += group)
      for (int n = first_; n < first_ + panel_; ++n)
        for (int i = k; i < k + group; ++i) put<T>(n < outputs_ && i < count ? static_cast<T>(value(n, i)) : T{0});
  }
  // Zeros behind a run of `bytes` bytes of weights per output, up to the next multiple of so many.
  void pad(std::size_t bytes, int multiple) noexcept {
    const std::size_t zeros = (padded_run(bytes, multiple) - bytes) * static_cast<std::size_t>(panel_);
    for (std::size_t i = 0; i < zeros; ++i) put(std::byte{0});
  }
  std::byte* end() const noexcept { return to_; }

 private:
  template <class T>
  void put(T value) noexcept {
    __builtin_memcpy(to_, &value, sizeof(T));
    to_ += sizeof(T);
  }

  int first_, panel_, outputs_;
  std::byte* to_;
};

}  // namespace dtacs
