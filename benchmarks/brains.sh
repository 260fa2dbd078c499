#!/bin/sh
# The demo's brain on every connectome of The Virtual Brain, and at other in-degrees: one row of figures each, as in
# benchmarks/README.md.
#
#   benchmarks/brains.sh FOLDER_WITH_ZIPS [RESULTS]      every zip for 240 s, in-degrees for 20 s; some 15 minutes on 2 cores
#
# RANKS (2) sets the ranks; results go to RESULTS (runs/brains), one folder each.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/jobs/common.sh"
zips=${1:?expected the folder that holds connectivity_66.zip ... connectivity_998.zip}
out=${2:-$root/runs/brains}
callosum=$root/build/release/bin/callosum
mkdir -p "$out"

# run NAME OPTIONS...: the demo's job with options, and its row.
run() {
  name=$1
  shift
  launch "${RANKS:-2}" "$callosum" run "$root/jobs/examples/demo.yaml" --out "$out/$name" --quiet \
    --set record.spikes=none "$@" >"$out/$name.log" 2>&1 || { cat "$out/$name.log" >&2; exit 1; }
  "${PYTHON:-/usr/bin/python3}" - "$name" "$out/$name/summary.json" <<'PYTHON'
import json, sys
name, path = sys.argv[1:]
s = json.load(open(path))
number = lambda key, digits: "-" if s[key] is None else f"{s[key]:.{digits}f}"
print(f"| {name} | {s['neurons']} | {number('mean_rate_hz', 2)} ({number('rate_min_hz', 1)}-{number('rate_max_hz', 1)}) | "
      f"{number('isi_cv_median', 2)} | {number('fc_mean', 3)} | {number('sc_fc_r', 3)} | {number('build_s', 2)} | "
      f"{number('simulate_s', 1)} | {number('real_time_factor', 3)} | {number('bytes_per_synapse', 2)} |", flush=True)
PYTHON
}

echo "| brain | neurons | rate in Hz (regions) | CV | mean FC | SC-FC r | build (s) | simulate (s) | real-time factor | bytes per synapse |"
echo "|---|---|---|---|---|---|---|---|---|---|"
run generated
for n in 66 68 76 96 192; do run "tvb-$n" --set "brain.connectome.file=$zips/connectivity_$n.zip"; done
# 998 regions of 20 neurons would be noise: 50 each.
run tvb-998 --set "brain.connectome.file=$zips/connectivity_998.zip" --set brain.neurons=49900
for k in 50 100 200 1000; do
  run "tvb-76-indegree-$k" --set "brain.connectome.file=$zips/connectivity_76.zip" --set "brain.indegree=$k" \
    --set simulation.duration_ms=22000 --set record.warmup_ms=2000
done
