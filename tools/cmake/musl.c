// SPDX-License-Identifier: Apache-2.0
// What libstdc++ and libgcc built for glibc ask of it and musl does not have.
// Part of programs linked by aarch64-musl.cmake.
struct dl_find_object;

// Whether reference counts may do without atomic instructions: no.
char __libc_single_threaded = 0;

// The unwinding tables of a loaded object.  A static program has its own alone, and
// crtbeginT.o registers those with the unwinder, which then asks here for any other.
int _dl_find_object(void* address, struct dl_find_object* result) {
  (void)address;
  (void)result;
  return -1;
}
