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

/* ---- where synapses are ---- */

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
CLS_GPU_FN uint32_t cls_gpu_row_piece_of(cls_gpu_row_shared *shared, uint32_t cell) {
  const cls_gpu_row *row = &shared->row;
  const uint32_t first = row->from.piece;
  return first + cls_gpu_first_beyond(row->rows.cell + first, row->from.n_pieces, cell) - 1;
}
CLS_GPU_FN uint32_t cls_gpu_row_cell_of(cls_gpu_row_shared *shared, uint32_t synapse) {
  return cls_gpu_first_beyond(shared->row.end, shared->row.from.cells, synapse);
}

/* The synapses in one target cell. */
typedef struct {
  const cls_gpu_row_piece *piece;
  uint32_t cell; /* its number in the target population */
  uint32_t begin, count;
} cls_gpu_row_cell;
CLS_GPU_FN cls_gpu_row_cell cls_gpu_row_cell_at(cls_gpu_row_shared *shared, uint32_t cell) {
  const cls_gpu_row *row = &shared->row;
  const uint32_t p = cls_gpu_row_piece_of(shared, cell);
  cls_gpu_row_cell c;
  c.piece = &row->rows.piece[p];
  c.cell = c.piece->shape.cell_first + cell - row->rows.cell[p];
  c.begin = cell > 0 ? row->end[cell - 1] : 0;
  c.count = row->end[cell] - c.begin;
  return c;
}

/* ---- records: key (high) | weight | target, as in the words of a run (low) ---- */

CLS_GPU_FN uint64_t cls_gpu_row_record(uint32_t key, uint32_t weight, uint32_t target) {
  return (uint64_t)key << 32 | weight << 16 | (target & 0xffff);
}
CLS_GPU_FN uint32_t cls_gpu_row_key(uint64_t record) { return (uint32_t)(record >> 32); }

/* The key of a synapse, or one beyond all others where its target was not asked for. */
CLS_GPU_FN uint32_t cls_gpu_row_keep(cls_gpu_row_shared *shared, const cls_row_shape *shape, uint32_t key,
                                     uint32_t target) {
  const bool kept = shape->whole || (target >= shape->first && target < shape->last);
  return kept ? key : shared->row.keys.keys;
}

/* By a warp: adds 1 to (sign 1) or takes 1 from (sign -1) count[key] for all lanes that are `used`; gives what was there
 * before. Synapses beside each other often have one key, for which one lane acts. */
CLS_GPU_FN uint32_t cls_gpu_row_tally(uint32_t *count, uint32_t key, bool used, uint32_t sign) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP, all = __ballot_sync(CLS_GPU_WHOLE_WARP, used);
  if (all == 0) return 0;
  const uint32_t first = (uint32_t)__ffs((int)all) - 1;
  const uint32_t common = __shfl_sync(CLS_GPU_WHOLE_WARP, key, first);
  if (__any_sync(CLS_GPU_WHOLE_WARP, used && key != common)) return used ? atomicAdd(&count[key], sign) : 0;
  uint32_t before = 0;
  if (lane == first) before = atomicAdd(&count[key], sign * (uint32_t)__popc(all));
  before = __shfl_sync(CLS_GPU_WHOLE_WARP, before, first);
  return before + sign * (uint32_t)__popc(all & ((1u << lane) - 1));
}

#endif
