#!/bin/sh
# `dtacs selftest` on processors of many ages, emulated: no instruction that one of them
# lacks is executed there, and 8-bit classification gives the same bytes on all of them.
# usage: check_isa_gate.sh [--quick] DTACS...    programs for x86-64, AArch64 or 32-bit ARM
# --quick: few of them, the oldest of each step in instructions below the newest
set -eu
quick=false
[ "$1" != --quick ] || { quick=true; shift; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
sums=
for program in "$@"; do
  case $(od -An -tu1 -j18 -N1 "$program" | tr -d ' ') in  # e_machine of the ELF header
    62) arch=x86_64
      few='Opteron_G1 Nehalem Haswell'
      models='Opteron_G1 Opteron_G2 Opteron_G3 Opteron_G4 Opteron_G5 Nehalem SandyBridge Haswell Skylake-Server max' ;;
    183) arch=aarch64
      few='cortex-a53 cortex-a76'
      models='cortex-a53 cortex-a57 cortex-a72 cortex-a76 neoverse-n1 max' ;;
    40) arch=arm
      few=cortex-a9
      models='cortex-a9 cortex-a15 cortex-a7' ;;
    *) echo "isa gate: $program is for no processor known here" >&2; exit 1 ;;
  esac
  $quick && models=$few
  for model in $models; do
    status=0
    "qemu-$arch-static" -cpu "$model" "$program" selftest >"$log" 2>&1 || status=$?
    sum=$(sed -n 's/^int8 .* \([0-9a-f]\{8\}\)$/\1/p' "$log" | sort -u)
    sums=$(printf '%s\n%s\n' "$sums" "$sum" | sed '/^$/d' | sort -u)
    if [ $status -ne 0 ] || [ -z "$sum" ] || [ "$(echo "$sums" | wc -l)" -ne 1 ]; then
      echo "isa gate: $arch $model: exit $status, int8 checksums" $sums
      cat "$log"
      exit 1
    fi
    printf 'isa gate: %-8s %-15s int8 %s  %s\n' $arch "$model" "$sum" "$(sed -n 's/^instruction sets *//p' "$log")"
  done
done
