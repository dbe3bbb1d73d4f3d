// SPDX-License-Identifier: Apache-2.0
// What programs linked by aarch64-musl.cmake need beside musl: what libstdc++ and libgcc built
// for glibc ask of it and musl does not have, and OpenMP.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stddef.h>

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

// musl maps large blocks by itself.
int mallopt(int parameter, int value) {
  (void)parameter;
  (void)value;
  return 1;
}

// ---- OpenMP: the four functions that the parallel region of io/host/openmp.cpp comes to ----
// libgomp is 146 KB, for the most part tasks and accelerators.  One region at a time.

typedef struct {
  void (*work)(void*);
  void* data;
  int number;
  pthread_t thread;
} member;

static _Thread_local int thread_number = 0;
static int team_size = 1;

static void* begin(void* argument) {
  const member* m = argument;
  thread_number = m->number;
  m->work(m->data);
  return NULL;
}

// The team is as large as the system allows, and at most `threads`.
void GOMP_parallel(void (*work)(void*), void* data, unsigned threads, unsigned flags) {
  (void)flags;
  member team[threads];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, (size_t)1 << 20);  // musl's own are 128 KiB
  int made = 1;
  for (; made < (int)threads; ++made) {
    team[made] = (member){work, data, made, 0};
    if (pthread_create(&team[made].thread, &attributes, begin, &team[made]) != 0) break;
  }
  pthread_attr_destroy(&attributes);
  team_size = made;
  work(data);
  for (int i = 1; i < made; ++i) pthread_join(team[i].thread, NULL);
  team_size = 1;
}

int omp_get_thread_num(void) {
  return thread_number;
}

int omp_get_num_threads(void) {
  return team_size;
}

int omp_get_num_procs(void) {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
}
