/* What the CUDA backend takes from CUDA, in one place. Kernels are compiled twice from the same text: by nvcc for GPUs, and
 * by a C++ compiler for tests, where tests/cuda_host/cuda_host.h executes grids, blocks, warps and barriers on the CPU.
 * So that both read the same,
 *
 *   - a kernel takes one struct: CLS_KERNEL(name, threads)(const name_args args) { ... };
 *   - it is launched by CLS_LAUNCH(kernel, blocks, threads, stream, args), or CLS_LAUNCH_TOGETHER where its blocks wait
 *     for each other; both give a cudaError_t;
 *   - what the threads of a block share is one struct: CLS_SHARED(type, name);
 *   - blocks wait for each other by CLS_GRID_SYNC().
 *
 * Everything else (threadIdx, __syncthreads(), __shfl_sync(), atomicAdd() ...) is CUDA's own. */
#ifndef CALLOSUM_GPU_H
#define CALLOSUM_GPU_H

#include <stdint.h>

#ifdef CALLOSUM_CUDA_HOST
#include "cuda_host.h"
#else
#include <cuda_runtime_api.h>
#ifdef __CUDACC__
#include <cooperative_groups.h>
#define CLS_KERNEL(name, threads)            __global__ void __launch_bounds__(threads, 2) name
/* One that has so much to remember that a multiprocessor holds few of its blocks at a time. */
#define CLS_KERNEL_OF(name, threads, blocks) __global__ void __launch_bounds__(threads, blocks) name
#define CLS_SHARED(type, name)               __shared__ type name
#define CLS_GRID_SYNC()                      cooperative_groups::this_grid().sync()
#define CLS_LAUNCH(kernel, blocks, threads, stream, args)                                                    \
  cls_gpu_launch((const void *)(kernel), (blocks), (threads), (stream), &(args), 0)
#define CLS_LAUNCH_TOGETHER(kernel, blocks, threads, stream, args)                                           \
  cls_gpu_launch((const void *)(kernel), (blocks), (threads), (stream), &(args), 1)
/* Blocks of a kernel that one multiprocessor holds at a time. */
#define CLS_RESIDENT_BLOCKS(kernel, threads, blocks)                                                         \
  cudaOccupancyMaxActiveBlocksPerMultiprocessor((blocks), (const void *)(kernel), (threads), 0)

static inline cudaError_t cls_gpu_launch(const void *kernel, unsigned blocks, unsigned threads,
                                         cudaStream_t stream, const void *args, int together) {
  void *list[1] = {const_cast<void *>(args)};
  return together ? cudaLaunchCooperativeKernel(kernel, dim3(blocks), dim3(threads), list, 0, stream)
                  : cudaLaunchKernel(kernel, dim3(blocks), dim3(threads), list, 0, stream);
}
#endif
#endif

/* A function of kernels. */
#define CLS_GPU_FN static inline __device__

#ifdef __cplusplus
/* A number that other blocks may be changing: what it was before, or after. */
CLS_GPU_FN unsigned long long cls_gpu_look(const uint64_t *at) {
#ifdef __CUDA_ARCH__
  unsigned long long value;
  asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(value) : "l"(at) : "memory");
  return value;
#else
  return __atomic_load_n(at, __ATOMIC_RELAXED);
#endif
}
/* Asks for the 32 bytes at an address: they will be near when they are needed. */
CLS_GPU_FN void cls_gpu_ask(const void *at) {
#ifdef __CUDA_ARCH__
  asm volatile("prefetch.global.L2 [%0];" ::"l"(at));
#else
  (void)at;
#endif
}
/* Changes a number that others look at. */
CLS_GPU_FN void cls_gpu_show(uint64_t *at, unsigned long long value) {
#ifdef __CUDA_ARCH__
  asm volatile("st.relaxed.gpu.global.u64 [%0], %1;" ::"l"(at), "l"(value) : "memory");
#else
  __atomic_store_n(at, value, __ATOMIC_RELAXED);
#endif
}

/* A clock of the GPU; 0 where there is none. */
CLS_GPU_FN unsigned long long cls_gpu_nanoseconds(void) {
  unsigned long long now = 0;
#ifdef __CUDA_ARCH__
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
#endif
  return now;
}
#endif

#endif
