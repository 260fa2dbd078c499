/* What a GPU can do at best, for benchmarks/gpu.py: the bandwidth of a copy in its memory, the rate of additions of integers at
 * random places in a buffer that fits its second-level cache and in one that does not, and how long its blocks take to wait
 * for each other. Prints one line of JSON. */
#include "backend/cuda/gpu.h"
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

enum { THREADS = 256, REPEATS = 9 };

typedef struct {
  const uint4 *from;
  uint4 *to;
  uint64_t n;
} copy_args;

CLS_KERNEL(copy, THREADS)(const copy_args args) {
  for (uint64_t i = (uint64_t)blockIdx.x * THREADS + threadIdx.x; i < args.n;
       i += (uint64_t)gridDim.x * THREADS)
    args.to[i] = args.from[i];
}

typedef struct {
  int32_t *sum;
  uint64_t mask, n; /* places less 1; additions */
} add_args;

CLS_KERNEL(add, THREADS)(const add_args args) {
  for (uint64_t i = (uint64_t)blockIdx.x * THREADS + threadIdx.x; i < args.n;
       i += (uint64_t)gridDim.x * THREADS)
    atomicAdd(&args.sum[(i * 0x9e3779b97f4a7c15ull >> 20) & args.mask], 1);
}

typedef struct {
  uint64_t n;
} wait_args;

CLS_KERNEL(wait_together, THREADS)(const wait_args args) {
  for (uint64_t i = 0; i < args.n; i++) CLS_GRID_SYNC();
}

static void check(cudaError_t error, const char *what) {
  if (error == cudaSuccess) return;
  fprintf(stderr, "gpu_floor: %s: %s\n", what, cudaGetErrorString(error));
  exit(1);
}

/* Median seconds of what `launch` queues. */
template <class Launch> static double seconds(cudaStream_t stream, Launch launch) {
  std::vector<float> ms(REPEATS);
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin), "event");
  check(cudaEventCreate(&end), "event");
  check(launch(), "launch");
  for (float &one : ms) {
    check(cudaEventRecord(begin, stream), "event");
    check(launch(), "launch");
    check(cudaEventRecord(end, stream), "event");
    check(cudaEventSynchronize(end), "waiting");
    check(cudaEventElapsedTime(&one, begin, end), "event");
  }
  std::sort(ms.begin(), ms.end());
  return 1e-3 * ms[REPEATS / 2];
}

int main() {
  const uint64_t bytes = 4ull << 30, small = 16ull << 20, waits = 2000;
  cudaDeviceProp device;
  cudaStream_t stream;
  char *memory = nullptr;
  int resident = 0;
  check(cudaGetDeviceProperties(&device, 0), "no GPU");
  check(cudaStreamCreate(&stream), "stream");
  check(cudaMalloc((void **)&memory, 2 * bytes), "memory");
  check(cudaMemsetAsync(memory, 1, 2 * bytes, stream), "memory");
  const unsigned blocks = 8u * (unsigned)device.multiProcessorCount;
  const copy_args c = {(const uint4 *)memory, (uint4 *)(memory + bytes), bytes / sizeof(uint4)};
  const double copied = seconds(stream, [&] { return CLS_LAUNCH(copy, blocks, THREADS, stream, c); });
  const uint64_t additions = 1ull << 28;
  const add_args in_cache = {(int32_t *)memory, small / 4 - 1, additions},
                 in_memory = {(int32_t *)memory, bytes / 4 - 1, additions};
  const double near = seconds(stream, [&] { return CLS_LAUNCH(add, blocks, THREADS, stream, in_cache); });
  const double far = seconds(stream, [&] { return CLS_LAUNCH(add, blocks, THREADS, stream, in_memory); });
  check(CLS_RESIDENT_BLOCKS(wait_together, THREADS, &resident), "occupancy");
  const unsigned together = (unsigned)(std::min(resident, 2) * device.multiProcessorCount);
  const wait_args w = {waits};
  const double waited =
      seconds(stream, [&] { return CLS_LAUNCH_TOGETHER(wait_together, together, THREADS, stream, w); });
  printf(
      "{\"gpu\": \"%s\", \"memory_gb\": %.1f, \"multiprocessors\": %d, \"l2_mb\": %.0f, \"copy_gb_s\": %.0f, "
      "\"additions_in_l2_per_s\": %.4g, \"additions_in_memory_per_s\": %.4g, \"grid_wait_us\": %.3f}\n",
      device.name, (double)device.totalGlobalMem * 1e-9, device.multiProcessorCount,
      (double)device.l2CacheSize / 1048576, 2e-9 * (double)bytes / copied, (double)additions / near,
      (double)additions / far, 1e6 * waited / (double)waits);
  return 0;
}
