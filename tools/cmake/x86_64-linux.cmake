# This machine's compiler, for any x86-64 Linux: no shared library, the oldest instruction set.
set(CMAKE_CXX_FLAGS_INIT "-march=x86-64")
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(OpenMP_gomp_LIBRARY gomp CACHE STRING "by name: the static one is taken, FindOpenMP would pick the shared")
