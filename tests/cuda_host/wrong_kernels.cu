/* Kernels with a fault each, for which the executor or a sanitizer must end the process. */
#include "backend/cuda/gpu.h"
#include "kernels.h"

#define ALL 0xffffffffu

struct numbers {
  unsigned of[WRONG_THREADS];
};
struct half_of_what_there_is {
  unsigned of[7000];
};

static __device__ __noinline__ void wrong_barriers(const wrong_args &a) {
  CLS_SHARED(numbers, s);
  unsigned t = threadIdx.x;
  switch (a.kind) {
  case WRONG_NEIGHBOUR:
    s.of[t] = t;
    a.out[t] = s.of[(t + 1) % WRONG_THREADS];
    break;
  case WRONG_TWO_PLACES:
    if (t < 32)
      __syncthreads();
    else
      __syncthreads();
    break;
  case WRONG_ENDS_EARLY:
    if (t != 5) __syncthreads();
    break;
  case WRONG_NOT_TOGETHER:
    CLS_GRID_SYNC();
    break;
  case WRONG_DEADLOCK:
    if (t < 32)
      CLS_GRID_SYNC();
    else
      __syncthreads();
    break;
  case WRONG_SPIN:
    a.out[0] = 0;
    while (atomicAdd(&a.out[0], 0u) == 0) {
    }
    break;
  case WRONG_BLOCKS_SHARE_A_WORD:
    if (t == 0) a.out[0] = blockIdx.x;
    break;
  case WRONG_FLAG_WITHOUT_FENCE:
    if (t == 0 && blockIdx.x == 0) {
      a.out[1] = 5;
      atomicExch(&a.out[0], 1u);
    }
    if (t == 0 && blockIdx.x == 1 && atomicAdd(&a.out[0], 0u) == 1) a.out[2] = a.out[1];
    break;
  default:
    break;
  }
}

static __device__ __noinline__ void wrong_warps(const wrong_args &a) {
  CLS_SHARED(numbers, s);
  unsigned t = threadIdx.x, lane = t & 31;
  switch (a.kind) {
  case WRONG_MASK_LACKS_CALLER:
    __syncwarp(0x7fffffffu);
    break;
  case WRONG_LANE_ENDED:
    if (lane != 9) a.out[t] = __ballot_sync(ALL, 1);
    break;
  case WRONG_LANE_AT_BARRIER:
    if (lane >= 8)
      __syncthreads();
    else
      __syncwarp();
    break;
  case WRONG_OTHER_PLACE:
    if (lane == 4)
      __syncwarp();
    else
      __syncwarp();
    break;
  case WRONG_OTHER_MASK:
    __syncwarp(lane < 8 ? 0x00000fffu : ALL);
    break;
  case WRONG_WIDTH:
    a.out[t] = __shfl_sync(ALL, t, 0, 12);
    break;
  case WRONG_SHUFFLE_AS_BARRIER:
    s.of[t] = t;
    __shfl_sync(ALL, t, 0);
    a.out[t] = s.of[t ^ 1];
    break;
  case WRONG_WARP_NEIGHBOUR: /* the barrier orders lanes of a warp, not its neighbour's */
    s.of[t] = t;
    __syncwarp();
    a.out[t] = s.of[t ^ 32];
    break;
  default:
    break;
  }
}

static __device__ __noinline__ void wrong_memory(const wrong_args &a) {
  CLS_SHARED(numbers, s);
  unsigned t = threadIdx.x;
  switch (a.kind) {
  case WRONG_SHARED_SIZE: {
    CLS_SHARED(half_of_what_there_is, one);
    CLS_SHARED(half_of_what_there_is, two);
    one.of[t] = two.of[t] = 0;
    break;
  }
  case WRONG_TRAP:
    if (t == 7) __trap();
    break;
  case WRONG_GLOBAL_BESIDE:
    if (t == WRONG_THREADS - 1) a.out[t + 1] = 0;
    break;
  case WRONG_SHARED_BESIDE:
    *(&s.of[0] + t + 1) = 0;
    break;
  case WRONG_WRITE:
    a.out[t] = t;
    break;
  default:
    break;
  }
}

CLS_KERNEL(wrong_kernel, WRONG_THREADS)(const wrong_args a) {
  wrong_barriers(a);
  wrong_warps(a);
  wrong_memory(a);
}

cudaError_t launch_wrong(wrong_args a, unsigned blocks, int together, cudaStream_t s) {
  return together ? CLS_LAUNCH_TOGETHER(wrong_kernel, blocks, WRONG_THREADS, s, a)
                  : CLS_LAUNCH(wrong_kernel, blocks, WRONG_THREADS, s, a);
}
