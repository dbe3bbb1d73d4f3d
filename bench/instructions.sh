#!/bin/sh
# Instructions that `bench` executes for a pixel of each network, counted by qemu: what a
# 256 x 256 image takes more than a 128 x 128 one, by the pixels it has more.  Packing weights
# is left out so; measuring the peak, a few milliseconds of emulation, is not, and moves the
# last digit or two.  qemu-user is Debian's, unpacked in BUILD_DIR: the static one takes no plugins.
# usage: instructions.sh BUILD_DIR BENCH [MODEL]    a bench for AArch64 or 32-bit ARM; MODEL: a processor
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bench=$(realpath "$2")
model=${3:-max}
mkdir -p "$1"
cd "$1"
if [ ! -d usr ]; then
  apt-get download -qq qemu-user
  dpkg-deb -x qemu-user_*.deb .
fi
cc -O2 -shared -fPIC -fvisibility=hidden "$here/instructions.c" -o instructions.so
case $(od -An -tu1 -j18 -N1 "$bench" | tr -d ' ') in  # e_machine of the ELF header
  183) arch=aarch64 isas='scalar neon dotprod' ;;
  40) arch=arm isas='scalar neon' ;;
  *) echo "instructions: $bench is for no processor known here" >&2; exit 1 ;;
esac
count() {  # count ARGUMENT...
  "usr/bin/qemu-$arch" -cpu "$model" -plugin ./instructions.so "$bench" --runs 1 "$@" 2>&1 >run.txt |
    sed -n 's/^instructions //p'
}
for net in '--net sc' '--precision int8' '--net ac'; do
  for isa in $isas; do
    # shellcheck disable=SC2086  # a list of words
    small=$(count $net --isa "$isa" --size 128) large=$(count $net --isa "$isa" --size 256)
    printf '%-17s %-8s %8d\n' "$net" "$isa" $(((large - small) / (256 * 256 - 128 * 128)))
  done
done
