/* Rings of spikes in flight to a member (cls_gpu_flight): one along rows of static synapses, one along those of plastic
 * ones. */
#ifndef CALLOSUM_CUDA_RING_H
#define CALLOSUM_CUDA_RING_H

#include "backend/cuda/arena.h"
#include "backend/cuda/device.h"

/* Both are powers of two. */
typedef struct {
  uint64_t entries; /* pieces of rows, each with a spike that is on its way along it */
  uint64_t marks;   /* steps */
} cls_gpu_ring_sizes;

/* A ring that holds all pieces that one step may add (`in_a_step`), and `besides`; delays are up to `max_delay` steps. */
cls_gpu_ring_sizes cls_gpu_ring_measure(uint64_t in_a_step, double besides, uint32_t max_delay);
void cls_gpu_ring_plan(cls_gpu_ring_sizes sizes, cls_gpu_arena *arena);
/* Makes a ring. What is in flight is moved into it where there was another of as many marks in `arena` and `flight`. */
cls_status cls_gpu_ring_make(cls_gpu_ring_sizes sizes, cls_gpu_arena *arena, cls_gpu_flight *flight,
                             cudaStream_t stream);
/* Forgets what is in flight. */
cls_status cls_gpu_ring_forget(cls_gpu_ring_sizes sizes, const cls_gpu_flight *flight, cudaStream_t stream);

#endif
