#!/bin/sh
# Instructions a pixel of ONNX Runtime's runs on AArch64, counted as ../instructions.sh counts those of
# `bench`: what a second run executes, of a 256 x 256 image less a 128 x 128 one, on one thread.  qemu shows
# the program a Neoverse N1 (NEON and dot products), in its registers and as /proc/cpuinfo.
# Needs what fetch.sh fetches, the plugin and qemu in QEMU_DIR (../instructions.sh), Debian's cross compiler.
# usage: instructions.sh QEMU_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
qemu=$(realpath "$1")
cd "${DTACS_PEERS:-$here/../../build/peers}"

mkdir -p arm64/proc
ln -sfn /usr/aarch64-linux-gnu/lib arm64/lib
printf '%s\n' 'processor : 0' 'Features : fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp' \
  'CPU implementer : 0x41' 'CPU architecture : 8' 'CPU variant : 0x3' 'CPU part : 0xd0c' 'CPU revision : 1' >arm64/proc/cpuinfo
aarch64-linux-gnu-g++ -std=c++20 -O2 -isystem debian/usr/include/onnxruntime "$here/ort_runner.cpp" -o arm64/ort_runner -ldl
library=$(echo node_modules/onnxruntime-node/bin/*/linux/arm64/libonnxruntime.so.1)

for case in f32:classification:4 int8:classification:4 f32:correction:12; do
  precision=${case%%:*} outputs=${case##*:} net=${case#*:}
  net=${net%:*}
  difference=0
  for size in 128 256; do
    PYTHONPATH=$here /usr/bin/python3 -B - "$here/../../weights/$net.dtw" $precision $size <<'END'
import sys
import compare, networks
weights, precision, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
ops = networks.operations(weights)
x = compare.scene(networks.channels(ops)[0], size)
x.tofile("arm64/input.f32")
if precision == "f32":
    networks.write_onnx(ops, "arm64/model.onnx", size)
else:
    networks.write_quantised_onnx(ops, networks.calibrate(ops, x), "arm64/model.onnx", size)
END
    for runs in 1 2; do
      "$qemu/usr/bin/qemu-aarch64" -cpu neoverse-n1 -L arm64 -plugin "$qemu/instructions.so" arm64/ort_runner --library "$library" \
        --model arm64/model.onnx --input arm64/input.f32 --output arm64/output.f32 --bands 13 --outputs $outputs \
        --size $size --threads 1 --runs $runs 2>arm64/said >/dev/null || {
        cat arm64/said >&2
        exit 1
      }
      sed -n 's/^instructions //p' arm64/said >arm64/count$runs
    done
    difference=$(($(cat arm64/count2) - $(cat arm64/count1) - difference))
  done
  printf '%-15s %-5s %8d\n' $net $precision $((difference / (256 * 256 - 128 * 128)))
done
