/* Plastic synapses between steps: spikes that come from elsewhere, weights brought up to date, past spikes forgotten. */
#include "backend/cuda/plastic.cuh"
#include "backend/cuda/plastic_launch.h"

enum { THREADS = CLS_GPU_THREADS };

static unsigned blocks_for(uint64_t n) { return (unsigned)((n + THREADS - 1) / THREADS); }

/* ---- histories ---- */

CLS_KERNEL(never, THREADS)(const cls_gpu_history_args args) {
  const uint32_t k = blockIdx.x * THREADS + threadIdx.x;
  if (k > args.history.owners) return;
  cls_gpu_past *spike =
      k < args.history.owners ? cls_gpu_newest(&args.history, k) : cls_gpu_older(&args.history, 0);
  *spike = cls_gpu_past{CLS_GPU_NEVER, CLS_GPU_NEVER, 0, 0};
}

cudaError_t cls_gpu_launch_never(const cls_gpu_history_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(never, blocks_for(args->history.owners + 1ull), THREADS, stream, *args);
}

CLS_KERNEL(room, THREADS)(const cls_gpu_history_args args) {
  const uint32_t k = args.from + blockIdx.x * THREADS + threadIdx.x;
  if (k < args.to) args.history.free[k - 1] = k; /* number 0 is never free */
}

cudaError_t cls_gpu_launch_room(const cls_gpu_history_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(room, blocks_for(args->to - args->from), THREADS, stream, *args);
}

/* ---- arrivals ---- */

/* Several spikes of a source may come together, in any order, but must be heard one after the other: they are chained, and the
 * thread of one of them hears all. */
CLS_KERNEL(chain, THREADS)(const cls_gpu_hear_args args) {
  const uint32_t k = blockIdx.x * THREADS + threadIdx.x;
  if (k < *args.count) args.next[k] = atomicExch(&args.plastic.heard[args.arrival[k].slot], k + 1);
}

/* The age of the oldest spike of a chain that is younger than `than`; 0: there is none. */
CLS_GPU_FN uint32_t next_age(const cls_gpu_hear_args *a, uint32_t chain, uint32_t than) {
  uint32_t oldest = 0;
  for (uint32_t k = chain; k != 0; k = a->next[k - 1]) {
    const uint32_t age = (uint32_t)(uint64_t)a->now - a->arrival[k - 1].fired;
    if (age < than && age > oldest) oldest = age;
  }
  return oldest;
}

CLS_KERNEL(hear, THREADS)(const cls_gpu_hear_args args) {
  const uint32_t k = blockIdx.x * THREADS + threadIdx.x;
  if (k >= *args.count) return;
  const uint32_t slot = args.arrival[k].slot;
  if (atomicCAS(&args.plastic.heard[slot], k + 1, 0u) != k + 1) return;
  const cls_gpu_pieces row = args.plastic.of_slot[slot];
  if (row.n == 0) return;
  for (uint32_t age = next_age(&args, k + 1, UINT32_MAX); age != 0; age = next_age(&args, k + 1, age)) {
    const int64_t step = args.now - (int64_t)age;
    cls_gpu_plastic_heard(&args.plastic, args.member, slot, step, args.full);
    cls_gpu_plastic_depart(&args.plastic, &args.member->flight, row.piece, row.n, (uint32_t)(uint64_t)step);
  }
}

cudaError_t cls_gpu_launch_hear(const cls_gpu_hear_args *args, cudaStream_t stream) {
  const cudaError_t error = CLS_LAUNCH(chain, blocks_for(args->n), THREADS, stream, *args);
  return error == cudaSuccess ? CLS_LAUNCH(hear, blocks_for(args->n), THREADS, stream, *args) : error;
}

/* ---- folding ---- */

/* What this lane's run has to take in before step `now`; returns how many synapses that concerns. */
CLS_GPU_FN uint32_t view_pending(const cls_gpu_tidy_args *a, const cls_gpu_history *pre, uint32_t slot,
                                 const cls_gpu_plastic_run *run, cls_gpu_plastic_view *view) {
  if (!a->plastic.kind[run->kind].has_stdp) return 0;
  const cls_gpu_past *last = cls_gpu_newest(pre, slot);
  while (last->step + run->delay >= a->now) last = cls_gpu_older(pre, last->before);
  if (last->step == CLS_GPU_NEVER) return 0;
  cls_gpu_view_last(&a->plastic, last, run, a->now, view);
  return run->count;
}

/* By a warp: all runs of a piece of a row. */
CLS_GPU_FN void fold_piece(const cls_gpu_tidy_args *a, const cls_gpu_plastic_member *member,
                           const cls_gpu_plastic_piece *piece, cls_gpu_plastic_view *views) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP;
  const cls_gpu_history *pre = &member->history[CLS_GPU_PRE];
  if (cls_gpu_newest(pre, piece->slot)->step == CLS_GPU_NEVER) return;
  for (uint32_t first = 0; first < piece->n; first += CLS_GPU_WARP) {
    uint32_t count = 0;
    if (first + lane < piece->n) {
      const cls_gpu_plastic_run run = a->plastic.run[piece->run + first + lane];
      count = view_pending(a, pre, piece->slot, &run, &views[lane]);
    }
    (void)cls_gpu_plastic_runs<true>(&a->plastic, member, NULL, views, count);
  }
}

CLS_KERNEL(fold, THREADS)(const cls_gpu_tidy_args args) {
  CLS_SHARED(cls_gpu_plastic_views, views);
  const uint64_t all = (uint64_t)args.plastic.n_pieces * args.members,
                 warps = (uint64_t)gridDim.x * CLS_GPU_WARPS;
  uint64_t k = (uint64_t)blockIdx.x * CLS_GPU_WARPS + threadIdx.x / CLS_GPU_WARP;
  for (; k < all; k += warps)
    fold_piece(&args, &args.member[k / args.plastic.n_pieces], &args.plastic.piece[k % args.plastic.n_pieces],
               views.of_lane + threadIdx.x / CLS_GPU_WARP * CLS_GPU_WARP);
}

cudaError_t cls_gpu_launch_fold(const cls_gpu_tidy_args *args, cudaStream_t stream) {
  const uint64_t most = 1 << 16, warps = (uint64_t)args->plastic.n_pieces * args->members;
  const uint64_t blocks = (warps + CLS_GPU_WARPS - 1) / CLS_GPU_WARPS;
  return CLS_LAUNCH(fold, (unsigned)(blocks < most ? blocks : most), THREADS, stream, *args);
}

/* ---- forgetting ---- */

CLS_KERNEL(forget, THREADS)(const cls_gpu_tidy_args args) {
  const uint64_t k = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
  if (k >= (uint64_t)args.owners * args.members) return;
  const uint32_t owner = (uint32_t)(k % args.owners);
  const cls_gpu_history *history = args.member[k / args.owners].history;
  const uint32_t pre = history[CLS_GPU_PRE].owners;
  const int64_t since = args.now - (int64_t)args.plastic.window;
  if (owner < pre)
    cls_gpu_history_forget(&history[CLS_GPU_PRE], owner, since);
  else
    cls_gpu_history_forget(&history[CLS_GPU_POST], owner - pre, since);
}

cudaError_t cls_gpu_launch_forget(const cls_gpu_tidy_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(forget, blocks_for((uint64_t)args->owners * args->members), THREADS, stream, *args);
}
