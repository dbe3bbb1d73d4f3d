// SPDX-License-Identifier: Apache-2.0
// Where the program finds the console.
#pragma once

#include <cstdint>

#if defined(__ARM_ARCH_7A__)
// A translation table of four gigabytes takes 16 KiB; this window takes 1 KiB, and the console
// above it is moved in.  start_armv7a.S: TTBCR.N.
constexpr std::uint32_t kWindowBytes = 1u << 28, kConsoleSection = kWindowBytes - (1u << 20);
constexpr std::uintptr_t kConsole = kConsoleSection | (BOARD_UART & 0xfffffu);
#else
constexpr std::uintptr_t kConsole = BOARD_UART;
#endif
