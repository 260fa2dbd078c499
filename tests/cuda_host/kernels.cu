/* Right kernels; see kernels.h. */
#include "backend/cuda/gpu.h"
#include "kernels.h"

#define ALL 0xffffffffu

CLS_KERNEL(shuffle_kernel, SHUFFLE_THREADS)(const shuffle_args a) {
  unsigned t = threadIdx.x;
  unsigned long long word64 = SHUFFLE_WORD((unsigned long long)t);
  unsigned word32 = (unsigned)(word64 >> 32);
  float number32 = (float)SHUFFLE_NUMBER(t);
  double number64 = SHUFFLE_NUMBER(t);
  int lane = a.lane[t];
  if (a.how == 0) {
    a.got32[t] = __shfl_sync(ALL, word32, lane, a.width);
    a.got64[t] = __shfl_sync(ALL, word64, lane, a.width);
    a.got_float[t] = __shfl_sync(ALL, number32, lane, a.width);
    a.got_double[t] = __shfl_sync(ALL, number64, lane, a.width);
  } else if (a.how == 1) {
    a.got32[t] = __shfl_up_sync(ALL, word32, (unsigned)lane, a.width);
    a.got64[t] = __shfl_up_sync(ALL, word64, (unsigned)lane, a.width);
    a.got_float[t] = __shfl_up_sync(ALL, number32, (unsigned)lane, a.width);
    a.got_double[t] = __shfl_up_sync(ALL, number64, (unsigned)lane, a.width);
  } else if (a.how == 2) {
    a.got32[t] = __shfl_down_sync(ALL, word32, (unsigned)lane, a.width);
    a.got64[t] = __shfl_down_sync(ALL, word64, (unsigned)lane, a.width);
    a.got_float[t] = __shfl_down_sync(ALL, number32, (unsigned)lane, a.width);
    a.got_double[t] = __shfl_down_sync(ALL, number64, (unsigned)lane, a.width);
  } else {
    a.got32[t] = __shfl_xor_sync(ALL, word32, lane, a.width);
    a.got64[t] = __shfl_xor_sync(ALL, word64, lane, a.width);
    a.got_float[t] = __shfl_xor_sync(ALL, number32, lane, a.width);
    a.got_double[t] = __shfl_xor_sync(ALL, number64, lane, a.width);
  }
}

struct lanes {
  int of[32];
};

CLS_KERNEL(vote_kernel, 32)(const vote_args a) {
  CLS_SHARED(lanes, s);
  unsigned lane = threadIdx.x;
  int holds = a.holds[lane];
  a.all[lane] = __ballot_sync(ALL, holds);
  a.any[lane] = __any_sync(ALL, holds);
  a.every[lane] = __all_sync(ALL, holds);
  if (lane < 16)
    a.half[lane] = __ballot_sync(0x0000ffffu, holds);
  else
    a.half[lane] = __ballot_sync(0xffff0000u, holds);
  s.of[lane] = holds;
  __syncwarp();
  a.beside[lane] = s.of[lane ^ 1];
  a.two[lane] = 77;
  if (lane == 3 || lane == 17) a.two[lane] = __ballot_sync(1u << 3 | 1u << 17, holds);
  __syncwarp();
  /* What one half does before the whole warp meets, the other need not. */
  if (lane >= 16) __syncwarp(0xffff0000u);
  __syncwarp();
}

struct warp_sums {
  unsigned of[SCAN_THREADS / 32];
};

CLS_KERNEL(scan_kernel, SCAN_THREADS)(const scan_args a) {
  CLS_SHARED(warp_sums, sums);
  unsigned t = threadIdx.x, lane = t & 31;
  unsigned sum = a.in[t];
  for (unsigned by = 1; by < 32; by *= 2) {
    unsigned left = __shfl_up_sync(ALL, sum, by);
    if (lane >= by) sum += left;
  }
  if (lane == 31) sums.of[t / 32] = sum;
  __syncthreads();
  unsigned before = 0;
  for (unsigned w = 0; w < t / 32; w++) before += sums.of[w];
  a.out[t] = before + sum;
}

struct tree {
  unsigned sum[128];
};

static __device__ unsigned block_sum(unsigned mine) {
  CLS_SHARED(tree, s);
  unsigned t = threadIdx.x;
  s.sum[t] = mine;
  if (t + blockDim.x < 128) s.sum[t + blockDim.x] = 0;
  __syncthreads();
  for (unsigned half = 64; half > 0; half /= 2) {
    if (t < half) s.sum[t] += s.sum[t + half];
    __syncthreads();
  }
  unsigned sum = s.sum[0];
  __syncthreads();
  return sum;
}

CLS_KERNEL(ring_kernel, RING_THREADS)(const ring_args a) {
  unsigned block = blockIdx.x, number = block_sum(blockIdx.x * blockDim.x + threadIdx.x);
  for (unsigned round = 0; round < a.rounds; round++) {
    if (threadIdx.x == 0) a.numbers[block] = number;
    CLS_GRID_SYNC();
    number = a.numbers[(block + 1) % gridDim.x];
    CLS_GRID_SYNC();
  }
  if (threadIdx.x == 0) a.out[block] = number;
}

