#!/bin/sh
# keep_resources.sh NVCC ARGUMENT...: runs nvcc with --resource-usage and keeps what it says of kernels in OBJECT.resources;
# everything else it says is passed on. tests/cuda/test_resources.py reads these files.
object=
previous=
for argument in "$@"; do
  [ "$previous" != -o ] || object=$argument
  previous=$argument
done
if [ -z "$object" ]; then
  exec "$@"
fi
status=0
"$@" 2>"$object.resources" || status=$?
grep -v -e '^ptxas info ' -e ' bytes stack frame, ' "$object.resources" >&2
exit "$status"
