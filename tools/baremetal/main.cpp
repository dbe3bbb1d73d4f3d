// SPDX-License-Identifier: Apache-2.0
// The image of a board: a console, an arena per network, and the job.
#include <cstddef>
#include <cstdint>

#include "board_sizes.h"
#include "tools/baremetal/job.h"
#include "tools/baremetal/memory_map.h"

extern "C" {
// link.ld.in
extern std::uint32_t stack_bottom[], stack_top[];
// images.S
extern const std::byte scene_begin[], scene_end[], correction_begin[], correction_end[];
#ifdef BOARD_CLASSIFIES
extern const std::byte classification_begin[], classification_end[];
#endif

int board_main();
[[noreturn]] void board_exit(int code);
[[noreturn]] void board_fault(std::uintptr_t what, std::uintptr_t where);
}

namespace {

using namespace dtacs;

void put_register(std::uintptr_t address, std::uint32_t value) {
  *reinterpret_cast<volatile std::uint32_t*>(address) = value;
}
std::uint32_t get_register(std::uintptr_t address) {
  return *reinterpret_cast<volatile std::uint32_t*>(address);
}

#if defined(BOARD_PL011)
void open_console() {
  put_register(kConsole + 0x30, 0x301);  // CR: on, transmit, receive
}
void put(char c) {
  while ((get_register(kConsole + 0x18) & 0x20) != 0) {  // FR: full
  }
  put_register(kConsole, static_cast<unsigned char>(c));
}
#elif defined(BOARD_CADENCE)
void open_console() {
  put_register(kConsole, 0x14);  // CR: transmit, receive
}
void put(char c) {
  while ((get_register(kConsole + 0x2c) & 0x10) != 0) {  // SR: full
  }
  put_register(kConsole + 0x30, static_cast<unsigned char>(c));
}
#elif defined(BOARD_CMSDK)
void open_console() {
  put_register(kConsole + 0x10, 16);  // BAUDDIV
  put_register(kConsole + 0x08, 1);   // CTRL: transmit
}
void put(char c) {
  while ((get_register(kConsole + 0x04) & 1) != 0) {  // STATE: full
  }
  put_register(kConsole, static_cast<unsigned char>(c));
}
#endif

void print(const char* s) {
  for (; *s != '\0'; ++s) {
    if (*s == '\n') put('\r');
    put(*s);
  }
}

alignas(64) std::byte correction_arena[CORRECTION_ARENA];
#ifdef BOARD_CLASSIFIES
alignas(64) std::byte classification_arena[CLASSIFICATION_ARENA];
#endif

// What is left of the paint that the start code put on the stack.
std::size_t stack_used() {
  const std::uint32_t* p = stack_bottom;
  while (p < stack_top && *p == 0xa5a5a5a5u) ++p;
  return static_cast<std::size_t>(stack_top - p) * sizeof *p;
}

}  // namespace

int board_main() {
  open_console();
  const board::Task correction = {{correction_begin, correction_end}, correction_arena};
  board::Task classification;
#ifdef BOARD_CLASSIFIES
  classification = {{classification_begin, classification_end}, classification_arena};
#endif
  const int status = board::run({scene_begin, scene_end}, correction, classification, print);
  board::print_bytes(print, "correction arena", sizeof correction_arena);
#ifdef BOARD_CLASSIFIES
  board::print_bytes(print, "classification arena", sizeof classification_arena);
#endif
  board::print_bytes(print, "stack", static_cast<std::size_t>(stack_top - stack_bottom) * sizeof *stack_top);
  board::print_bytes(print, "stack used", stack_used());
  return status;
}

void board_fault(std::uintptr_t what, std::uintptr_t where) {
  board::print_hex(print, "fault: syndrome", what);
  board::print_hex(print, "fault: address", where);
  board_exit(70);
}
