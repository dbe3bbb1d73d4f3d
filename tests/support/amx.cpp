// SPDX-License-Identifier: Apache-2.0
#include "tests/support/amx.h"

#if defined(__x86_64__) && defined(__linux__)

#include <ucontext.h>

#include <bit>
#include <cstdint>
#include <cstring>

namespace dtacs::test {

namespace {

constexpr int kTiles = 8, kRows = 16, kRowBytes = 64;

struct Tiles {
  bool configured;
  std::uint16_t row_bytes[kTiles];
  std::uint8_t rows[kTiles];
  std::uint8_t data[kTiles][kRows][kRowBytes];
};
thread_local Tiles tiles;

// One instruction: VEX C4, no W, 128 bits, of the map 0F38.  Intel's Software Developer's Manual, volume 2, chapter 2.
class Instruction {
 public:
  Instruction(const std::uint8_t* code, const greg_t* registers) : code_(code), registers_(registers) {}

  bool well_formed() const { return code_[0] == 0xc4 && (code_[1] & 0x1f) == 2 && (code_[2] & 0x84) == 0; }
  int opcode() const { return code_[3]; }
  int prefix() const { return code_[2] & 3; }  // 0: none, 1: 66, 2: F3, 3: F2
  bool of_memory() const { return code_[4] >> 6 != 3; }
  int reg() const { return code_[4] >> 3 & 7; }
  int rm() const { return code_[4] & 7; }
  int vvvv() const { return ~code_[2] >> 3 & 7; }
  std::int64_t index() const { return number_of_index() == 4 ? 0 : value(number_of_index()) << (code_[5] >> 6); }

  int length() const { return 5 + (of_memory() ? (scaled() ? 1 : 0) + displacement_bytes() : 0); }
  // Without the index.
  std::uint8_t* address() const {
    const std::uint8_t* p = code_ + (scaled() ? 6 : 5);
    std::int32_t displacement = 0;
    if (displacement_bytes() == 1) displacement = (*p ^ 0x80) - 0x80;
    if (displacement_bytes() == 4) std::memcpy(&displacement, p, 4);
    std::int64_t base = 0;
    if (!without_base())
      base = value((scaled() ? code_[5] & 7 : rm()) | (~code_[1] >> 5 & 1) << 3);
    else if (!scaled())
      base = reinterpret_cast<std::intptr_t>(code_) + length();  // from the next instruction on
    return std::bit_cast<std::uint8_t*>(base + displacement);
  }

 private:
  bool scaled() const { return rm() == 4; }
  bool without_base() const { return code_[4] >> 6 == 0 && (scaled() ? code_[5] & 7 : rm()) == 5; }
  int displacement_bytes() const { return code_[4] >> 6 == 1 ? 1 : code_[4] >> 6 == 2 || without_base() ? 4 : 0; }
  int number_of_index() const { return (code_[5] >> 3 & 7) | (~code_[1] >> 6 & 1) << 3; }
  std::int64_t value(int number) const {
    constexpr int kOrder[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return registers_[kOrder[number]];
  }

  const std::uint8_t* code_;
  const greg_t* registers_;
};

bool configure(const std::uint8_t* from) noexcept {
  tiles = {};
  if (from[0] != 1 || from[1] != 0) return false;
  std::memcpy(tiles.row_bytes, from + 16, sizeof tiles.row_bytes);
  std::memcpy(tiles.rows, from + 48, sizeof tiles.rows);
  for (int t = 0; t < kTiles; ++t)
    if (tiles.row_bytes[t] > kRowBytes || tiles.rows[t] > kRows) return false;
  tiles.configured = true;
  return true;
}

// Sums of products of unsigned X and signed W.
bool dot(int sum, int x, int w) noexcept {
  const int rows = tiles.rows[sum], groups = tiles.row_bytes[x] / 4, columns = tiles.row_bytes[sum] / 4;
  if (tiles.rows[x] != rows || tiles.rows[w] != groups || tiles.row_bytes[w] != tiles.row_bytes[sum]) return false;
  for (int m = 0; m < rows; ++m) {
    std::int32_t sums[kRowBytes / 4];
    std::memcpy(sums, tiles.data[sum][m], sizeof sums);
    for (int k = 0; k < groups; ++k)
      for (int n = 0; n < columns; ++n)
        for (int i = 0; i < 4; ++i)
          sums[n] += tiles.data[x][m][4 * k + i] * static_cast<std::int8_t>(tiles.data[w][k][4 * n + i]);
    std::memcpy(tiles.data[sum][m], sums, sizeof sums);
  }
  return true;
}

bool done(const Instruction& i) noexcept {
  if (!i.well_formed()) return false;
  if (i.opcode() == 0x49 && i.prefix() == 0 && i.of_memory()) return configure(i.address());
  if (!tiles.configured) return false;
  const int t = i.reg();
  if (i.opcode() == 0x49 && i.prefix() == 0 && t == 0) {
    tiles = {};
  } else if (i.opcode() == 0x49 && i.prefix() == 3 && !i.of_memory()) {
    std::memset(tiles.data[t], 0, sizeof tiles.data[t]);
  } else if (i.opcode() == 0x4b && i.of_memory() && i.rm() == 4) {
    std::uint8_t* at = i.address();
    if (i.prefix() != 2 && i.prefix() != 3) return false;
    if (i.prefix() == 3) std::memset(tiles.data[t], 0, sizeof tiles.data[t]);
    for (int r = 0; r < tiles.rows[t]; ++r, at += i.index()) {
      if (i.prefix() == 3)
        std::memcpy(tiles.data[t][r], at, tiles.row_bytes[t]);
      else
        std::memcpy(at, tiles.data[t][r], tiles.row_bytes[t]);
    }
  } else if (i.opcode() == 0x5e && i.prefix() == 1 && !i.of_memory()) {
    return dot(t, i.rm(), i.vvvv());
  } else {
    return false;
  }
  return true;
}

}  // namespace

IsaSet tested_isa() {
  const IsaSet has = detect_isa();
  return runs_on(isa::avx512vnni | isa::avx512vbmi, has) ? has | isa::amxint8 : has;
}

bool stand_in_for_amx(void* context) noexcept {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  for (bool any = false;; any = true) {  // the next one without another signal
    const Instruction i(std::bit_cast<const std::uint8_t*>(registers[REG_RIP]), registers);
    if (!done(i)) return any;
    registers[REG_RIP] += i.length();
  }
}

}  // namespace dtacs::test

#else

namespace dtacs::test {

IsaSet tested_isa() {
  return detect_isa();
}

bool stand_in_for_amx(void*) noexcept {
  return false;
}

}  // namespace dtacs::test

#endif
