#!/bin/sh
# Turns trained checkpoints into the default weights, with what is known about them as
# metadata: seed, training data and scores out of the JSON that training wrote beside.
# usage: ship.sh VERSION SC.pt|- AC.pt|-    from the repository's top; SC.json and AC.json lie beside them, - is none
set -eu
version=$1
convert=${DTACS_CONVERT:-build/native/dtacs-convert}
field() {  # field FILE PYTHON-EXPRESSION over d
  /usr/bin/python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print($2)" "$1"
}
ship() {  # ship CHECKPOINT OUT SCORE TEST [OPTION]...
  in=$1 out=$2 score=$3 test=$4
  shift 4
  json=${in%.pt}.json
  "$convert" "$in" -o "$out" "$@" --meta licence=Apache-2.0 --meta version="$version" \
    --meta training.commit="$(field "$json" 'd["commit"]')" \
    --meta training.seed="$(field "$json" 'd["settings"]["seed"]')" \
    --meta description="$(field "$json" 'd["training_data"]')" --meta test="$test" --meta score="$score"
}

if [ "$2" != - ]; then
  json=${2%.pt}.json
  if [ "$(field "$json" 'd["scores"] is None')" = True ]; then
    echo "ship.sh: $2 is a checkpoint of a training that did not end: it has no scores" >&2
    exit 1
  fi
  score=$(field "$json" '"accuracy %.3f, F2 cloud %.3f, F2 shadow %.3f, F2 invalid %.3f" % (d["scores"]["accuracy"],
    d["scores"]["cloud"]["F2"], d["scores"]["shadow"]["F2"], d["scores"]["invalid"]["F2"])')
  ship "$2" weights/classification.dtw "$score" "$(field "$json" 'd["test_data"]')" --f16
fi
[ "$3" != - ] || exit 0
# AC.pt, and the other band sets where they lie beside it: AC_phisat2.pt, AC_linear.pt, ...
for set in "" _phisat2 _planetscope _probav _linear; do
  checkpoint=${3%.pt}$set.pt
  [ -e "$checkpoint" ] || continue
  json=${checkpoint%.pt}.json
  own=network
  [ "$set" = _linear ] && own=linear
  score=$(field "$json" '"mean RMSE over bands %.4f, without correction %.4f, linear %.4f" % tuple(
    d["scores"][k]["rmse"]["mean"] for k in ("'$own'", "no_correction", "linear"))')
  ship "$checkpoint" "weights/correction$set.dtw" "$score" "$(field "$json" 'd["test"]')"
done
