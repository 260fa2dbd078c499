/* CUDA kernels on the CPU, for tests. The kernels of src/backend/cuda are compiled a second time, by a C++ compiler
 * with -DCALLOSUM_CUDA_HOST and this folder before CUDA's own in the search path; their host code, C, too. What they
 * then call is here: the part of CUDA's runtime that we use (this file), what a kernel uses (cuda_host_device.h), and
 * an executor behind both, which is made to bring faults to light rather than to be fast.
 *
 * How a kernel runs. Every thread of a grid is a fiber with a stack of its own; all take turns on one thread of the
 * operating system. A fiber runs until it reaches a barrier, a warp operation or an atomic operation; there the next
 * fiber is drawn at random among those that can go on. One seed gives one order, so that a fault can be looked at again;
 * another seed gives another, and a kernel is right when all give the same result. A plain launch has some of its blocks
 * alive at a time, in an order drawn too; CLS_LAUNCH_TOGETHER has all of them, one per multiprocessor.
 *
 * What ends a test at once, with a message that names kernel, block, thread, file and line:
 *   - threads of a block that wait at two different __syncthreads(), or one that ends while others wait; the same for
 *     CLS_GRID_SYNC();
 *   - a warp operation whose mask lacks the caller, or names a lane that has ended, waits at a barrier or is in another
 *     warp operation (another line or mask) that needs this lane;
 *   - a deadlock of any other kind: every place where threads wait is listed;
 *   - threads that spin on atomics and get nowhere;
 *   - more than 48 KiB of shared memory in a block; arguments that hold a pointer to the host's memory; __trap().
 *
 * Memory. What is shared in a block (CLS_SHARED), cudaMalloc() memory and the destination of a copy that is under way
 * are filled with junk, other junk for another seed: what is read before it is written differs from run to run. Every
 * shared object and every allocation is a block of malloc(), so that AddressSanitizer sees whatever is written beside
 * it. Under AddressSanitizer the host, too, is caught when it touches device memory (the first 16 MiB of an allocation).
 *
 * Streams keep their word. Nothing is executed when it is queued; operations are executed when the host synchronises
 * with the stream, an event or the device, or frees memory, streams interleaved at random as far as events and the
 * default stream allow. A copy from memory of malloc() takes its source when it is queued, a copy from cudaMallocHost()
 * memory when it is executed.
 *
 * Races. In a build with -fsanitize=thread every fiber is a thread to ThreadSanitizer, and happens-before comes only
 * from where CUDA promises it: __syncthreads(), __syncwarp(), CLS_GRID_SYNC(), __threadfence() on both sides, the order
 * of a stream, events, synchronisation by the host. Shuffles and votes wait for lanes but order no memory, as CUDA says.
 * A missing barrier is then a report whatever the order drawn. Blocks of a plain launch that has more than 1,024
 * threads follow each other, and races between such two can be missed. The executor's own sources are compiled without
 * -fsanitize=thread and only linked with it; with the other sanitizers they are compiled like everything else.
 *
 * The environment:
 *   CALLOSUM_CUDA_HOST_SEED     seed of every draw (1)
 *   CALLOSUM_CUDA_HOST_SMS      multiprocessors (3); each holds one block of a grid launched together
 *   CALLOSUM_CUDA_HOST_BYTES    memory of the device in bytes (2 GiB)
 *   CALLOSUM_CUDA_HOST_DEVICES  devices (1); 0 is a machine without any. They share the memory.
 *   CALLOSUM_CUDA_HOST_DROP     FILE:LINE[,FILE:LINE...]: barriers (__syncthreads(), __syncwarp(), CLS_GRID_SYNC()) that do
 *                               nothing, to see whether a test notices. FILE is without folders.
 *   CALLOSUM_CUDA_HOST_SITES    a file to which a process appends, when it ends, one line "file:line kind count" for each
 *                               such barrier that it reached (count: calls by threads)
 *
 * What is not modelled: dimensions other than x, dynamic shared memory, __activemask(), textures, constant memory that
 * the host writes, floating point atomics (their order would show in the bits), clocks, time. A loop that waits for
 * another thread must contain an atomic operation or __nanosleep(), else it never gives way. Weak memory order between
 * atomics is seen only by ThreadSanitizer. */
