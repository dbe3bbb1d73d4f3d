#!/bin/sh
# Unpacks what dist.sh packed and uses it as its users will, emulated: checksums, the self-test on old
# processors, the converter, the benchmark, and a product, whose mask is the same bytes from all programs.
# usage: check_dist.sh DIST_DIR    as dist.sh left it
set -eu
dist=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() {
  echo "dist: $*" >&2
  exit 1
}

weights=$(cat weights/classification.dtw weights/classification_int8.dtw weights/correction.dtw | wc -c)  # inside
(cd "$dist" && sha256sum --quiet --check SHA256SUMS)
while read -r _ archive; do
  tar -C "$folder" -xzf "$dist/$archive"
  name=${archive%.tar.gz}
  arch=${name##*-}
  emulator=qemu-$(echo "$arch" | sed 's/^armv7$/arm/')-static
  (cd "$folder/$name" && sha256sum --quiet --check SHA256SUMS)
  tools/check_isa_gate.sh --quick "$folder/$name/dtacs"
  "$emulator" "$folder/$name/dtacs-convert" --info weights/correction.dtw | grep -q cnn_corrector ||
    fail "$name: dtacs-convert does not read weights"
  "$emulator" "$folder/$name/bench" --net ac --size 64 --runs 1 >"$folder/bench" || fail "$name: bench fails"
  "$emulator" "$folder/$name/dtacs" run tests/data/demo/*.SAFE -o "$folder/$arch" --only mask --precision int8 --quiet
  : "${first:=$arch}"
  cmp "$folder/$first/mask.tif" "$folder/$arch/mask.tif" || fail "the masks of $first and $arch differ"
  program=$(($(wc -c <"$folder/$name/dtacs") - weights))
  # One header of the C++ library more can double it, as <fstream> once did.
  [ "$arch" != aarch64 ] || [ "$program" -le 1100000 ] || fail "$name: dtacs without weights takes $program bytes"
  echo "dist: $archive works; dtacs without weights takes $program bytes"
done <"$dist/SHA256SUMS"
