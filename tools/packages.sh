#!/bin/sh
# Installs what a group of verbs needs and this machine lacks; names it where it cannot.
# usage: packages.sh GROUP...   build | arm | dist | baremetal | fuzz | format | tidy | references
#   build       what `make`, `make demo`, `make test` and `make bench` need
#   arm         cross compilers and emulators of `make arm`
#   dist        the C library of small static programs, of `make dist`
#   baremetal   cross compilers and emulators of `make baremetal`
#   fuzz        compiler and fuzzing runtime of `make fuzz`
#   format      the formatter of `make format` and `make check`
#   tidy        the linter of `make tidy` and `make check`
#   references  independent programs that tests compare with; without them those tests are skipped
set -eu

missing=
need() {  # need PACKAGE COMMAND...: the package, unless the command succeeds
  package=$1
  shift
  "$@" >/dev/null 2>&1 || missing="$missing $package"
}
has_header() {
  for dir in /usr/include /usr/local/include; do
    [ -e "$dir/$1" ] && return 0
  done
  return 1
}

has_libfuzzer() {
  echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
    clang++ -x c++ -fsanitize=fuzzer,address,undefined -o /dev/null -
}
has_openmp() {  # has_openmp COMPILER...
  echo 'int main() {}' | "$@" -x c++ -fopenmp -o /dev/null -
}

for group in "$@"; do
  case $group in
    build)
      need g++ c++ --version
      # shellcheck disable=SC2086  # the compiler may be several words; g++ brings its own
      if ${CXX:-c++} --version >/dev/null 2>&1; then need libomp-dev has_openmp ${CXX:-c++}; fi
      need cmake cmake --version
      need ninja-build ninja --version
      need libstb-dev has_header stb/stb_image_write.h
      need doctest-dev has_header doctest/doctest.h
      need libbenchmark-dev has_header benchmark/benchmark.h
      ;;
    arm)
      need g++-aarch64-linux-gnu aarch64-linux-gnu-g++ --version
      need g++-arm-linux-gnueabihf arm-linux-gnueabihf-g++ --version
      need qemu-user-static qemu-aarch64-static --version
      ;;
    dist)
      need musl-dev:arm64 test -e /usr/lib/aarch64-linux-musl/libc.a
      ;;
    fuzz)
      need clang clang++ --version
      need libclang-rt-dev has_libfuzzer
      need libomp-dev has_openmp clang++
      ;;
    format)
      need clang-format clang-format --version
      ;;
    tidy)
      need clang-tidy run-clang-tidy --help
      ;;
    baremetal)
      need g++-aarch64-linux-gnu aarch64-linux-gnu-g++ --version
      need libstdc++-arm-none-eabi-newlib sh -c 'echo "#include <span>" | arm-none-eabi-g++ -std=c++20 -xc++ -fsyntax-only -'
      need qemu-system-arm qemu-system-aarch64 --version
      ;;
    references)
      need libopenjp2-tools sh -c 'command -v opj_decompress'
      need gdal-bin sh -c 'command -v gdalinfo'
      need python3-numpy /usr/bin/python3 -c 'import numpy'
      need python3-matplotlib /usr/bin/python3 -c 'import matplotlib'
      need python3-torch /usr/bin/python3 -c 'import torch'
      need unzip unzip -v
      ;;
    *) echo "packages.sh: no group '$group'" >&2; exit 64 ;;
  esac
done

[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "please install:$missing (Debian's names)" >&2
  exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
  if sudo -n true 2>/dev/null; then
    as_root=sudo
  else
    echo "please install: sudo apt-get install$missing" >&2
    exit 1
  fi
fi
echo "installing$missing"
case $missing in
  *:arm64*) $as_root dpkg --add-architecture arm64 ;;
esac
$as_root apt-get update -qq >/dev/null
# shellcheck disable=SC2086  # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
