/* What plastic synapses remember, taken out of histories and put into them. */
#include "backend/cuda/plastic.cuh"
#include "backend/cuda/recall.h"

enum { THREADS = CLS_GPU_THREADS };

static unsigned blocks_for(uint64_t n) { return (unsigned)((n + THREADS - 1) / THREADS); }

/* ---- out ---- */

CLS_KERNEL(recall, THREADS)(const cls_gpu_recall_args args) {
  const uint32_t k = blockIdx.x * THREADS + threadIdx.x;
  if (k >= args.n) return;
  const cls_gpu_past *spike = cls_gpu_newest(&args.history, args.first + k);
  while (spike->step >= args.since) spike = cls_gpu_older(&args.history, spike->before);
  args.step[k] = spike->step;
  for (uint64_t i = 0; i < args.values; i++) args.value[k * args.values + i] = cls_gpu_values(spike)[i];
}

cudaError_t cls_gpu_launch_recall(const cls_gpu_recall_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(recall, blocks_for(args->n), THREADS, stream, *args);
}

/* ---- in ---- */

CLS_KERNEL(anchor, THREADS)(const cls_gpu_anchor_args args) {
  const uint32_t k = blockIdx.x * THREADS + threadIdx.x;
  if (k >= args.n || args.step[k] == CLS_GPU_NEVER) return;
  cls_gpu_past *spike = cls_gpu_newest(&args.history, args.first + k);
  spike->step = args.step[k];
  for (uint64_t i = 0; i < args.values; i++)
    cls_gpu_values(spike)[args.at[i]] = args.value[k * args.values + i];
}

cudaError_t cls_gpu_launch_anchor(const cls_gpu_anchor_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(anchor, blocks_for(args->n), THREADS, stream, *args);
}

/* Enters the pieces of the row of a spike that is `age` steps old, each at its first run that is due now or later. Those whose
 * runs are all over are left out. */
CLS_GPU_FN void depart_again(const cls_gpu_plastic *p, const cls_gpu_flight *flight, cls_gpu_pieces row,
                             uint32_t fired, uint32_t age) {
  for (uint32_t number = row.piece; number < row.piece + row.n; number++) {
    const cls_gpu_plastic_piece piece = p->piece[number];
    uint32_t at = 0, delay = 0;
    for (; at < piece.n; at++) {
      delay = p->run[piece.run + at].delay;
      if (delay >= age) break;
    }
    if (at == piece.n) continue;
    const uint64_t entry = atomicAdd((unsigned long long *)flight->tail, 1ull);
    cls_gpu_enter(flight, entry, cls_gpu_place{piece.run + at, piece.n - at, piece.slot}, fired,
                  fired + delay);
  }
}

/* Whether this thread's spike is the first of its owner: it then enters all of them. */
CLS_GPU_FN bool is_first(const cls_gpu_again_args *a, uint64_t k) {
  return k < a->n && (k == 0 || a->spike[k - 1].slot != a->spike[k].slot);
}

CLS_KERNEL(hear_again, THREADS)(const cls_gpu_again_args args) {
  uint64_t k = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
  if (!is_first(&args, k)) return;
  const uint32_t slot = args.spike[k].slot;
  for (; k < args.n && args.spike[k].slot == slot; k++) {
    const uint32_t fired = args.spike[k].fired, age = (uint32_t)(uint64_t)args.now - fired;
    cls_gpu_plastic_heard(&args.plastic, args.member, slot, args.now - (int64_t)age, args.full);
    if (age <= args.plastic.max_delay)
      depart_again(&args.plastic, &args.member->flight, args.plastic.of_slot[slot], fired, age);
  }
}

cudaError_t cls_gpu_launch_hear_again(const cls_gpu_again_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(hear_again, blocks_for(args->n), THREADS, stream, *args);
}

CLS_KERNEL(fire_again, THREADS)(const cls_gpu_again_args args) {
  uint64_t k = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
  if (!is_first(&args, k)) return;
  const uint32_t neuron = args.spike[k].slot;
  for (; k < args.n && args.spike[k].slot == neuron; k++) {
    const uint32_t age = (uint32_t)(uint64_t)args.now - args.spike[k].fired;
    cls_gpu_plastic_fired(&args.plastic, args.member, neuron, args.now - (int64_t)age, args.full);
  }
}

cudaError_t cls_gpu_launch_fire_again(const cls_gpu_again_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(fire_again, blocks_for(args->n), THREADS, stream, *args);
}
