#!/bin/sh
# Instructions a pixel of each network's runs in `bench`, counted by qemu: what two runs more
# execute, of a 256 x 256 image less a 128 x 128 one, so that neither packing weights nor making
# the image counts.  Each run measures the peak, whose rounds differ: the last digit or two move.
# qemu-user is Debian's, unpacked in BUILD_DIR: the static one takes no plugins.
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
  183) arch=aarch64 isas='scalar neon dotprod i8mm' ;;
  40) arch=arm isas='scalar neon' ;;
  *) echo "instructions: $bench is for no processor known here" >&2; exit 1 ;;
esac
count() {  # count ARGUMENT...
  "usr/bin/qemu-$arch" -cpu "$model" -plugin ./instructions.so "$bench" "$@" 2>count.txt >run.txt || {
    cat count.txt >&2
    exit 1
  }
  sed -n 's/^instructions //p' count.txt
}
for net in '--net sc' '--precision int8' '--net ac'; do
  for isa in $isas; do
    case $net$isa in --net*dotprod | --net*i8mm) continue ;; esac  # kernels of bytes alone
    difference=0
    for size in 128 256; do
      # shellcheck disable=SC2086  # a list of words
      one=$(count $net --isa "$isa" --size $size --runs 1)
      # shellcheck disable=SC2086
      three=$(count $net --isa "$isa" --size $size --runs 3)
      difference=$((three - one - difference))
    done
    printf '%-17s %-8s %8d\n' "$net" "$isa" $((difference / 2 / (256 * 256 - 128 * 128)))
  done
done
