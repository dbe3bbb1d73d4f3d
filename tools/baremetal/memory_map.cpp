// SPDX-License-Identifier: Apache-2.0
// Memory as it is, one to one: RAM cached, everything else a device.  Runs before the MMU is
// on, when only aligned accesses are allowed.
#include <cstdint>

namespace {

constexpr std::uint64_t kRamBegin = BOARD_RAM_BEGIN, kRamEnd = BOARD_RAM_END;

constexpr bool has_ram(std::uint64_t address, std::uint64_t bytes) {
  return address + bytes > kRamBegin && address < kRamEnd;
}

}  // namespace

#if defined(__aarch64__)

namespace {

// The first four gigabytes in blocks of 2 MiB.
alignas(4096) std::uint64_t gigabytes[512];
alignas(4096) std::uint64_t blocks[4][512];

constexpr std::uint64_t kTable = 3, kBlock = 1, kAccessed = 1 << 10, kInnerShareable = 3 << 8, kNormal = 1 << 2,
                        kNeverExecute = std::uint64_t{3} << 53;

}  // namespace

extern "C" const std::uint64_t* board_map_memory() {
  for (std::uint64_t g = 0; g < 4; ++g) {
    gigabytes[g] = reinterpret_cast<std::uintptr_t>(blocks[g]) | kTable;
    for (std::uint64_t b = 0; b < 512; ++b) {
      const std::uint64_t address = g << 30 | b << 21;
      blocks[g][b] =
          address | kBlock | kAccessed | (has_ram(address, 1 << 21) ? kInnerShareable | kNormal : kNeverExecute);
    }
  }
  return gigabytes;
}

#else

namespace {

// Four gigabytes in sections of 1 MiB.
alignas(16384) std::uint32_t sections[4096];

constexpr std::uint32_t kSection = 2, kReadWrite = 3 << 10, kWriteBack = 1 << 12 | 1 << 3 | 1 << 2, kDevice = 1 << 2,
                        kNeverExecute = 1 << 4;

}  // namespace

extern "C" const std::uint32_t* board_map_memory() {
  for (std::uint32_t i = 0; i < 4096; ++i)
    sections[i] = i << 20 | kSection | kReadWrite |
                  (has_ram(std::uint64_t{i} << 20, 1 << 20) ? kWriteBack : kDevice | kNeverExecute);
  return sections;
}

#endif
