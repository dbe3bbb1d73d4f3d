// SPDX-License-Identifier: Apache-2.0
#include "kernels/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
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

}  // namespace

IsaSet detect_isa() noexcept {
  const Cpuid l1 = cpuid(1, 0);
  IsaSet has = isa::none;
  if (bit(l1.ecx, 19)) has |= isa::sse41;
  if (!bit(l1.ecx, 27)) return has;  // no OSXSAVE: xgetbv itself would trap
  const Cpuid l7 = cpuid(7, 0);
  const bool ymm = (os_saved_state() & 0x06u) == 0x06u, zmm = (os_saved_state() & 0xe6u) == 0xe6u;
  if (!ymm || !bit(l7.ebx, 5) || !bit(l1.ecx, 12)) return has;
  has |= isa::avx2;
  if (bit(cpuid(7, 1).eax, 4)) has |= isa::avxvnni;
  if (!zmm || !bit(l7.ebx, 16) || !bit(l7.ebx, 17) || !bit(l7.ebx, 30) || !bit(l7.ebx, 31)) return has;
  has |= isa::avx512;
  if (bit(l7.ecx, 11)) has |= isa::avx512vnni;
  return has;
}

#else  // portable kernels only

IsaSet detect_isa() noexcept {
  return isa::none;
}

#endif

}  // namespace dtacs
