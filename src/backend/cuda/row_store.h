/* The procedural projections of a rank, brought to the GPU: those of all parts joined, by source population, in one arena. */
#ifndef CALLOSUM_CUDA_ROW_STORE_H
#define CALLOSUM_CUDA_ROW_STORE_H

#include "backend/cuda/arena.h"
#include "backend/cuda/rows.h"
#include "engine/store.h"

/* What there is; all 0 where no projection is procedural. */
typedef struct {
  uint32_t sources, pieces;
  uint64_t table;     /* words of all tables of counts */
  uint32_t max_delay; /* a bound */
  double mean;        /* synapses of a row, the greatest expected of a source population */
  cls_gpu_row_extent extent;
} cls_gpu_row_counts;

typedef struct {
  cls_gpu_row_counts counts;
  cls_gpu_rows device; /* for kernels */
  cls_gpu_arena arena;
  size_t source, piece, cell, table; /* where they begin in the arena */
} cls_gpu_procedural;

/* Local. CLS_ERR_LIMIT where the rows of a source are longer, or have more delays and targets, than a GPU can sort. */
cls_status cls_gpu_rows_count(const cls_layout *layout, cls_store *const *stores, cls_gpu_row_counts *counts);
/* Plans the arena for these counts: its size is rows->arena.bytes. */
void cls_gpu_rows_plan(const cls_gpu_row_counts *counts, cls_gpu_procedural *rows);
/* Copies everything to the GPU, into an arena that was made; again where weights have changed (cls_stores_redraw()).
 * Headers of runs are split as given: see cls_gpu_store. */
cls_status cls_gpu_rows_fill(const cls_layout *layout, cls_store *const *stores, uint32_t count_bits,
                             uint32_t delay_bits, cls_gpu_procedural *rows, cudaStream_t stream);

#endif
