#!/bin/sh
# Makes weights/classification_int8.dtw out of weights/classification.dtw, calibrated on the demo scene and on four
# others that tools/scene simulates, and on the scenes given: real ones widen the ranges to what simulation lacks.
# usage: int8.sh WHAT-THE-SCENES-ARE [SCENE]...    (from the repository's top)
set -eu
what=${1:+, $1}
[ $# -eq 0 ] || shift
scenes=$#
for scene; do set -- "$@" --calibrate "$scene"; done
shift "$scenes"
convert=${DTACS_CONVERT:-build/native/dtacs-convert}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
set -- "$@" --calibrate tests/data/demo/*.SAFE
for seed in 101 102 103 104; do
  /usr/bin/python3 tools/scene/scene.py "$folder/$seed" --seed $seed
  set -- "$@" --calibrate "$folder/$seed"/*.SAFE
done
"$convert" --int8 --range percentile weights/classification.dtw "$@" -o weights/classification_int8.dtw \
  --meta calibrated_on="tests/data/demo and scenes 101 to 104 of tools/scene$what"
