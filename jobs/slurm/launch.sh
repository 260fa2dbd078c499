# shellcheck shell=sh
# What run.sbatch and scaling.sbatch share: their arguments, the program, how many ranks with how many threads, and a launcher.
# Sourced within a job of SLURM by a script that knows the folder of this one as `scripts`, with that script's arguments: the
# job goes from there into `job`, the value of --out (or its default) into `out`, that of --restart into `begin`.
# README.md beside this file describes the variables CALLOSUM_*.
# shellcheck disable=SC2154,SC2034

# Root (containers) may start ranks. mpirun that is told to end kills ranks after twice these seconds, not after two: as SLURM
# does (KillWait, 30 s), so that a checkpoint is written before. Names of Open MPI 4, and of 5.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_odls_base_sigkill_timeout="${OMPI_MCA_odls_base_sigkill_timeout:-15}"
export PRTE_MCA_odls_base_sigkill_timeout="${PRTE_MCA_odls_base_sigkill_timeout:-15}"
export TERM=dumb # output goes to a file: plain lines of progress

say() { echo "callosum: $*"; }
fail() {
  echo "callosum: $*" >&2
  exit 2
}

[ $# -ge 1 ] || fail "expected a job file"
job=$1
shift
out='' begin='' option='' left=$#
while [ "$left" -gt 0 ]; do
  word=$1
  shift
  left=$((left - 1))
  case "$option" in
    --out) out=$word option='' ;;
    --restart) begin=$word option='' ;;
    --set) set -- "$@" "$word" && option='' ;;
    *)
      case "$word" in
        --out=*) out=${word#--out=} ;;
        --restart=*) begin=${word#--restart=} ;;
        --out | --restart) option=$word ;;
        --set) set -- "$@" "$word" && option=$word ;;
        *) set -- "$@" "$word" ;;
      esac
      ;;
  esac
done
[ -z "$option" ] || fail "option $option expects a value"
if [ -z "$out" ]; then
  out=$(basename "$job")
  out=runs/${out%.*}
fi

# find_program: sets `callosum`.
find_program() {
  for callosum in "${CALLOSUM:-}" "$(command -v callosum)" "$scripts/../../build/cuda/bin/callosum" \
    "$scripts/../../build/release/bin/callosum" "$scripts/../../../callosum" "$scripts/../../../bin/callosum"; do
    [ -z "$callosum" ] || [ ! -x "$callosum" ] || return 0
    [ -z "$callosum" ] || [ "$callosum" != "${CALLOSUM:-}" ] || fail "CALLOSUM=$callosum is no program"
  done
  fail "the program was not found: put callosum into PATH, or name it by CALLOSUM"
}

# core_groups: how many groups of cores that share memory (NUMA domains) this node has, of the cores that the job may use.
# Domains with the same cores (two kinds of memory) count once, and such without cores not at all.
core_groups() {
  command -v hwloc-calc >/dev/null || return 1
  for domain in $(hwloc-calc --intersect NUMANode "$1" 2>/dev/null | tr , ' '); do
    hwloc-calc "NUMANode:$domain"
  done | grep -v -x 0x0 | sort -u | wc -l
}

# lay_out: sets `ranks`, `per_node` (empty where nodes differ), `threads` of a rank, `cpus` that SLURM counts for it, and
# `confined`: whether SLURM keeps the job to cores of its own.
lay_out() {
  nodes=${SLURM_JOB_NUM_NODES:-1}
  cpus_here=${SLURM_CPUS_ON_NODE:-1}
  cores=$cpus_here
  mask=$(hwloc-bind --get 2>/dev/null) || mask=all
  confined=no
  if command -v hwloc-calc >/dev/null; then
    present=$(hwloc-calc --number-of core "$mask" 2>/dev/null || echo "$cores")
    # SLURM may count hardware threads: a core runs one thread of ours.
    [ "$present" -ge "$cores" ] || cores=$present
    [ "$(hwloc-calc --number-of pu "$mask" 2>/dev/null || echo 0)" -gt "$cpus_here" ] || confined=yes
  fi
  per_node=
  if [ -n "${SLURM_NTASKS:-}" ]; then
    ranks=$SLURM_NTASKS
    why="as asked for"
    case "${SLURM_TASKS_PER_NODE:-}" in
      *,*) ;; # nodes differ
      *) per_node=$(((ranks + nodes - 1) / nodes)) ;;
    esac
  elif [ "${SLURM_GPUS_ON_NODE:-0}" -gt 0 ]; then
    per_node=$SLURM_GPUS_ON_NODE
    ranks=$((nodes * per_node))
    why="one per GPU"
    [ "${SLURM_GPUS:-$ranks}" = "$ranks" ] ||
      fail "SLURM spread ${SLURM_GPUS} GPUs unevenly over $nodes nodes: ask by --gpus-per-node"
  else
    if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then
      per_node=$((cpus_here / SLURM_CPUS_PER_TASK))
      why="of ${SLURM_CPUS_PER_TASK} CPUs each"
    elif per_node=$(core_groups "$mask"); then
      why="one per group of cores"
    else
      per_node=1
      why="one per node: there is no hwloc-calc to find groups of cores by"
    fi
    if [ "$per_node" -gt "$cores" ]; then per_node=$cores; fi
    if [ "$per_node" -lt 1 ]; then per_node=1; fi
    ranks=$((nodes * per_node))
  fi
  share=${per_node:-$(((ranks + nodes - 1) / nodes))}
  cpus=$((cpus_here / share))
  threads=$((cores / share))
  if [ "${SLURM_CPUS_PER_TASK:-$((cpus + 1))}" -le "$cpus" ]; then
    cpus=$SLURM_CPUS_PER_TASK threads=$SLURM_CPUS_PER_TASK
  fi
  if [ "$cpus" -lt 1 ]; then cpus=1; fi
  if [ "$threads" -lt 1 ]; then threads=1; fi
}

