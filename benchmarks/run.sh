#!/bin/sh
# Builds, runs benchmarks, and puts what they measured into benchmarks/README.md, with the machine named.
#
#   benchmarks/run.sh [--quick] [NAME...]     NAME: pd14, noise, events, procedural, plastic, checkpoint, kills, peers;
#                                             all without one
#
# --quick: one turn instead of five, and the page is printed instead of changed. All take some 25 minutes on 2 cores; run
# them on a machine that does nothing else. What this machine lacks (a peer, a feature of this build) is left out.
# CALLOSUM_PYTHON: an interpreter that has numpy, and the peers where they are installed (/usr/bin/python3).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/jobs/common.sh"
python=${CALLOSUM_PYTHON:-/usr/bin/python3}
repeats=5
names=""
for argument in "$@"; do
  case "$argument" in
    --quick) repeats=1 ;;
    pd14 | noise | events | procedural | plastic | checkpoint | kills | peers) names="$names $argument" ;;
    *) echo "run.sh: '$argument': expected --quick, pd14, noise, events, procedural, plastic, checkpoint, kills or peers" >&2; exit 2 ;;
  esac
done

"$root/jobs/setup.sh"
build_preset release callosum_program
build_preset release benchmark_floor
build_preset release benchmark_noise

section=$(mktemp)
trap 'rm -f "$section"' EXIT
for name in ${names:-pd14 noise events procedural plastic checkpoint kills peers}; do
  echo "== $name"
  status=0
  "$python" "$root/benchmarks/$name.py" --repeats "$repeats" >"$section" || status=$?
  case "$status" in
    0) ;;
    77) echo "$name is left out"; continue ;;
    *) exit "$status" ;;
  esac
  cat "$section"
  [ "$repeats" = 1 ] || "$python" "$root/benchmarks/measure.py" put "$root/benchmarks/README.md" "$name" <"$section"
done
