/* A part of the engine's stores in terms of what the rank remembers: owners of past spikes, and their values. */
#ifndef CALLOSUM_CUDA_PART_H
#define CALLOSUM_CUDA_PART_H

#include "backend/cuda/instance.h"

/* Owners of one history. */
typedef struct {
  uint32_t first, n; /* none where no synapse of the part has STDP */
  uint32_t values;   /* of a spike, in the order of the part's store; */
  uint32_t *at;      /* [values] which of those of the rank they are */
} cls_cuda_part_owners;

typedef struct {
  cls_cuda_part_owners of[CLS_GPU_HISTORIES];
  uint32_t n_local; /* local indices */
} cls_cuda_part;

/* Of a part with plastic synapses. To be freed whatever it returns. */
cls_status cls_cuda_part_find(const cls_cuda *b, uint32_t part, cls_cuda_part *found);
void cls_cuda_part_free(cls_cuda_part *part);

#endif
