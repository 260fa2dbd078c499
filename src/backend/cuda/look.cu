/* Looks at what the GPU holds. */
#include "backend/cuda/neuron.cuh"
#include "backend/cuda/step.h"

enum { THREADS = CLS_GPU_THREADS };

static unsigned blocks_for(uint64_t n) { return (unsigned)((n + THREADS - 1) / THREADS); }

/* ---- currents ---- */

/* Units of currents: CLS_CURRENT_ONE. */
static const double CURRENT_ONE = 1048576.0;

CLS_GPU_FN float current_of(const cls_gpu_currents_args *a, const cls_gpu_range *r, uint32_t i,
                            int receptor) {
#define CURRENT_(NAME)                                                                                       \
  if (r->model == CLS_GPU_##NAME)                                                                            \
    return receptor < NAME##_on_gpu::receptors                                                               \
               ? cls_gpu_neuron_current<NAME##_on_gpu>(r, a->member.pool, i, receptor)                       \
               : 0.0f;
  CLS_GPU_NEURONS(CURRENT_)
  return 0.0f;
}

CLS_KERNEL(currents, THREADS)(const cls_gpu_currents_args args) {
  const uint64_t c = (uint64_t)blockIdx.x * CLS_GPU_WARPS + threadIdx.x / CLS_GPU_WARP;
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
  return CLS_LAUNCH(currents, blocks_for(args->n_chunks * CLS_GPU_WARP), THREADS, stream, *args);
}

/* ---- probes ---- */

CLS_KERNEL(probe, THREADS)(const cls_gpu_probe_args args) {
  const uint64_t k = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
  if (k < args.n) args.value[k] = args.pool[args.at[k]];
}

cudaError_t cls_gpu_launch_probe(const cls_gpu_probe_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(probe, blocks_for(args->n), THREADS, stream, *args);
}
