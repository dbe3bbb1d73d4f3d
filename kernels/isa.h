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

// A set contains what it implies, so that a family without a variant for the newest
// instructions is left with the next best and not with the scalar one.
namespace isa {
inline constexpr IsaSet none = 0;                         // portable C++, always present
inline constexpr IsaSet sse41 = 1u << 0;                  // SSE4.1: no fused multiply-add
inline constexpr IsaSet avx2 = (1u << 1) | sse41;         // AVX2 and FMA
inline constexpr IsaSet avx512 = (1u << 2) | avx2;        // AVX-512 F, BW, DQ and VL
inline constexpr IsaSet avx512vbmi = (1u << 3) | avx512;  // and CD, VBMI, VPOPCNTDQ, BMI2: Ice Lake, Zen 4
inline constexpr IsaSet avxvnni = (1u << 4) | avx2;       // AVX-VNNI: products of 8 bits, 256 wide
inline constexpr IsaSet avx512vnni = (1u << 5) | avx512;  // AVX-512 VNNI
inline constexpr IsaSet amxint8 = (1u << 6) | avx512vnni | avx512vbmi;  // AMX: matrix products of 8 bits
inline constexpr IsaSet neon = 1u << 8;                                 // Advanced SIMD, of AArch64 or of ARMv7
inline constexpr IsaSet dotprod = (1u << 9) | neon;                     // AArch64: products of 8 bits
inline constexpr IsaSet i8mm = (1u << 10) | dotprod;                    // AArch64: matrix products of 8 bits
}  // namespace isa

struct IsaName {
  const char* name;
  IsaSet set;
};

// What --isa accepts, and what reports print; of one architecture the more capable later.
inline constexpr IsaName kIsaNames[] = {
    {"scalar", isa::none},           {"sse41", isa::sse41},     {"avx2", isa::avx2},
    {"avxvnni", isa::avxvnni},       {"avx512", isa::avx512},   {"avx512vbmi", isa::avx512vbmi},
    {"avx512vnni", isa::avx512vnni}, {"amxint8", isa::amxint8}, {"neon", isa::neon},
    {"dotprod", isa::dotprod},       {"i8mm", isa::i8mm}};

[[nodiscard]] constexpr bool runs_on(IsaSet needs, IsaSet has) noexcept {
  return (needs & ~has) == 0;
}

// The most capable of those that a set holds.
[[nodiscard]] constexpr const char* best_name(IsaSet set) noexcept {
  const char* best = kIsaNames[0].name;
  for (const IsaName& i : kIsaNames)
    if (runs_on(i.set, set)) best = i.name;
  return best;
}

// What this machine offers.  Never fails: an unknown machine offers `none`.
// Cheap enough to call once per process; not cached.  Where there is AMX, it asks Linux for its use by
// the whole process, which is not given back.
[[nodiscard]] IsaSet detect_isa() noexcept;

}  // namespace dtacs
