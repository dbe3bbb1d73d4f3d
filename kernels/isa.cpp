// SPDX-License-Identifier: Apache-2.0
#include "kernels/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif (defined(__arm__) || defined(__aarch64__)) && defined(__linux__) && __STDC_HOSTED__
#include <sys/auxv.h>
#endif

namespace dtacs {

#if defined(__x86_64__)

namespace {

struct Cpuid {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Cpuid cpuid(unsigned leaf, unsigned sub) noexcept {
  Cpuid r;
  if (__get_cpuid_count(leaf, sub, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

// Register state the OS saves for us; a feature bit without it is a trap.
unsigned os_saved_state() noexcept {
  unsigned lo = 0, hi = 0;
  __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  return lo;
}

constexpr bool bit(unsigned word, int n) noexcept {
  return ((word >> n) & 1u) != 0;
}

// Linux keeps 8 KiB of tiles for whoever asks; others trap.
bool may_use_tiles() noexcept {
#if defined(__linux__)
  constexpr long kArchPrctl = 158, kRequestPermission = 0x1023, kTileData = 18;
  long result = kArchPrctl;
  __asm__ volatile("syscall" : "+a"(result) : "D"(kRequestPermission), "S"(kTileData) : "rcx", "r11", "memory");
  return result == 0;
#else
  return true;
#endif
}

}  // namespace

IsaSet detect_isa() noexcept {
  const Cpuid l1 = cpuid(1, 0);
  if (!bit(l1.ecx, 19)) return isa::none;
  if (!bit(l1.ecx, 27)) return isa::sse41;  // no OSXSAVE: xgetbv itself would trap
  const unsigned saved = os_saved_state();
  const bool ymm = (saved & 0x06u) == 0x06u, zmm = (saved & 0xe6u) == 0xe6u;
  const Cpuid l7 = cpuid(7, 0);
  if (!(ymm && bit(l7.ebx, 5) && bit(l1.ecx, 12))) return isa::sse41;
  const IsaSet has = bit(cpuid(7, 1).eax, 4) ? isa::avxvnni : isa::avx2;
  const bool f = bit(l7.ebx, 16), dq = bit(l7.ebx, 17), bw = bit(l7.ebx, 30), vl = bit(l7.ebx, 31);
  if (!(zmm && f && dq && bw && vl)) return has;
  const bool bmi2 = bit(l7.ebx, 8), cd = bit(l7.ebx, 28), vbmi = bit(l7.ecx, 1), vpopcntdq = bit(l7.ecx, 14);
  const IsaSet wide = has | isa::avx512 | (bit(l7.ecx, 11) ? isa::avx512vnni : isa::none) |
                      (bmi2 && cd && vbmi && vpopcntdq ? isa::avx512vbmi : isa::none);
  const bool tiles = (saved & 0x60000u) == 0x60000u && bit(l7.edx, 24) && bit(l7.edx, 25);
  return tiles && runs_on(isa::avx512vnni | isa::avx512vbmi, wide) && may_use_tiles() ? wide | isa::amxint8 : wide;
}

#elif defined(__aarch64__)

IsaSet detect_isa() noexcept {
#if defined(__linux__) && __STDC_HOSTED__
  constexpr unsigned long kHwcapDotprod = 1ul << 20, kHwcap2I8mm = 1ul << 13;
  if ((getauxval(AT_HWCAP) & kHwcapDotprod) == 0) return isa::neon;
  return (getauxval(AT_HWCAP2) & kHwcap2I8mm) != 0 ? isa::i8mm : isa::dotprod;
#elif defined(__ARM_FEATURE_MATMUL_INT8)
  return isa::i8mm;
#elif defined(__ARM_FEATURE_DOTPROD)
  return isa::dotprod;
#else
  return isa::neon;  // part of the architecture
#endif
}

#elif defined(__arm__) && defined(__linux__) && __STDC_HOSTED__

IsaSet detect_isa() noexcept {
  constexpr unsigned long kHwcapNeon = 1ul << 12;
  return (getauxval(AT_HWCAP) & kHwcapNeon) != 0 ? isa::neon : isa::none;
}

#else  // nobody to ask: what the whole build was made for

IsaSet detect_isa() noexcept {
#if defined(__ARM_NEON)
  return isa::neon;
#else
  return isa::none;
#endif
}

#endif

}  // namespace dtacs
