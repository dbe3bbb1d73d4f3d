#!/bin/sh
# Builds the images of the boards in tools/baremetal/boards.cmake, runs them in qemu and
# holds what they print on their consoles to what the hosted twin computes for the same scene.
# Ends with a table of what lies in flash and in RAM.
# usage: check_baremetal.sh TWIN BUILD_DIR [BOARD]...
set -eu
cd "$(dirname "$0")/.."
twin=$1
build=$(mkdir -p "$2" && cd "$2" && pwd)
shift 2
[ $# -gt 0 ] || set -- virt-a53 raspi3b zynq-a9 an547

"$twin" scene tests/data/demo/*.SAFE 82,190,256,32 "$build/scene.bin"
"$twin" sizes "$build/scene.bin" weights/correction.dtw weights/classification_int8.dtw >"$build/board_sizes.h.new"
cmp -s "$build/board_sizes.h.new" "$build/board_sizes.h" || cp "$build/board_sizes.h.new" "$build/board_sizes.h"
"$twin" run "$build/scene.bin" weights/correction.dtw >"$build/correction.txt"
"$twin" run "$build/scene.bin" weights/correction.dtw weights/classification_int8.dtw >"$build/whole.txt"

table=
for board in "$@"; do
  case $board in
    virt-a53) compiler=aarch64-linux-gnu-g++ emulator="qemu-system-aarch64 -M virt -cpu cortex-a53 -m 256 -nic none" type=Release ;;
    raspi3b) compiler=aarch64-linux-gnu-g++ emulator="qemu-system-aarch64 -M raspi3b" type=Release ;;
    zynq-a9) compiler=arm-none-eabi-g++ emulator="qemu-system-arm -M xilinx-zynq-a9 -m 256" type=Release ;;
    an547) compiler=arm-none-eabi-g++ emulator="qemu-system-arm -M mps3-an547" type=MinSizeRel ;;
    *) echo "baremetal: no board $board" >&2; exit 64 ;;
  esac
  cmake -S . -B "$build/$board" -G Ninja -DCMAKE_BUILD_TYPE=$type -DDTACS_BOARD="$board" \
    -DCMAKE_TOOLCHAIN_FILE=tools/cmake/board.cmake -DDTACS_BOARD_DATA="$build" \
    -DDTACS_SMALL=ON -DDTACS_HOST=OFF -DDTACS_TESTS=OFF -DDTACS_SHARED=OFF -DDTACS_ISAS= >"$build/$board.log" 2>&1
  cmake --build "$build/$board" >>"$build/$board.log" 2>&1 || { cat "$build/$board.log" >&2; exit 1; }
  flags=$(sed -n 's/^CMAKE_CXX_FLAGS:[A-Z]*=//p' "$build/$board/CMakeCache.txt")
  # shellcheck disable=SC2086  # a list of words
  tools/check_freestanding.sh "$build/$board/libdtacs_core.a" $compiler $flags
  for image in "$build/$board"/*.elf; do
    name=$(basename "$image" .elf)
    status=0
    timeout 300 $emulator -display none -monitor none -serial "file:$build/$board/$name.txt" \
      -semihosting-config enable=on,target=native -kernel "$image" || status=$?
    tr -d '\r' <"$build/$board/$name.txt" >"$build/$board/$name.out"
    if [ $status -ne 0 ] || ! grep -E 'crc32c|^class ' "$build/$board/$name.out" | cmp -s - "$build/$name.txt"; then
      echo "baremetal: $board $name: exit $status; it printed"
      cat "$build/$board/$name.out"
      echo "and the twin"
      cat "$build/$name.txt"
      exit 1
    fi
    sizes=$(size -A -d "$image" | awk '
      { n[$1] = $2 }
      END { code = n[".text"] + n[".rodata"] + n[".data"]
            ram = n[".data"] + n[".bss"]
            printf "%10d %10d %10d %10d", code, n[".weights"], ram, code + n[".weights"] + ram + n[".stack"] }')
    all=${sizes##* }
    if [ "$name" = correction ] && [ "$all" -gt 65536 ]; then
      echo "baremetal: $board $name: $all bytes in all, more than 64 KiB"
      exit 1
    fi
    used=$(sed -n 's/^stack used \(.*\) bytes/\1/p' "$build/$board/$name.out")
    table="$table$(printf '%-10s %-11s%s %10d' "$board" "$name" "$sizes" "$used")
"
  done
done
printf '%-10s %-11s%10s %10s %10s %10s %10s\n' board image program weights RAM all stack
printf '%s' "$table"
echo "baremetal: ok"
