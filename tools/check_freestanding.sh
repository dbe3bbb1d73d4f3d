#!/bin/sh
# The core (kernels, net, weights, io without io/host) asks nothing of a system: linked
# whole, with the compiler's own arithmetic (libgcc), it refers to the four functions every
# freestanding C compiler may call and to nothing else.  So: no operating system, C or C++
# library, heap, exceptions, RTTI.  It has no static initialisers either: start code need not run any.
# usage: check_freestanding.sh LIBRARY COMPILER...    libdtacs_core.a and who built it
set -eu
library=$1
shift
allowed='memcpy|memmove|memset|memcmp|_GLOBAL_OFFSET_TABLE_'  # the last is the linker's own
# Under Linux on ARM alone: no instruction tells a program what the processor has.
# There libgcc's own division by zero ends in raise(), on ARMv7, which has no instruction that divides.
case $("$@" -dumpmachine)/$* in
  *-U__linux__*) ;;
  arm*linux*/*) allowed="$allowed|getauxval|raise" ;;
  aarch64*linux*/*) allowed="$allowed|getauxval" ;;
esac
whole=$(mktemp)
trap 'rm -f "$whole"' EXIT
nm=$("$@" -print-prog-name=nm)
readelf=$("$@" -print-prog-name=readelf)
"$@" -r -nostdlib -Wl,--whole-archive "$library" -Wl,--no-whole-archive -lgcc -o "$whole"
bad=$("$nm" -uC "$whole" | sed 's/^ *[Uw] //' | grep -Evx "$allowed" || true)
if [ -n "$bad" ]; then
  printf 'the core needs what a bare machine does not have:\n%s\n' "$bad" >&2
  "$nm" -AuC "$library" | grep -wF "$bad" >&2 || true
  exit 1
fi
if "$readelf" -SW "$whole" | grep -E '\.(init_array|ctors|gcc_except_table|tbss|tdata)' >&2; then
  echo "the core has static initialisers, exception tables or thread-local data" >&2
  exit 1
fi
echo "freestanding: ok"
