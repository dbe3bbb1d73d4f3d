#!/bin/sh
# Every header of the core compiles on its own.
# usage: check_headers.sh [COMPILER]...
set -eu
cd "$(dirname "$0")/.."
for cxx in "${@:-c++}"; do
  find kernels net weights io -path io/host -prune -o -name "*.h" -print | while read -r header; do
    "$cxx" -std=c++20 -Wall -Wextra -I. -fsyntax-only -include "$header" -x c++ /dev/null ||
      { echo "not self-contained: $header ($cxx)" >&2; exit 1; }
  done
done
echo "headers: ok"
