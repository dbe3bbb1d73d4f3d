#!/bin/sh
# Packs the programs for machines where nothing is installed: fully static, any Linux since
# 3.2 (3.7 on AArch64), with the weights that are not inside, README, licence and checksums.
# The same sources give the same bytes, wherever and whenever they are built.
# usage: dist.sh BUILD_DIR OUT_DIR [ARCHITECTURE]...    x86_64 aarch64 armv7
set -eu
mkdir -p "$1" "$2"
build=$(cd "$1" && pwd)
out=$(cd "$2" && pwd)
shift 2
[ $# -gt 0 ] || set -- x86_64 aarch64 armv7
cd "$(dirname "$0")/.."
version=$(sed -n 's/^project(dtacs VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH

for arch in "$@"; do
  toolchain=$arch-linux
  [ "$arch" = aarch64 ] && toolchain=aarch64-musl
  cmake -S . -B "$build/$arch" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE="tools/cmake/$toolchain.cmake" \
    -DDTACS_TESTS=OFF -DDTACS_SHARED=OFF -DDTACS_SMALL=ON >"$build/$arch.log" 2>&1
  cmake --build "$build/$arch" --target dtacs dtacs-convert bench >>"$build/$arch.log" 2>&1 || { cat "$build/$arch.log" >&2; exit 1; }
  name=dtacs-$version-linux-$arch
  rm -rf "${build:?}/$name"
  mkdir -p "$build/$name/weights"
  cp "$build/$arch/dtacs" "$build/$arch/dtacs-convert" "$build/$arch/bench" README.md CHANGELOG.md LICENSE "$build/$name/"
  for weights in weights/*.dtw; do
    case $weights in
      weights/classification.dtw | weights/classification_int8.dtw | weights/correction.dtw) ;;  # inside
      *) cp "$weights" "$build/$name/weights/" ;;
    esac
  done
  cp weights/FORMAT.md weights/NOTICE "$build/$name/weights/"
  chmod -R u=rwX,go=rX "$build/$name"
  (cd "$build/$name" && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | sed 's|^\./||' | xargs sha256sum >SHA256SUMS)
  tar -C "$build" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=ustar \
    -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
done
cd "$out"
sha256sum dtacs-"$version"-linux-*.tar.gz | tee SHA256SUMS
