#!/bin/sh
# Turns trained checkpoints into the default weights, with what is known about them as
# metadata: seed, training data and scores out of the JSON that training wrote beside.
# usage: ship.sh SC.pt AC.pt    (SC.json and AC.json beside them; run from the repository's top)
set -eu
convert=${DTACS_CONVERT:-build/native/dtacs-convert}
field() {  # field FILE PYTHON-EXPRESSION over d
  /usr/bin/python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print($2)" "$1"
}
ship() {  # ship CHECKPOINT OUT SEED DESCRIPTION TEST SCORE [OPTION]...
  in=$1 out=$2 seed=$3 description=$4 test=$5 score=$6
  shift 6
  commit=$(field "${in%.pt}.json" 'd["commit"]')
  $convert "$in" -o "$out" "$@" --meta licence=Apache-2.0 --meta version=1 --meta training.commit="$commit" \
    --meta training.seed="$seed" --meta description="$description" --meta test="$test" --meta score="$score"
}

json=${1%.pt}.json
seed=$(field "$json" 'd["settings"]["seed"]')
description=$(field "$json" 'd["training_data"] + "; encoder initialised from torchvision MobileNetV2 (BSD-3-Clause)"')
test=$(field "$json" 'd["test_data"]')
score=$(field "$json" '"accuracy %.3f, F2 cloud %.3f, F2 shadow %.3f, F2 invalid %.3f" % (d["scores"]["accuracy"],
  d["scores"]["cloud"]["F2"], d["scores"]["shadow"]["F2"], d["scores"]["invalid"]["F2"])')
ship "$1" weights/classification.dtw "$seed" "$description" "$test" "$score" --f16

# AC.pt, and the other band sets where they lie beside it: AC_phisat2.pt, AC_linear.pt, ...
for set in "" _phisat2 _planetscope _probav _linear; do
  checkpoint=${2%.pt}$set.pt
  [ -e "$checkpoint" ] || continue
  json=${checkpoint%.pt}.json
  seed=$(field "$json" 'd["settings"]["seed"]')
  description=$(field "$json" 'd["training_data"]')
  test=$(field "$json" 'd["test"]')
  own=network
  [ "$set" = _linear ] && own=linear
  score=$(field "$json" '"mean RMSE over bands %.4f, without correction %.4f, linear %.4f" % tuple(
    d["scores"][k]["rmse"]["mean"] for k in ("'$own'", "no_correction", "linear"))')
  ship "$checkpoint" "weights/correction$set.dtw" "$seed" "$description" "$test" "$score"
done
