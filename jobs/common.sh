# shellcheck shell=sh disable=SC2154 # root is set by the caller
# What the scripts of this folder share. Sourced, not run: `. jobs/common.sh` after `root` was set to the
# repository's folder.

# Open MPI: allow root (containers), do not try to read a peer's memory where a container forbids it.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
export HWLOC_HIDE_ERRORS=2

# build_preset NAME [TARGET]: configures and builds a CMake preset into build/NAME, quietly unless it fails; all of it, or
# one target.
build_preset() {
  echo "== build: ${2:-everything} of preset $1 into build/$1"
  log=$root/build/$1.log
  mkdir -p "$root/build"
  if ! (cd "$root" && cmake --preset "$1" && cmake --build --preset "$1" --target "${2:-all}") >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "$0: the build of preset $1 failed; all of its output is in build/$1.log" >&2
    return 1
  fi
  tail -n 1 "$log"
}

# has_nvcc: whether preset cuda can be built.
has_nvcc() {
  [ -n "${CUDACXX:-}" ] || PATH=$PATH:/usr/local/cuda/bin command -v nvcc >/dev/null
}

# launch N COMMAND...: runs a command on N ranks of this machine, one thread each unless OMP_NUM_THREADS says
# otherwise.
launch() {
  ranks=$1
  shift
  # mpirun gives its ranks a terminal of its own even where output goes to a file: say that there is none.
  [ -t 1 ] || export TERM=dumb
  OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} mpirun --oversubscribe -n "$ranks" "$@"
}
