/* Drawing the row of a source when it spikes: network/rows.h says which synapses it has, network/row.h gives them one by one.
 * A block draws a row together, in turns between which it waits:
 *
 *   count    a thread per target cell: how many synapses the row has there
 *   draw     a thread per synapse: its words, weight, delay and target, as a record
 *   settle   where pairs must not repeat: targets that were chosen before are replaced (row_distinct.cuh)
 *   lay      records by delay and channel into runs (row_runs.cuh)
 *
 * Nothing depends on the order of threads but the order of synapses within a run, which does not matter: they are added as
 * integers. */
#ifndef CALLOSUM_CUDA_ROWS_CUH
#define CALLOSUM_CUDA_ROWS_CUH

#include "backend/cuda/row_distinct.cuh"
#include "backend/cuda/row_runs.cuh"
#include "backend/cuda/row_source.cuh"

/* What cls_gpu_draw_row() returns where the scratch is too small: *scratch->needed tells. */
#define CLS_GPU_ROW_TOO_LONG UINT32_MAX

/* By all threads of a block: what it draws rows of and works in, from now on. */
CLS_GPU_FN void cls_gpu_rows_begin(cls_gpu_row_shared *shared, const cls_gpu_rows *rows,
                                   const cls_gpu_row_scratch *scratch) {
  if (threadIdx.x == 0) {
    shared->row.rows = *rows;
    shared->row.scratch = *scratch;
  }
  __syncthreads();
}

/* Sets shared->row.end; returns the synapses of the row in all cells. */
CLS_GPU_FN uint32_t cls_gpu_row_count(cls_gpu_row_shared *shared) {
  const cls_gpu_row *row = &shared->row;
  const uint32_t cells = row->from.cells;
  uint32_t before = 0;
  for (uint32_t first = 0; first < cells; first += CLS_GPU_THREADS) {
    const uint32_t cell = first + threadIdx.x;
    uint32_t count = 0, all;
    if (cell < cells) {
      const uint32_t p = cls_gpu_row_piece_of(shared, cell);
      count = cls_row_count(&row->rows.piece[p].shape, row->source, cell - row->rows.cell[p]);
    }
    const uint32_t end = before + cls_gpu_sum_up_to(shared->warp, count, &all);
    if (cell < cells) row->end[cell] = end;
    before += all;
  }
  __syncthreads();
  return before;
}

/* The record of synapse j; where pairs must not repeat without its target, which it chooses. */
CLS_GPU_FN uint64_t cls_gpu_row_make(cls_gpu_row_shared *shared, uint32_t j) {
  const cls_gpu_row *row = &shared->row;
  const uint32_t at = cls_gpu_row_cell_of(shared, j);
  const cls_gpu_row_cell c = cls_gpu_row_cell_at(shared, at);
  const cls_cell_grid *grid = &c.piece->shape.grid;
  const cls_row_values *values = &c.piece->values;
  const uint32_t k = j - c.begin;
  const cls_words w = cls_draw(values->stream, row->source, c.cell, k, CLS_LANE_SYNAPSE << 24);
  const uint32_t weight = cls_row_weight(values, w, row->source, c.cell, k);
  const uint32_t delay = cls_row_delay(values, w, row->source, c.cell, k);
  const uint32_t key = (delay - row->from.delay) * row->from.channels + c.piece->channel - row->from.channel;
  const uint32_t candidates = cls_row_candidates(grid->no_self, grid->targets, row->source, c.cell);
  const uint32_t t = cls_below(w.w[0], grid->multapses ? candidates : candidates - c.count + k + 1);
  if (row->from.distinct) row->scratch.chosen[j] = at << CLS_GPU_ROW_CHOICE_BITS | t;
  if (!grid->multapses) return cls_gpu_row_record(key, weight, 0);
  const uint32_t target = cls_row_neuron(grid->no_self, row->source, c.cell, t);
  return cls_gpu_row_record(cls_gpu_row_keep(shared, &c.piece->shape, key, target), weight,
                            target + c.piece->shift);
}

CLS_GPU_FN void cls_gpu_row_draw(cls_gpu_row_shared *shared) {
  const cls_gpu_row *row = &shared->row;
  const bool tally = !row->keys.sorted && !row->from.distinct; /* else not yet */
  for (uint32_t first = 0; first < row->n; first += CLS_GPU_THREADS) {
    const uint32_t j = first + threadIdx.x;
    uint32_t key = row->keys.keys;
    if (j < row->n) {
      const uint64_t record = cls_gpu_row_make(shared, j);
      row->scratch.record[j] = record;
      key = cls_gpu_row_key(record);
    }
    if (tally) cls_gpu_row_tally(row->keys.count, key, key != row->keys.keys, 1);
  }
  __syncthreads();
}

/* By all threads of a block. Draws the row of a neuron (its global number) and writes its runs, ascending by delay, then
 * channel, to out[0 ... capacity - 1]. Returns the number of words: where that is more than the capacity the row is not
 * usable, or CLS_GPU_ROW_TOO_LONG. The block has waited for the words to be written, and for its shared memory and scratch
 * to be free again.
 *
 * A function that is called, so that its registers are not those of the kernel. */
static __noinline__ __device__ uint32_t cls_gpu_draw_row(cls_gpu_row_shared *shared, uint64_t neuron,
                                                         uint32_t *out, uint32_t capacity) {
  cls_gpu_row *row = &shared->row;
  const cls_gpu_row_source *from = cls_gpu_row_source_of(&row->rows, neuron);
  if (!from) return 0;
  if (threadIdx.x == 0) {
    row->from = *from;
    row->source = (uint32_t)(neuron - from->first);
    row->end = from->cells <= CLS_GPU_ROW_NEAR ? shared->end : row->scratch.end;
  }
  __syncthreads();
  const uint32_t n = cls_gpu_row_count(shared);
  if (n == 0) return 0;
  if (n > row->scratch.records) {
    if (threadIdx.x == 0) atomicMax(row->scratch.needed, n);
    return CLS_GPU_ROW_TOO_LONG;
  }
  cls_gpu_row_begin_runs(shared, n);
  cls_gpu_row_draw(shared);
  if (row->from.distinct) cls_gpu_row_settle(shared);
  return cls_gpu_row_lay(shared, out, capacity);
}

#endif
