/* Which procedural projections come from a neuron. */
#ifndef CALLOSUM_CUDA_ROW_SOURCE_CUH
#define CALLOSUM_CUDA_ROW_SOURCE_CUH

#include "backend/cuda/gpu.h"
#include "backend/cuda/rows.h"

/* The population that holds a neuron; NULL where no procedural projection comes from it. */
CLS_GPU_FN const cls_gpu_row_source *cls_gpu_row_source_of(const cls_gpu_rows *rows, uint64_t neuron) {
  uint64_t low = 0, high = rows->n_sources;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (rows->source[middle].first + rows->source[middle].n <= neuron)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == rows->n_sources || rows->source[low].first > neuron) return NULL;
  return &rows->source[low];
}

#endif
