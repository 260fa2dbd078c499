#include "backend/cuda/rows.cuh"
#include "rows_kernel.h"

CLS_KERNEL(draw_rows, CLS_GPU_THREADS)(const rows_args args) {
  CLS_SHARED(cls_gpu_row_shared, shared);
  const cls_gpu_row_scratch scratch = cls_gpu_row_scratch_of(
      &args.layout, args.records, args.scratch + blockIdx.x * args.layout.bytes, args.needed);
  for (uint32_t i = blockIdx.x; i < args.n; i += gridDim.x) {
    const uint32_t words = cls_gpu_draw_row(&args.rows, &shared, &scratch, args.neuron[i],
                                            args.out + (size_t)i * args.capacity, args.capacity);
    if (threadIdx.x == i % CLS_GPU_THREADS) args.words[i] = words;
  }
}

cudaError_t launch_rows(const rows_args *args, unsigned blocks) {
  return CLS_LAUNCH(draw_rows, blocks, CLS_GPU_THREADS, NULL, *args);
}
