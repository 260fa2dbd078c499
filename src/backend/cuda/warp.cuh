/* Warps that share work: entries of rings among the warps of a grid, runs of any length among the lanes of a warp. */
#ifndef CALLOSUM_CUDA_WARP_CUH
#define CALLOSUM_CUDA_WARP_CUH

#include "backend/cuda/device.h"
#include "backend/cuda/gpu.h"

#define CLS_GPU_ALL_LANES 0xffffffffu

/* Members share the warps of a grid: this warp takes part in members member, member + members ..., as number `warp` of
 * `warps`. */
typedef struct {
  uint32_t member, members, warp, warps;
} cls_gpu_turns;

CLS_GPU_FN cls_gpu_turns cls_gpu_turns_of(uint32_t members) {
  const uint32_t warps = gridDim.x * CLS_GPU_WARPS, groups = members < warps ? members : warps;
  const uint32_t warp = blockIdx.x * CLS_GPU_WARPS + threadIdx.x / CLS_GPU_WARP, group = warp % groups;
  return cls_gpu_turns{group, groups, warp / groups, (warps - group + groups - 1) / groups};
}

/* Of n entries a warp takes so many at a time, at most 32: few where there are few, so that all warps have something to do. */
CLS_GPU_FN uint32_t cls_gpu_turn_size(const cls_gpu_turns *turns, uint64_t n) {
  const uint64_t share = (n + turns->warps - 1) / turns->warps;
  return share < 1 ? 1u : share < CLS_GPU_WARP ? (uint32_t)share : (uint32_t)CLS_GPU_WARP;
}

/* By a warp: the sum over this lane and those before it. */
CLS_GPU_FN uint32_t cls_gpu_warp_sum_up_to(uint32_t n) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP;
#pragma unroll
  for (uint32_t d = 1; d < CLS_GPU_WARP; d *= 2) {
    const uint32_t before = __shfl_up_sync(CLS_GPU_ALL_LANES, n, d);
    if (lane >= d) n += before;
  }
  return n;
}

/* What the last lane has. */
CLS_GPU_FN uint32_t cls_gpu_warp_last(uint32_t n) {
  return __shfl_sync(CLS_GPU_ALL_LANES, n, CLS_GPU_WARP - 1);
}

/* By a warp: the first lane whose items end (`end`: of this lane) behind item `item`; the last where none do. */
CLS_GPU_FN uint32_t cls_gpu_warp_owner(uint32_t end, uint32_t item) {
  uint32_t owner = 0;
#pragma unroll
  for (uint32_t half = CLS_GPU_WARP / 2; half > 0; half /= 2)
    if (__shfl_sync(CLS_GPU_ALL_LANES, end, owner + half - 1) <= item) owner += half;
  return owner;
}

#endif
