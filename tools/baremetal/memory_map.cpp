// SPDX-License-Identifier: Apache-2.0
// Memory as it is, one to one: RAM cached, everything else a device.  Runs before the MMU is
// on, when only aligned accesses are allowed.
#include "tools/baremetal/memory_map.h"

namespace {

constexpr std::uint64_t kRamBegin = BOARD_RAM_BEGIN, kRamEnd = BOARD_RAM_END;

constexpr bool has_ram(std::uint64_t address, std::uint64_t bytes) {
  return address + bytes > kRamBegin && address < kRamEnd;
}

}  // namespace

#if defined(__aarch64__)

namespace {

// Four gigabytes: blocks of 2 MiB in the one that holds RAM, the others a block each.
constexpr std::uint64_t kGigabyteOfRam = kRamBegin >> 30;
static_assert(kGigabyteOfRam < 4 && (kRamEnd - 1) >> 30 == kGigabyteOfRam);

alignas(64) std::uint64_t gigabytes[4];
alignas(4096) std::uint64_t blocks[512];

constexpr std::uint64_t kTable = 3, kBlock = 1, kAccessed = 1 << 10, kInnerShareable = 3 << 8, kNormal = 1 << 2,
                        kNeverExecute = std::uint64_t{3} << 53;

constexpr std::uint64_t block(std::uint64_t address, std::uint64_t bytes) {
  return address | kBlock | kAccessed | (has_ram(address, bytes) ? kInnerShareable | kNormal : kNeverExecute);
}

}  // namespace

extern "C" const std::uint64_t* board_map_memory() {
  for (std::uint64_t g = 0; g < 4; ++g)
    gigabytes[g] = g == kGigabyteOfRam ? reinterpret_cast<std::uintptr_t>(blocks) | kTable : block(g << 30, 1 << 30);
  for (std::uint64_t b = 0; b < 512; ++b) blocks[b] = block(kGigabyteOfRam << 30 | b << 21, 1 << 21);
  return gigabytes;
}

#else

namespace {

// The window in sections of 1 MiB; the last is the console's, wherever it is.
constexpr std::uint32_t kSections = kWindowBytes >> 20;
static_assert(kRamEnd <= kConsoleSection);

alignas(kSections * 4) std::uint32_t sections[kSections];

constexpr std::uint32_t kSection = 2, kReadWrite = 3 << 10, kWriteBack = 1 << 12 | 1 << 3 | 1 << 2, kDevice = 1 << 2,
                        kNeverExecute = 1 << 4;

}  // namespace

extern "C" const std::uint32_t* board_map_memory() {
  for (std::uint32_t i = 0; i < kSections - 1; ++i)
    sections[i] = i << 20 | kSection | kReadWrite |
                  (has_ram(std::uint64_t{i} << 20, 1 << 20) ? kWriteBack : kDevice | kNeverExecute);
  sections[kSections - 1] = (BOARD_UART >> 20 << 20) | kSection | kReadWrite | kDevice | kNeverExecute;
  return sections;
}

#endif