# choose_launcher: sets `launcher` (srun or mpirun) and what binds ranks to cores.
choose_launcher() {
  launcher=${CALLOSUM_LAUNCHER:-auto}
  beside=$(dirname "$callosum")/mpirun
  mpirun=${CALLOSUM_MPIRUN:-mpirun}
  if [ -z "${CALLOSUM_MPIRUN:-}" ] && [ -x "$beside" ]; then mpirun=$beside; fi
  plugin=${CALLOSUM_PMI:-pmix}
  case "$launcher" in
    srun | mpirun) ;;
    auto)
      # srun starts ranks where SLURM has the plugin and the MPI library speaks it: Open MPI 4 lists what it speaks, 5 always does.
      # A bundle brings a launcher of its own.
      launcher=srun
      case "$(ompi_info --parsable 2>/dev/null | grep '^mca:pmix:')" in
        *mca:pmix:ext* | *mca:pmix:pmix*) ;;
        ?*) launcher=mpirun ;;
      esac
      if [ "$mpirun" = "$beside" ] || ! srun --mpi=list 2>&1 | grep -q -w "$plugin"; then launcher=mpirun; fi
      [ "$launcher" = srun ] || command -v "$mpirun" >/dev/null ||
        fail "neither srun --mpi=$plugin nor $mpirun can start ranks here: name a launcher by CALLOSUM_LAUNCHER"
      ;;
    *) fail "CALLOSUM_LAUNCHER=$launcher: expected srun, mpirun or auto" ;;
  esac
  # Threads may be bound only where their rank is: those of unbound ranks would all meet on the first cores.
  bound=no
  if [ "$launcher" = srun ]; then
    if scontrol show config 2>/dev/null | grep -q '^TaskPlugin .*affinity'; then bound=yes; fi
  else
    bound=$confined
  fi
  export OMP_NUM_THREADS="$threads"
  if [ "$bound" = yes ]; then
    export OMP_PROC_BIND="${OMP_PROC_BIND:-close}" OMP_PLACES="${OMP_PLACES:-cores}"
  else
    export OMP_PROC_BIND="${OMP_PROC_BIND:-false}"
  fi
}

prepare() {
  find_program
  lay_out
  choose_launcher
}

# mpirun takes an exit code that is not 0 for a crash: it waits, twice, before it ends. So 75 is left in a file, by each rank's
# shell; signals go to both, and the shell outlives them.
# shellcheck disable=SC2016 # for that shell to expand
rank='trap : USR1 USR2 TERM INT
mark=$1
shift
"$@"
code=$?
[ $code -ne 75 ] || { echo 75 >"$mark" && exit 0; }
exit $code'

# launch N COMMAND...: becomes the launcher that runs a command on N ranks, node after node. Call it in a subshell. Its exit code
# is that of the ranks, but 0 or 1 where the file $mark was made: then they ended with 75.
launch() {
  n=$1
  shift
  # Every rank sees the GPUs that its node gave to the job, and takes the one of its number. So GPUs reach each other, and ranks
  # know how many share one. Bound by SLURM, each would believe that its GPU is that of all ranks of the node; and under mpirun
  # SLURM would take the daemon that starts ranks on another node for one task, with the GPU and the cores of one.
  unset SLURM_GPUS_PER_TASK SLURM_CPUS_PER_TASK
  if [ "$launcher" = srun ]; then
    if [ -n "$per_node" ]; then
      set -- --nodes=$(((n + per_node - 1) / per_node)) --ntasks-per-node="$per_node" "$@"
    fi
    if [ "$bound" = yes ]; then set -- --cpu-bind=cores "$@"; fi
    # More GPUs than cores, for instance.
    if [ $((cpus * share)) -gt "$cpus_here" ]; then set -- --overcommit "$@"; fi
    # Where a rank dies the others must not wait for it.
    exec srun --mpi="$plugin" --kill-on-bad-exit=1 --ntasks="$n" --cpus-per-task="$cpus" --distribution=block:block "$@"
  fi
  place=slot
  if [ -n "${mark:-}" ]; then set -- sh -c "$rank" sh "$mark" "$@"; fi
  if [ -n "$per_node" ]; then place=ppr:$per_node:node; fi
  if [ "$bound" = yes ]; then
    set -- --map-by "$place:PE=$threads:OVERSUBSCRIBE" --bind-to core:overload-allowed "$@"
  else
    set -- --map-by "$place:OVERSUBSCRIBE" --bind-to none "$@"
  fi
  exec "$mpirun" --oversubscribe -n "$n" "$@"
}
