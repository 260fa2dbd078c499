/* What members own of plastic synapses in the memory of the GPU: weights, spikes in flight to them, past spikes. */
#ifndef CALLOSUM_CUDA_PLASTIC_MEMBER_H
#define CALLOSUM_CUDA_PLASTIC_MEMBER_H

#include "backend/cuda/plastic_store.h"
#include "backend/cuda/ring.h"

/* Past spikes of all owners: see cls_gpu_history. */
typedef struct {
  uint32_t owners, values; /* of a spike */
  uint32_t in_a_step;      /* spikes that a step may add at most */
  uint32_t room;           /* older spikes */
} cls_gpu_history_sizes;

typedef struct {
  cls_gpu_arena newest, older;
} cls_gpu_history_memory;

/* Sizes of the arrays of one member. */
typedef struct {
  uint64_t stdp; /* weights */
  cls_gpu_ring_sizes ring;
  cls_gpu_history_sizes history[CLS_GPU_HISTORIES];
} cls_gpu_plastic_sizes;

/* `in_flight`: spikes expected in flight. Older spikes find room for several of each owner, besides those that one step may
 * add. */
cls_gpu_plastic_sizes cls_gpu_plastic_measure(const cls_gpu_plastic_counts *counts, double in_flight);

typedef struct {
  cls_gpu_arena weights, ring;
  cls_gpu_history_memory history[CLS_GPU_HISTORIES];
  cls_gpu_plastic_member device; /* as kernels see it; `status` is the caller's to set */
} cls_gpu_plastic_memory;

/* Plans all arenas. */
void cls_gpu_plastic_member_plan(const cls_gpu_plastic_sizes *sizes, cls_gpu_plastic_memory *member);
/* Makes them: nobody has spiked, weights are v[stdp] (of the host). */
cls_status cls_gpu_plastic_member_make(const cls_gpu_plastic_sizes *sizes, const int32_t *v,
                                       cls_gpu_plastic_memory *member, cudaStream_t stream);
/* Twice the room for older spikes of one history. */
cls_status cls_gpu_history_grow(const cls_gpu_history_sizes *sizes, int which, cls_gpu_plastic_memory *member,
                                cudaStream_t stream);
void cls_gpu_plastic_member_free(cls_gpu_plastic_memory *member);
size_t cls_gpu_history_bytes(const cls_gpu_plastic_memory *member);

#endif
