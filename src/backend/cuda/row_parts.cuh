/* What the steps of drawing a row (rows.cuh) share. */
#ifndef CALLOSUM_CUDA_ROW_PARTS_CUH
#define CALLOSUM_CUDA_ROW_PARTS_CUH

#include "backend/cuda/gpu.h"
#include "backend/cuda/rows.h"

#define CLS_GPU_WHOLE_WARP 0xffffffffu

/* ---- sums over a block ---- */

/* The sum of the values of this thread and those before it, and of all. `warp` is room for a value of every warp. */
CLS_GPU_FN uint32_t cls_gpu_sum_up_to(uint32_t *warp, uint32_t value, uint32_t *all) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP, mine = threadIdx.x / CLS_GPU_WARP;
  uint32_t before = 0;
#pragma unroll
  for (uint32_t d = 1; d < CLS_GPU_WARP; d *= 2) {
    const uint32_t other = __shfl_up_sync(CLS_GPU_WHOLE_WARP, value, d);
    if (lane >= d) value += other;
  }
  if (lane == CLS_GPU_WARP - 1) warp[mine] = value;
  __syncthreads();
  *all = 0;
  for (uint32_t w = 0; w < CLS_GPU_WARPS; w++) {
    if (w < mine) before += warp[w];
    *all += warp[w];
  }
  __syncthreads();
  return before + value;
}

/* The greatest of the values of this thread and those before it, and of all. */
CLS_GPU_FN uint32_t cls_gpu_greatest_up_to(uint32_t *warp, uint32_t value, uint32_t *all) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP, mine = threadIdx.x / CLS_GPU_WARP;
#pragma unroll
  for (uint32_t d = 1; d < CLS_GPU_WARP; d *= 2) {
    const uint32_t other = __shfl_up_sync(CLS_GPU_WHOLE_WARP, value, d);
    if (lane >= d && other > value) value = other;
  }
  if (lane == CLS_GPU_WARP - 1) warp[mine] = value;
  __syncthreads();
  *all = 0;
  for (uint32_t w = 0; w < CLS_GPU_WARPS; w++) {
    if (w < mine && warp[w] > value) value = warp[w];
    if (warp[w] > *all) *all = warp[w];
  }
  __syncthreads();
  return value;
}

/* ---- a row that is being drawn: the same for all threads ---- */

/* How its synapses are ordered: by a table of all keys, or by sorting. */
typedef struct {
  uint32_t keys;   /* delays x channels */
  uint32_t sorted; /* no table */
  uint32_t *count; /* [keys] synapses */
  uint32_t *begin; /* [keys] first word of the runs */
} cls_gpu_row_keys;

typedef struct {
  const cls_gpu_rows *rows;
  cls_gpu_row_shared *shared;
  const cls_gpu_row_scratch *scratch;
  const cls_gpu_row_source *from;
  uint32_t source; /* number in its population */
  uint32_t n;      /* synapses in all cells, of which the range may leave some out */
  uint32_t *end;   /* [cells] of the synapses of the cell and those before it */
  cls_gpu_row_keys keys;
} cls_gpu_row;

/* The first of n ascending numbers beyond x. */
CLS_GPU_FN uint32_t cls_gpu_first_beyond(const uint32_t *number, uint32_t n, uint32_t x) {
  uint32_t low = 0, high = n;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (number[middle] <= x)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The piece that a target cell belongs to, and the target cell of a synapse. */
CLS_GPU_FN uint32_t cls_gpu_row_piece_of(const cls_gpu_row *row, uint32_t cell) {
  const uint32_t first = row->from->piece;
  return first + cls_gpu_first_beyond(row->rows->cell + first, row->from->n_pieces, cell) - 1;
}
CLS_GPU_FN uint32_t cls_gpu_row_cell_of(const cls_gpu_row *row, uint32_t synapse) {
  return cls_gpu_first_beyond(row->end, row->from->cells, synapse);
}

/* The synapses in one target cell. */
typedef struct {
  const cls_gpu_row_piece *piece;
  uint32_t cell; /* its number in the target population */
  uint32_t begin, count;
} cls_gpu_row_cell;
CLS_GPU_FN cls_gpu_row_cell cls_gpu_row_cell_at(const cls_gpu_row *row, uint32_t cell) {
  const uint32_t p = cls_gpu_row_piece_of(row, cell);
  cls_gpu_row_cell c;
  c.piece = &row->rows->piece[p];
  c.cell = c.piece->shape.cell_first + cell - row->rows->cell[p];
  c.begin = cell > 0 ? row->end[cell - 1] : 0;
  c.count = row->end[cell] - c.begin;
  return c;
}

/* ---- records: key (high) | weight | target, as in the words of a run (low) ---- */

CLS_GPU_FN uint64_t cls_gpu_row_record(uint32_t key, uint32_t weight, uint32_t target) {
  return (uint64_t)key << 32 | weight << 16 | (target & 0xffff);
}
CLS_GPU_FN uint32_t cls_gpu_row_key(uint64_t record) { return (uint32_t)(record >> 32); }

/* Settles record j. Targets that were not asked for get a key beyond all others. */
CLS_GPU_FN void cls_gpu_row_put(const cls_gpu_row *row, uint32_t j, const cls_gpu_row_piece *piece,
                                uint32_t key, uint32_t weight, uint32_t target) {
  const cls_row_shape *shape = &piece->shape;
  if (!shape->whole && (target < shape->first || target >= shape->last))
    key = row->keys.keys;
  else if (!row->keys.sorted)
    atomicAdd(&row->keys.count[key], 1u);
  row->scratch->record[j] = cls_gpu_row_record(key, weight, target + piece->shift);
}

#endif
