#!/bin/sh
# From a fresh clone to a picture: set up, build, simulate the demo brain on 2 ranks, let a small ensemble find the conductances of a brain
# from its BOLD, make both reports. The last line printed is the path of the demo's report.
#
#   jobs/demo.sh [arguments of `callosum run`]     e.g. --set simulation.seed=2, or --out DIR
#
# The results are in runs/demo and runs/demo_twin; those of the demo before are kept as runs/demo.previous and runs/demo_twin.previous.
# CALLOSUM_RANKS sets the number of ranks (2).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/jobs/common.sh"

"$root/jobs/setup.sh"
build_preset release callosum_program # the tests are built by jobs/test.sh
callosum=$root/build/release/bin/callosum

# A folder named on the command line is the user's: the program refuses it where it holds results.
out=
previous=
for argument in "$@"; do
  case "$argument" in --out=*) out=${argument#--out=} ;; esac
  [ "$previous" != --out ] || out=$argument
  previous=$argument
done
# keep_previous FOLDER: moves what a demo before has left.
keep_previous() {
  if [ -e "$1" ]; then
    rm -rf "$1.previous"
    mv "$1" "$1.previous"
    echo "== the results of the demo before are kept in $(basename "$1").previous"
  fi
}
if [ -z "$out" ]; then
  out=$root/runs/demo
  keep_previous "$out"
  mkdir -p "$root/runs"
  set -- --out "$out" "$@"
fi
twin=${out%/}_twin
keep_previous "$twin"

echo "== run: jobs/examples/demo.yaml on ${CALLOSUM_RANKS:-2} ranks"
launch "${CALLOSUM_RANKS:-2}" "$callosum" run "$root/jobs/examples/demo.yaml" "$@"

echo "== assimilation: jobs/examples/twin.yaml, 10 regions of it, 20 members"
launch "${CALLOSUM_RANKS:-2}" "$callosum" assimilate "$root/jobs/examples/twin.yaml" --out "$twin" \
  --set brain.connectome.generator.regions=10 --set brain.neurons=2640 --set simulation.duration_ms=32000 \
  --set assimilation.members=20

echo "== reports"
"$callosum" report "$twin"
"$callosum" report "$out"
