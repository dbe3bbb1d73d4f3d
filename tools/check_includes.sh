#!/bin/sh
# Every header of the core compiles on its own, and the programs use no streams.
# usage: check_includes.sh [COMPILER]...
set -eu
cd "$(dirname "$0")/.."
for cxx in "${@:-c++}"; do
  find kernels net weights io -path io/host -prune -o -name "*.h" -print | while read -r header; do
    "$cxx" -std=c++20 -Wall -Wextra -I. -fsyntax-only -include "$header" -x c++ /dev/null ||
      { echo "not self-contained: $header ($cxx)" >&2; exit 1; }
  done
done
# They bring their locales into every static program: 0.6 MB, more than half of it (bench/RESULTS.md).
if grep -rnE '#include <(fstream|iostream|sstream|iomanip|locale|regex)>' kernels net weights io tools; then
  echo "streams, in a program that is to be small" >&2
  exit 1
fi
echo "includes: ok"
