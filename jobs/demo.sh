#!/bin/sh
# From a fresh clone to a picture: set up, build, simulate the demo brain on 2 ranks, make its report. The last
# line printed is the report's path.
#
#   jobs/demo.sh [arguments of `callosum run`]     e.g. --set simulation.seed=2, or --out DIR
#
# The results are in runs/demo; those of the demo before are kept as runs/demo.previous.
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
if [ -z "$out" ]; then
  out=$root/runs/demo
  if [ -e "$out" ]; then
    rm -rf "$out.previous"
    mv "$out" "$out.previous"
    echo "== the results of the demo before are kept in runs/demo.previous"
  fi
  mkdir -p "$root/runs"
  set -- --out "$out" "$@"
fi

echo "== run: jobs/examples/demo.yaml on ${CALLOSUM_RANKS:-2} ranks"
launch "${CALLOSUM_RANKS:-2}" "$callosum" run "$root/jobs/examples/demo.yaml" "$@"

echo "== report"
"$callosum" report "$out"
