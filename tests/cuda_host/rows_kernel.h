/* A kernel that draws rows, for rows_test.c. */
#ifndef ROWS_KERNEL_H
#define ROWS_KERNEL_H

#include "backend/cuda/gpu.h"
#include "backend/cuda/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Row i, of neuron[i], is drawn to out + i * capacity, and words[i] of it, which sum up to sum[i] where there is room; the
 * scratch of block b begins at b * layout.bytes. */
typedef struct {
  cls_gpu_rows rows;
  cls_gpu_row_layout layout;
  char *scratch;
  uint32_t *needed;
  uint64_t records;
  uint64_t n, capacity; /* each in a word of its own: two small numbers can look like a pointer */
  const uint64_t *neuron;
  uint32_t *out, *words;
  unsigned long long *sum;
} rows_args;

cudaError_t launch_rows(const rows_args *args, unsigned blocks);

#ifdef __cplusplus
}
#endif
#endif
