#!/bin/sh
# Set up, build and run every test. Arguments go to ctest (-R NAME, -L unit ...).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/jobs/common.sh"

"$root/jobs/setup.sh"
build_preset release
echo "== tests"
cd "$root"
ctest --preset release "$@"
