/* What plastic synapses remember, for checkpoints: the kernels, for the host. */
#ifndef CALLOSUM_CUDA_RECALL_H
#define CALLOSUM_CUDA_RECALL_H

#include "backend/cuda/device_plastic.h"
#include "backend/cuda/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  cls_gpu_history history;
  int64_t since;
  int64_t *step; /* [n] of owners first ... first + n - 1 */
  float *value;  /* [n][values] all there are */
  uint32_t first, n;
  uint64_t values;
} cls_gpu_recall_args;

/* The newest spike before `since` of every owner, and what it found. */
cudaError_t cls_gpu_launch_recall(const cls_gpu_recall_args *args, cudaStream_t stream);

typedef struct {
  cls_gpu_history history;
  const int64_t *step; /* [n] of owners first ... first + n - 1; CLS_GPU_NEVER: nothing is known */
  const float *value;  /* [n][values] */
  const uint32_t *at;  /* [values] which of a spike's values they are */
  uint32_t first, n;
  uint64_t values;
} cls_gpu_anchor_args;

/* The other way: these are the newest spikes so far, where others have not come after them. Values that are not among these
 * stay. */
cudaError_t cls_gpu_launch_anchor(const cls_gpu_anchor_args *args, cudaStream_t stream);

typedef struct {
  cls_gpu_plastic plastic;
  const cls_gpu_plastic_member *member; /* of one member; has room */
  const cls_gpu_arrival *spike;         /* [n] by owner, those of one by step: slots, or local indices */
  uint64_t n;
  int64_t now; /* step to be computed next */
  uint32_t *full;
} cls_gpu_again_args;

/* Enters spikes of sources; where events are due at `now` or later they are in flight. */
cudaError_t cls_gpu_launch_hear_again(const cls_gpu_again_args *args, cudaStream_t stream);
/* Enters spikes of neurons of this rank. */
cudaError_t cls_gpu_launch_fire_again(const cls_gpu_again_args *args, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
