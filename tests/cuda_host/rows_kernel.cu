#include "backend/cuda/rows.cuh"
#include "rows_kernel.h"

CLS_KERNEL(draw_rows, CLS_GPU_THREADS)(const rows_args args) {
  CLS_SHARED(cls_gpu_row_shared, shared);
  const cls_gpu_row_scratch scratch = cls_gpu_row_scratch_of(
      &args.layout, (uint32_t)args.records, args.scratch + blockIdx.x * args.layout.bytes, args.needed);
  cls_gpu_rows_begin(&shared, &args.rows, &scratch);
  for (uint64_t i = blockIdx.x; i < args.n; i += gridDim.x) {
    uint32_t *out = args.out + (size_t)i * args.capacity;
    const uint32_t words = cls_gpu_draw_row(&shared, args.neuron[i], out, (uint32_t)args.capacity);
    if (threadIdx.x == i % CLS_GPU_THREADS) args.words[i] = words;
    if (words > args.capacity) continue;
    unsigned long long sum = 0; /* of words that other threads have written */
    for (uint32_t w = threadIdx.x; w < words; w += CLS_GPU_THREADS) sum += out[words - 1 - w];
    atomicAdd(&args.sum[i], sum);
  }
}

cudaError_t launch_rows(const rows_args *args, unsigned blocks) {
  return CLS_LAUNCH(draw_rows, blocks, CLS_GPU_THREADS, NULL, *args);
}
