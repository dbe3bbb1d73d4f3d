# Static AArch64 Linux with musl (Debian's musl-dev:arm64) in the place of glibc, which alone
# takes 0.5 MB of any static program.  Headers, libstdc++ and libgcc stay those for glibc: on
# 64-bit machines musl has glibc's functions and structures, and musl.c the few that it lacks,
# and what is used of OpenMP.  Not so on 32-bit ARM, where times are 64 bits wide in one and 32 in the other.
include(${CMAKE_CURRENT_LIST_DIR}/aarch64-linux.cmake)
set(musl /usr/lib/aarch64-linux-musl)
# Relocations made read-only would begin on a page of their own: 64 KiB, half of it padding.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -B${musl} -L${musl} -Wl,-z,norelro")
set(DTACS_MUSL ON)
# FindOpenMP would find this out by linking a program without musl.c.
set(OpenMP_CXX_FLAGS -fopenmp)
set(OpenMP_CXX_LIB_NAMES gomp)
set(OpenMP_CXX_SPEC_DATE 201511)
