#!/bin/sh
# Runs the main job on the scene the repository holds, with the weights inside the binary.
# usage: demo.sh DTACS OUT
set -eu
cd "$(dirname "$0")/.."
scene=$(echo tests/data/demo/*.SAFE)
echo "\$ $1 run $scene -o $2 --truth tests/data/demo/truth"
"$1" run "$scene" -o "$2" --truth tests/data/demo/truth
echo
echo "Look at $2/mask_overlay.png and $2/true_colour_corrected.png, or open $2/mask.tif in QGIS."
