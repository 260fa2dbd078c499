/* Haemodynamics of groups of neurons on the GPU: the kernel, for the host. */
#ifndef CALLOSUM_CUDA_VOLUMES_H
#define CALLOSUM_CUDA_VOLUMES_H

#include "backend/cuda/device.h"
#include "backend/cuda/gpu.h"
#include "model/balloon.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const double *consts; /* a cls_balloon_consts */
  const uint64_t *size; /* [groups] neurons */
  cls_balloon *state;   /* [groups] */
  uint64_t *during;     /* [groups] spikes of the volume that is not complete */
  uint32_t *count;      /* [bins + 1][groups]: taken, and those of the last bin, which may go on, put first */
  double *signal;       /* [volumes][groups] */
  uint64_t *spikes;     /* [volumes][groups] */
  uint64_t groups, bins; /* bins that are complete */
  int64_t first;         /* number of the first of them */
  int64_t bins_of_volume;
  int64_t goes_on; /* there is a bin behind them */
  uint64_t bin_s;  /* bits of a double */
} cls_gpu_volumes_args;

/* Advances the groups of one member by the bins that are complete. */
cudaError_t cls_gpu_launch_volumes(const cls_gpu_volumes_args *args, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
