// SPDX-License-Identifier: Apache-2.0
// What libstdc++, libgomp and libgcc built for glibc ask of it and musl does not have.
// Part of programs linked by aarch64-musl.cmake.
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

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

long __sysconf(int name) {
  return sysconf(name);
}

// Called where OMP_PLACES or OMP_PROC_BIND bind threads to cores, which then stay unbound.
int pthread_attr_setaffinity_np(void* attributes, size_t size, const void* cores) {
  (void)attributes;
  (void)size;
  (void)cores;
  return ENOSYS;
}

// musl maps large blocks by itself.
int mallopt(int parameter, int value) {
  (void)parameter;
  (void)value;
  return 1;
}
