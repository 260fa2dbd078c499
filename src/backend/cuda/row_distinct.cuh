/* Floyd's sample (network/rows.h), all synapses of a row at once. Step k of m chooses a candidate t of the first
 * candidates - m + k + 1; where t was taken before it takes the last of these instead, which cannot have been. What was taken
 * before step k is every earlier choice and the last candidates of those steps whose choice had been taken. So
 *
 *   taken(k) = an earlier step has chosen t, or t is the last candidate of an earlier step k' and taken(k'),
 *
 * and every synapse can find out for itself. It compares its choice with all earlier ones of its cell, so a cell with many
 * synapses is left to a warp with a bitmap of the cell's neurons. */
#ifndef CALLOSUM_CUDA_ROW_DISTINCT_CUH
#define CALLOSUM_CUDA_ROW_DISTINCT_CUH

#include "backend/cuda/row_parts.cuh"

enum {
  CLS_GPU_ROW_MANY = 32,       /* synapses of a cell from which on it is left to a warp */
  CLS_GPU_ROW_CHOICE_BITS = 10 /* of scratch->chosen: number of the target cell (high) | candidate (low) */
};
static_assert(1 << CLS_GPU_ROW_CHOICE_BITS == CLS_CELL, "a candidate is a neuron of a cell");

CLS_GPU_FN uint32_t cls_gpu_row_choice(uint32_t chosen) { return chosen % CLS_CELL; }

/* The candidate that step k takes; choice[0 ... k] are those of its cell. `first_last`: the last candidate of step 0. */
CLS_GPU_FN uint32_t cls_gpu_row_take(const uint32_t *choice, uint32_t k, uint32_t first_last) {
  const uint32_t last = first_last + k, mine = cls_gpu_row_choice(choice[k]);
  for (uint32_t t = mine;;) {
    for (uint32_t q = 0; q < k; q++)
      if (cls_gpu_row_choice(choice[q]) == t) return last;
    if (t < first_last || t - first_last >= k) return mine;
    k = t - first_last; /* the step whose last candidate was chosen */
    t = cls_gpu_row_choice(choice[k]);
  }
}

/* By a warp: replaces the choices of a cell by the candidates that are taken, 32 steps at a time. */
CLS_GPU_FN void cls_gpu_row_take_many(uint32_t *choice, uint32_t m, uint32_t first_last, uint32_t *taken) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP;
  for (uint32_t w = lane; w < CLS_CELL / 32; w += CLS_GPU_WARP) taken[w] = 0;
  __syncwarp();
  for (uint32_t first = 0; first < m; first += CLS_GPU_WARP) {
    const uint32_t k = first + lane, old = k < m ? choice[k] : 0;
    const uint32_t t = cls_gpu_row_choice(old), last = first_last + k;
    bool again = k < m && (taken[t / 32] >> t % 32 & 1);
    for (uint32_t q = 0; q < CLS_GPU_WARP - 1; q++) {
      const uint32_t other = __shfl_sync(CLS_GPU_WHOLE_WARP, t, q);
      if (q < lane && k < m && other == t) again = true;
    }
    const uint32_t step =
        t - (first_last + first); /* whose last candidate it is, if that is below this one's */
    const bool linked = k < m && step < lane;
    for (bool more = true; more;) {
      const uint32_t all = __ballot_sync(CLS_GPU_WHOLE_WARP, again);
      const bool now = linked && !again && (all >> (step & 31) & 1);
      if (now) again = true;
      more = __any_sync(CLS_GPU_WHOLE_WARP, now);
    }
    __syncwarp(); /* all have looked at what was taken */
    if (k < m) {
      const uint32_t mine = again ? last : t;
      atomicOr(&taken[mine / 32], 1u << mine % 32);
      choice[k] = old - t + mine;
    }
    __syncwarp();
  }
}

/* The record of synapse j with its target. */
CLS_GPU_FN uint64_t cls_gpu_row_settled(cls_gpu_row_shared *shared, uint32_t j) {
  const cls_gpu_row *row = &shared->row;
  const uint32_t *chosen = row->scratch.chosen;
  const uint64_t record = row->scratch.record[j];
  const cls_gpu_row_cell c = cls_gpu_row_cell_at(shared, chosen[j] >> CLS_GPU_ROW_CHOICE_BITS);
  const cls_cell_grid *grid = &c.piece->shape.grid;
  if (grid->multapses) return record;
  const uint32_t candidates = cls_row_candidates(grid->no_self, grid->targets, row->source, c.cell);
  const uint32_t t = c.count >= CLS_GPU_ROW_MANY
                         ? cls_gpu_row_choice(chosen[j])
                         : cls_gpu_row_take(chosen + c.begin, j - c.begin, candidates - c.count);
  const uint32_t target = cls_row_neuron(grid->no_self, row->source, c.cell, t);
  return cls_gpu_row_record(cls_gpu_row_keep(shared, &c.piece->shape, cls_gpu_row_key(record), target),
                            (uint32_t)record >> 16, target + c.piece->shift);
}

/* By all warps: cells with many synapses. */
CLS_GPU_FN void cls_gpu_row_settle_many(cls_gpu_row_shared *shared) {
  const cls_gpu_row *row = &shared->row;
  const uint32_t warp = threadIdx.x / CLS_GPU_WARP, lane = threadIdx.x % CLS_GPU_WARP;
  for (uint32_t first = warp * CLS_GPU_WARP; first < row->from.cells; first += CLS_GPU_THREADS) {
    const uint32_t mine = first + lane;
    bool many = false;
    if (mine < row->from.cells) {
      const uint32_t count = row->end[mine] - (mine > 0 ? row->end[mine - 1] : 0);
      many = count >= CLS_GPU_ROW_MANY && !cls_gpu_row_cell_at(shared, mine).piece->shape.grid.multapses;
    }
    uint32_t left = __ballot_sync(CLS_GPU_WHOLE_WARP, many);
    for (; left != 0; left &= left - 1) {
      const cls_gpu_row_cell c = cls_gpu_row_cell_at(shared, first + (uint32_t)__ffs((int)left) - 1);
      const cls_cell_grid *grid = &c.piece->shape.grid;
      const uint32_t candidates = cls_row_candidates(grid->no_self, grid->targets, row->source, c.cell);
      cls_gpu_row_take_many(row->scratch.chosen + c.begin, c.count, candidates - c.count,
                            shared->taken[warp]);
    }
  }
  __syncthreads();
}

/* Gives all synapses whose pairs must not repeat their targets. */
CLS_GPU_FN void cls_gpu_row_settle(cls_gpu_row_shared *shared) {
  const cls_gpu_row *row = &shared->row;
  cls_gpu_row_settle_many(shared);
  for (uint32_t first = 0; first < row->n; first += CLS_GPU_THREADS) {
    const uint32_t j = first + threadIdx.x;
    uint32_t key = row->keys.keys;
    if (j < row->n) {
      const uint64_t record = cls_gpu_row_settled(shared, j);
      row->scratch.record[j] = record;
      key = cls_gpu_row_key(record);
    }
    if (!row->keys.sorted) cls_gpu_row_tally(row->keys.count, key, key != row->keys.keys, 1);
  }
  __syncthreads();
}

#endif