#ifndef CUDA_HOST_H
#define CUDA_HOST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- CUDA's runtime: same names, values and meaning; see CUDA's own manual ----------------------------------- */
typedef enum cudaError {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInitializationError = 3,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidPitchValue = 12,
  cudaErrorInvalidMemcpyDirection = 21,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchOutOfResources = 701,
  cudaErrorLaunchFailure = 719,
  cudaErrorCooperativeLaunchTooLarge = 720,
  cudaErrorNotSupported = 801,
  cudaErrorUnknown = 999
} cudaError_t;

enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4
};

enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMaxBlockDimX = 2,
  cudaDevAttrMaxGridDimX = 5,
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrWarpSize = 10,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrConcurrentKernels = 31,
  cudaDevAttrL2CacheSize = 38,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39,
  cudaDevAttrAsyncEngineCount = 40,
  cudaDevAttrUnifiedAddressing = 41,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrCooperativeLaunch = 95
};

struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem, sharedMemPerBlock;
  int warpSize, maxThreadsPerBlock, major, minor, multiProcessorCount, l2CacheSize;
  int maxThreadsPerMultiProcessor, cooperativeLaunch, pciBusID, pciDeviceID, pciDomainID;
};

typedef struct CUstream_st *cudaStream_t; /* NULL: the default stream, which waits for all others but the */
typedef struct CUevent_st *cudaEvent_t;   /* cudaStreamNonBlocking ones, and they for it */

#define cudaStreamDefault          0x00
#define cudaStreamNonBlocking      0x01
#define cudaStreamLegacy           ((cudaStream_t)0x1)
#define cudaEventDefault           0x00
#define cudaEventBlockingSync      0x01
#define cudaEventDisableTiming     0x02
#define cudaHostAllocDefault       0x00
#define cudaHostAllocPortable      0x01
#define cudaHostAllocMapped        0x02
#define cudaHostAllocWriteCombined 0x04

cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaDeviceSynchronize(void);
const char *cudaGetErrorString(cudaError_t error);
const char *cudaGetErrorName(cudaError_t error);
cudaError_t cudaGetLastError(void);
cudaError_t cudaPeekAtLastError(void);

cudaError_t cudaMalloc(void **pointer, size_t bytes);
cudaError_t cudaFree(void *pointer);
cudaError_t cudaMallocHost(void **pointer, size_t bytes);
cudaError_t cudaHostAlloc(void **pointer, size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void *pointer);
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes);

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                              size_t height, enum cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemset(void *to, int value, size_t bytes);
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream);

cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end);

/* ---- for tests ---------------------------------------------------------------------------------------------- */
struct cuda_host_tally {
  uint64_t launches;                                        /* kernels queued */
  uint64_t copies_to_device, copies_to_host;                /* copies queued, by direction ... */
  uint64_t bytes_to_device, bytes_to_host, bytes_on_device; /* ... and their bytes */
  uint64_t synchronisations;                                /* calls of the host that waited for the device */
  uint64_t allocations, frees;                              /* of cudaMalloc() */
  uint64_t bytes_allocated, bytes_peak;                     /* of cudaMalloc(): now, and the most so far */
  uint64_t bytes_pinned;                                    /* of cudaMallocHost(), now */
};

/* Counts since the process began or since cuda_host_reset(). */
struct cuda_host_tally cuda_host_counts(void);
/* Launches of one kernel, by its name. */
uint64_t cuda_host_launches(const char *kernel);
/* Begins the draws anew with this seed and clears the counts of launches, copies and synchronisations. Waits for the
 * device first. */
void cuda_host_reset(uint64_t seed);

#ifdef __cplusplus
}
#include "cuda_host_device.h"
#endif

#endif
