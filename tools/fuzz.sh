#!/bin/sh
# Runs fuzzers one after the other and counts what they did.  Inputs that found something
# new stay in OUT/<target>/corpus and are where the next run goes on; what went wrong is in
# OUT/<target>/ (crash-*, timeout-*, oom-*, leak-*).
# usage: fuzz.sh BUILD_DIR OUT SECONDS [TARGET...]     seconds for each target
set -eu
build=$1 out=$2 seconds=$3
shift 3
here=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- $(cd "$build" && ls | sed -n 's/^fuzz_\([a-z0-9_]*\)$/\1/p')
status=0
for target; do
  mkdir -p "$out/$target/corpus"
  seeds=$here/tests/fuzz/corpus/$target
  case $target in jp2_file | jp2_packets) more=$here/tests/data/jp2 ;; *) more= ;; esac
  log=$out/$target/log
  # No input of a few KB may take ten seconds or 2 GB, sanitizers included.
  "$build/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
    -entropic_scale_per_exec_time=1 -print_final_stats=1 -artifact_prefix="$out/$target/" \
    "$out/$target/corpus" "$seeds" ${more:+"$more"} >"$log" 2>&1 || {
    status=1
    tail -40 "$log"
  }
  sed -n "s/^stat::number_of_executed_units: */$target: /p" "$log"
done
exit $status