struct flag {
  unsigned last;
};

CLS_KERNEL(last_kernel, LAST_THREADS)(const last_args a) {
  CLS_SHARED(flag, f);
  unsigned sum = block_sum(blockIdx.x + threadIdx.x);
  if (threadIdx.x == 0) {
    a.sums[blockIdx.x] = sum;
    __threadfence();
    f.last = atomicAdd(a.done, 1u) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (!f.last) return;
  unsigned mine = 0;
  for (unsigned b = threadIdx.x; b < gridDim.x; b += blockDim.x) mine += a.sums[b];
  mine = block_sum(mine);
  if (threadIdx.x == 0) *a.out = mine;
}

CLS_KERNEL(atomic_kernel, ATOMIC_THREADS)(const atomic_args a) {
  unsigned me = blockIdx.x * blockDim.x + threadIdx.x;
  a.ticket[me] = atomicAdd(a.sum, 1u);
  atomicAdd(a.sum64, 1ull << 40 | me);
  atomicMax(a.most, me * 37 % 251);
  atomicMin(a.least, 100 - (int)(me * 37 % 251));
  atomicSub(a.down, 3);
  atomicOr(a.bits, 1u << me % 24);
  /* Adds by comparing and swapping. */
  unsigned old = atomicExch(&a.bits[1], me), seen = atomicAdd(a.swaps, 0u);
  for (;;) {
    unsigned was = atomicCAS(a.swaps, seen, seen + 2);
    if (was == seen) break;
    seen = was;
  }
  atomicXor(&a.bits[2], old ^ me); /* in the end: the first word that was there and the last */
}

CLS_KERNEL(predicate_kernel, PREDICATE_THREADS)(const predicate_args a) {
  int holds[3] = {0, threadIdx.x % 3 == 0, 1};
  for (int k = 0; k < 3; k++) {
    int count = __syncthreads_count(holds[k]);
    int every = __syncthreads_and(holds[k]);
    int any = __syncthreads_or(holds[k]);
    if (threadIdx.x == PREDICATE_THREADS - 1) {
      a.out[3 * k] = count;
      a.out[3 * k + 1] = every;
      a.out[3 * k + 2] = any;
    }
  }
}

CLS_KERNEL(bit_kernel, 1)(const bit_args a) {
  unsigned k = 0;
  a.out[k++] = (unsigned)__popc(0xf0f00001u);
  a.out[k++] = (unsigned)__popcll(0xf0f0000100000003ull);
  a.out[k++] = (unsigned)__ffs(0);
  a.out[k++] = (unsigned)__ffs(0x00000600);
  a.out[k++] = (unsigned)__ffsll(1ll << 40);
  a.out[k++] = (unsigned)__clz(0);
  a.out[k++] = (unsigned)__clz(0x00010000);
  a.out[k++] = (unsigned)__clz(-1);
  a.out[k++] = (unsigned)__clzll(1);
  a.out[k++] = __umulhi(0xffffffffu, 0xffffffffu);
  a.out[k++] = (unsigned)__mulhi(-1, 1);
  a.out[k++] = __umul64hi(0xffffffffffffffffull, 0xffffffffffffffffull);
  a.out[k++] = __ldg(&a.out[0]);
  a.out[k++] = __float_as_uint(1.0f);
  a.out[k++] = (unsigned long long)__double_as_longlong(-2.0);
  a.out[k++] = min(3u, 5u) + 10 * max(3u, 5u);
}

CLS_KERNEL(log_kernel, 1)(const log_args a) { a.list[atomicAdd(a.count, 1u)] = a.tag; }

cudaError_t launch_shuffles(shuffle_args a, cudaStream_t s) {
  return CLS_LAUNCH(shuffle_kernel, 1, SHUFFLE_THREADS, s, a);
}
cudaError_t launch_votes(vote_args a, cudaStream_t s) { return CLS_LAUNCH(vote_kernel, 1, 32, s, a); }
cudaError_t launch_scan(scan_args a, cudaStream_t s) {
  return CLS_LAUNCH(scan_kernel, 1, SCAN_THREADS, s, a);
}
cudaError_t launch_ring(ring_args a, cudaStream_t s) {
  return CLS_LAUNCH_TOGETHER(ring_kernel, RING_BLOCKS, RING_THREADS, s, a);
}
cudaError_t launch_last(last_args a, cudaStream_t s) {
  return CLS_LAUNCH(last_kernel, LAST_BLOCKS, LAST_THREADS, s, a);
}
cudaError_t launch_atomics(atomic_args a, cudaStream_t s) {
  return CLS_LAUNCH(atomic_kernel, ATOMIC_BLOCKS, ATOMIC_THREADS, s, a);
}
cudaError_t launch_predicates(predicate_args a, cudaStream_t s) {
  return CLS_LAUNCH(predicate_kernel, 1, PREDICATE_THREADS, s, a);
}
cudaError_t launch_bits(bit_args a, cudaStream_t s) { return CLS_LAUNCH(bit_kernel, 1, 1, s, a); }
cudaError_t launch_log(log_args a, cudaStream_t s) { return CLS_LAUNCH(log_kernel, 1, 1, s, a); }
