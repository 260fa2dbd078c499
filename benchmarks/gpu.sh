#!/bin/sh
# Checks and measures the backend /cuda on this machine's GPU, in at most nine minutes: digests against the CPU,
# compute-sanitizer where it works, then the table that benchmarks/gpu.py describes.
#
#   benchmarks/gpu.sh [BUNDLE] [OUT]   BUNDLE: a folder made by jobs/bundle.sh (build/bundle); OUT: for results (build/gpu)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
bundle=${1:-$root/build/bundle}
out=${2:-$root/build/gpu}
if [ ! -x "$bundle/callosum" ] || [ ! -x "$bundle/bin/gpu_floor" ]; then
  echo "gpu.sh: $bundle is no bundle of a build with CUDA: make one with jobs/bundle.sh" >&2
  exit 2
fi
mkdir -p "$out"
exec python3 "$root/benchmarks/gpu.py" --bundle "$bundle" --out "$out"
