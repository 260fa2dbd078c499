/* Kernels of plastic synapses between steps, for the host. */
#ifndef CALLOSUM_CUDA_PLASTIC_LAUNCH_H
#define CALLOSUM_CUDA_PLASTIC_LAUNCH_H

#include "backend/cuda/device_plastic.h"
#include "backend/cuda/gpu.h"
#include "backend/cuda/step.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  cls_gpu_history history;
  uint32_t from, to; /* numbers of older spikes: those from ... to - 1 become free */
} cls_gpu_history_args;

/* Nobody has spiked. */
cudaError_t cls_gpu_launch_never(const cls_gpu_history_args *args, cudaStream_t stream);
/* There is more room. */
cudaError_t cls_gpu_launch_room(const cls_gpu_history_args *args, cudaStream_t stream);

typedef struct {
  cls_gpu_plastic plastic;
  const cls_gpu_plastic_member *member; /* of one member; has room */
  const cls_gpu_arrival *arrival;       /* in any order, */
  const uint64_t *count;                /* so many, */
  uint64_t n;                           /* at most */
  uint32_t *next;                       /* [n] to work in */
  int64_t now;                          /* step to be computed next */
  uint32_t *full;
} cls_gpu_hear_args;

/* Enters spikes of sources that come from elsewhere; their plastic synapses have no events due before `now`. */
cudaError_t cls_gpu_launch_hear(const cls_gpu_hear_args *args, cudaStream_t stream);

typedef struct {
  cls_gpu_plastic plastic;
  const cls_gpu_plastic_member *member; /* [members] */
  uint32_t members, owners;             /* of the histories of a member, all together */
  int64_t now;                          /* step to be computed next */
} cls_gpu_tidy_args;

/* Weights of all members take in what reached them before step `now`. */
cudaError_t cls_gpu_launch_fold(const cls_gpu_tidy_args *args, cudaStream_t stream);
/* After that: forgets past spikes that nothing will look back at. */
cudaError_t cls_gpu_launch_forget(const cls_gpu_tidy_args *args, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
