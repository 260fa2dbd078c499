/* Spikes that come from elsewhere, and looks at what the GPU holds. */
#include "backend/cuda/flight.cuh"
#include "backend/cuda/neuron.cuh"
#include "backend/cuda/step.h"

enum { THREADS = CLS_GPU_THREADS };

static unsigned blocks_for(uint64_t n) { return (unsigned)((n + THREADS - 1) / THREADS); }

/* ---- arrivals ---- */

/* Puts an entry at the first run of its piece that is due now or later; those before are passed only for spikes that are
 * taken up anew. */
CLS_GPU_FN void depart_late(const cls_gpu_arrive_args *a, uint64_t entry, uint32_t number, uint32_t fired) {
  const cls_gpu_piece piece = a->store.piece[number];
  const uint32_t age = (uint32_t)(uint64_t)a->now - fired;
  const uint64_t i = entry & a->flight.mask;
  uint32_t at = 0, delay = 0;
  while (at < piece.words) {
    const uint32_t header = a->store.word[piece.begin + at];
    delay = cls_gpu_run_delay(&a->store, header);
    if (delay >= age) break;
    at += 1 + cls_gpu_run_count(&a->store, header);
  }
  a->flight.piece[i] = number;
  a->flight.at[i] = at;
  a->flight.fired[i] = fired;
  a->flight.due[i] = at < piece.words ? fired + delay : fired;
}

CLS_KERNEL(arrive, THREADS)(const cls_gpu_arrive_args args) {
  const uint64_t k = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
  if (k >= args.n) return;
  const cls_gpu_arrival arrival = args.arrival[k];
  const cls_gpu_pieces pieces = args.store.of_slot[arrival.slot];
  if (pieces.n == 0) return;
  const uint64_t entry = atomicAdd((unsigned long long *)args.flight.tail, (unsigned long long)pieces.n);
  for (uint32_t j = 0; j < pieces.n; j++) depart_late(&args, entry + j, pieces.piece + j, arrival.fired);
}

cudaError_t cls_gpu_launch_arrive(const cls_gpu_arrive_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(arrive, blocks_for(args->n), THREADS, stream, *args);
}

/* ---- currents ---- */

/* Units of currents: CLS_CURRENT_ONE. */
static const double CURRENT_ONE = 1048576.0;

CLS_GPU_FN float current_of(const cls_gpu_currents_args *a, const cls_gpu_range *r, uint32_t i,
                            int receptor) {
#define CURRENT_(NAME)                                                                                       \
  if (r->model == CLS_GPU_##NAME)                                                                            \
    return receptor < NAME##_on_gpu::receptors                                                               \
               ? cls_gpu_neuron_current<NAME##_on_gpu>(r, a->member.pool, a->parameters.konst, i, receptor)  \
               : 0.0f;
  CLS_GPU_NEURONS(CURRENT_)
  return 0.0f;
}

CLS_KERNEL(currents, THREADS)(const cls_gpu_currents_args args) {
  const uint32_t c = blockIdx.x * CLS_GPU_WARPS + threadIdx.x / CLS_GPU_WARP;
  if (c >= args.n_chunks) return; /* whole warps */
  const cls_gpu_chunk chunk = args.chunk[c];
  const cls_gpu_range *r = &args.parameters.range[chunk.range];
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP, i = chunk.offset + lane;
  for (int receptor = 0; receptor < CLS_GPU_RECEPTORS; receptor++) {
    const float current = i < r->n ? current_of(&args, r, i, receptor) : 0.0f;
    long long units = llrint((double)current * CURRENT_ONE);
    for (int d = CLS_GPU_WARP / 2; d > 0; d /= 2) units += __shfl_xor_sync(0xffffffffu, units, d);
    if (lane == 0 && units != 0)
      atomicAdd((unsigned long long *)&args.sums[(uint64_t)chunk.range * CLS_GPU_RECEPTORS + receptor],
                (unsigned long long)units);
  }
}

cudaError_t cls_gpu_launch_currents(const cls_gpu_currents_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(currents, blocks_for((uint64_t)args->n_chunks * CLS_GPU_WARP), THREADS, stream, *args);
}

/* ---- probes ---- */

CLS_KERNEL(probe, THREADS)(const cls_gpu_probe_args args) {
  const uint64_t k = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
  if (k < args.n) args.value[k] = args.pool[args.at[k]];
}

cudaError_t cls_gpu_launch_probe(const cls_gpu_probe_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(probe, blocks_for(args->n), THREADS, stream, *args);
}
