#!/bin/sh
# Fetches ONNX Runtime and oneDNN into the folder $DTACS_PEERS (default: build/peers) and builds
# the programs that time them.  Nothing is installed, nothing is written elsewhere.
#   ONNX Runtime: the library of the npm package onnxruntime-node; its header from Debian
#   oneDNN:       Debian's newest, with the C library it wants, unpacked beside this system's
# Needs npm, apt-get, dpkg-deb, a C++ compiler, and objdump.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${DTACS_PEERS:-$here/../../build/peers}
suite=${DTACS_PEERS_SUITE:-sid}
mkdir -p "$cache"
cd "$cache"
cache=$(pwd)

if ! ls node_modules/onnxruntime-node/bin/*/linux/x64/libonnxruntime.so.1 >/dev/null 2>&1; then
  npm install --ignore-scripts --no-audit --no-fund onnxruntime-node
fi
ln -sf node_modules/onnxruntime-node/bin/*/linux/x64/libonnxruntime.so.1 libonnxruntime.so
# cpuid (0f a2) becomes ud2 (0f 0b): ort_runner answers it, so that the library sees a lesser machine.
if [ ! -e libonnxruntime_masked.so ]; then
  objdump -d --no-show-raw-insn libonnxruntime.so | awk '$2 == "cpuid" { sub(":", "", $1); print $1 }' >cpuid.txt
  python3 "$here/mask_cpuid.py" libonnxruntime.so cpuid.txt libonnxruntime_masked.so
fi

if [ ! -e debian/usr/include/oneapi/dnnl/dnnl.hpp ]; then
  mkdir -p apt/state/lists/partial apt/cache/archives/partial packages
  cat >apt/apt.conf <<END
Dir::Etc::sourcelist "$cache/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "$cache/apt/state";
Dir::State::status "/dev/null";
Dir::Cache "$cache/apt/cache";
APT::Architecture "amd64";
APT::Sandbox::User "root";
END
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" \
    >apt/sources.list
  export APT_CONFIG="$cache/apt/apt.conf"
  apt-get -qq update
  dnnl=$(apt-cache depends libdnnl-dev | awk '$1 == "Depends:" { print $2 }')
  (cd packages && apt-get -qq download libdnnl-dev "$dnnl" libonnxruntime-dev libc6 libstdc++6 libgcc-s1 libgomp1)
  for package in packages/*.deb; do dpkg-deb -x "$package" debian; done
fi

lib=debian/usr/lib/x86_64-linux-gnu
flags="-std=c++20 -O2 -Wall -Wextra"
c++ $flags -isystem debian/usr/include/onnxruntime "$here/ort_runner.cpp" -o ort_runner -ldl
c++ $flags -fopenmp -isystem debian/usr/include "$here/onednn_runner.cpp" -o onednn_runner \
  "$(ls $lib/libdnnl.so.3.*[0-9] | sort -V | tail -1)" -Wl,--allow-shlib-undefined
# Run by the loader and the libraries that came with it.
cat >onednn_runner.sh <<END
#!/bin/sh
exec "$cache/$lib/ld-linux-x86-64.so.2" --library-path "$cache/$lib" "$cache/onednn_runner" "\$@"
END
chmod +x onednn_runner.sh
echo "peers: ready in $cache"
