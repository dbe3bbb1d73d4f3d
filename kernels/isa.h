// SPDX-License-Identifier: Apache-2.0
// Instruction sets a kernel may require, and the ones this machine offers.
//
// A kernel variant lists what it needs; the machine lists what it has; a
// variant may run when needs is a subset of has.  Nothing here is global:
// detect_isa() returns a value, tests pass any other value they like.
#pragma once

#include <cstdint>

namespace dtacs {

using IsaSet = std::uint32_t;

namespace isa {
inline constexpr IsaSet none = 0;        // portable C++, always present
inline constexpr IsaSet avx2 = 1u << 0;  // AVX2 + FMA
}  // namespace isa

struct IsaName {
  const char* name;
  IsaSet set;
};

// What --isa accepts, and what reports print.
inline constexpr IsaName kIsaNames[] = {{"scalar", isa::none}, {"avx2", isa::avx2}};

[[nodiscard]] constexpr bool runs_on(IsaSet needs, IsaSet has) noexcept {
  return (needs & ~has) == 0;
}

// What this machine offers.  Never fails: an unknown machine offers `none`.
// Cheap enough to call once per process; not cached.
[[nodiscard]] IsaSet detect_isa() noexcept;

}  // namespace dtacs
