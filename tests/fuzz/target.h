// SPDX-License-Identifier: Apache-2.0
// Fuzz targets: one file each, for two uses.
//
//   DTACS_FUZZ_TARGET(name) { ... bytes ... }
//
// With DTACS_FUZZ the file is a program of its own (LLVMFuzzerTestOneInput, for libFuzzer
// or AFL++); in the ordinary tests it joins a list, and tests/fuzz/corpus/<name>/ is
// replayed.  A target must come back whatever the bytes are; what it finds wrong by
// itself it says with require().
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

namespace dtacs::fuzz {

using Input = std::span<const std::uint8_t>;

struct Target {
  const char* name;
  void (*run)(Input);
};

// Those of this program.
inline std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz target: expected %s\n", what);
  std::abort();
}

// Takes numbers from the front of the input; zeros when it is used up.
class Choices {
 public:
  explicit Choices(Input bytes) : rest_(bytes) {}

  unsigned byte() {
    if (rest_.empty()) return 0;
    const unsigned v = rest_[0];
    rest_ = rest_.subspan(1);
    return v;
  }
  // 0 .. most
  int up_to(int most) { return static_cast<int>((byte() << 8 | byte()) % static_cast<unsigned>(most + 1)); }
  Input rest() const { return rest_; }

 private:
  Input rest_;
};

inline std::span<const std::byte> as_bytes(Input in) {
  return {reinterpret_cast<const std::byte*>(in.data()), in.size()};
}

}  // namespace dtacs::fuzz

#ifdef DTACS_FUZZ
#define DTACS_FUZZ_TARGET(name)                                                       \
  static void fuzz_##name(dtacs::fuzz::Input in);                                     \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    fuzz_##name({data, size});                                                        \
    return 0;                                                                         \
  }                                                                                   \
  static void fuzz_##name([[maybe_unused]] dtacs::fuzz::Input in)
#else
#define DTACS_FUZZ_TARGET(name)                                       \
  static void fuzz_##name(dtacs::fuzz::Input in);                     \
  [[maybe_unused]] static const bool fuzz_joined_##name =             \
      (dtacs::fuzz::targets().push_back({#name, fuzz_##name}), true); \
  static void fuzz_##name([[maybe_unused]] dtacs::fuzz::Input in)
#endif
