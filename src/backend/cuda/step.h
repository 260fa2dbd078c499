/* Kernels of steps, for the host. */
#ifndef CALLOSUM_CUDA_STEP_H
#define CALLOSUM_CUDA_STEP_H

#include "backend/cuda/device_drawn.h"
#include "backend/cuda/device_plastic.h"
#include "backend/cuda/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  cls_gpu_rank rank;
  cls_gpu_plastic plastic;
  cls_gpu_drawing drawing;
  int64_t begin, end;
} cls_gpu_step_args;

/* Advances all members from step `begin` to `end`, or to where it stopped before because room ran out: one launch, whose
 * blocks wait for each other. `only`: number of the one neuron model there is, or -1. */
cudaError_t cls_gpu_launch_steps(const cls_gpu_step_args *args, int only, unsigned blocks,
                                 cudaStream_t stream);
/* Blocks of that launch that one multiprocessor holds at a time; where there are plastic synapses, and procedural ones. */
cudaError_t cls_gpu_resident_steps(int only, int plastic, int procedural, int *blocks);

typedef struct {
  cls_gpu_member member;
  cls_gpu_parameters parameters;
  const cls_gpu_chunk *chunk;
  uint64_t n_chunks;
  int64_t *sums; /* [ranges][CLS_GPU_RECEPTORS]; zero before */
} cls_gpu_currents_args;

/* Sums of synaptic currents: see cls_backend.currents. */
cudaError_t cls_gpu_launch_currents(const cls_gpu_currents_args *args, cudaStream_t stream);

typedef struct {
  const float *pool;
  const uint64_t *at; /* where in the pool */
  float *value;
  uint64_t n;
} cls_gpu_probe_args;

cudaError_t cls_gpu_launch_probe(const cls_gpu_probe_args *args, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
