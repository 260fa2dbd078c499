/* Drawing the rows of spikes that have set out. A block draws a row at a time (rows.cuh) and lays it where it is delivered
 * from. Where there is no room for it the launch ends, and the next one begins with what is left. */
#ifndef CALLOSUM_CUDA_DRAWN_CUH
#define CALLOSUM_CUDA_DRAWN_CUH

#include "backend/cuda/deliver.cuh"
#include "backend/cuda/device_drawn.h"
#include "backend/cuda/rows.cuh"

typedef struct {
  cls_gpu_row_shared row;
  uint64_t begin; /* where the row is laid */
  uint32_t fits;
} cls_gpu_drawn_shared;

/* The first word that may still be due in `step` or later: see cls_gpu_head(). */
CLS_GPU_FN uint64_t cls_gpu_drawn_head(const cls_gpu_drawn_member *d, int64_t step, uint32_t max_delay) {
  const int64_t over = step - 1 - (int64_t)max_delay;
  return over < 0 ? 0 : d->mark[(uint64_t)over & d->flight.mark_mask];
}

/* A spike of a neuron of this rank asks for its row. */
CLS_GPU_FN void cls_gpu_drawn_ask(const cls_gpu_drawing *drawing, const cls_gpu_drawn_member *d,
                                  uint32_t neuron, int64_t step) {
  const uint32_t slot = drawing->slot_of_local[neuron];
  if (slot == CLS_GPU_NONE) return;
  const uint64_t k = atomicAdd((unsigned long long *)d->n_asked, 1ull);
  d->asked[k] = cls_gpu_arrival{slot, (uint32_t)(uint64_t)step};
}

/* By one thread: takes room for a row of n words, in one piece. False: there is none. */
CLS_GPU_FN bool cls_gpu_drawn_take(const cls_gpu_drawn_member *d, uint32_t n, uint64_t head,
                                   uint64_t *begin) {
  do *begin = atomicAdd((unsigned long long *)d->tail, (unsigned long long)n);
  while ((*begin & d->mask) + n > d->mask + 1 && *begin + n - head <= d->mask + 1);
  return *begin + n - head <= d->mask + 1;
}

/* By one thread: enters the row that was laid; runs that are due before `step` are passed over, which only spikes that are
 * taken up anew have. */
CLS_GPU_FN void cls_gpu_drawn_depart(const cls_gpu_rank *rank, const cls_gpu_drawn_member *d, uint64_t begin,
                                     uint32_t words, uint32_t fired, int64_t step) {
  const uint32_t *word = d->word + (begin & d->mask), age = (uint32_t)(uint64_t)step - fired;
  uint32_t at = 0, delay = 0;
  while (at < words) {
    delay = cls_gpu_run_delay(&rank->store, word[at]);
    if (delay >= age) break;
    at += 1 + cls_gpu_run_count(&rank->store, word[at]);
  }
  if (at >= words) return;
  const uint64_t entry = atomicAdd((unsigned long long *)d->flight.tail, 1ull);
  cls_gpu_enter(&d->flight, entry, cls_gpu_place{begin + at, words - at, word[at]}, fired, fired + delay);
}

/* By all threads of a block: row k of those that a member's spikes ask for. `step` is computed next. Returns why it could not
 * be laid: cls_gpu_full, the same in all threads. */
CLS_GPU_FN uint32_t cls_gpu_drawn_row(const cls_gpu_rank *rank, const cls_gpu_drawing *drawing,
                                      const cls_gpu_drawn_member *d, cls_gpu_drawn_shared *shared, uint64_t k,
                                      int64_t step) {
  const cls_gpu_arrival asked = d->asked[k];
  if (asked.slot == CLS_GPU_NONE) return 0;
  const uint32_t capacity = (uint32_t)(2 * drawing->records);
  uint32_t *out = drawing->out + (uint64_t)blockIdx.x * capacity;
  const uint32_t words = cls_gpu_draw_row(&shared->row, drawing->neuron[asked.slot], out, capacity);
  if (words > capacity) return CLS_GPU_DRAWN_FULL;
  if (threadIdx.x == 0)
    shared->fits =
        cls_gpu_drawn_take(d, words, cls_gpu_drawn_head(d, step, rank->store.max_delay), &shared->begin);
  __syncthreads();
  const uint64_t begin = shared->begin;
  const bool fits = shared->fits;
  for (uint32_t i = threadIdx.x; fits && i < words; i += CLS_GPU_THREADS)
    d->word[(begin & d->mask) + i] = out[i];
  __syncthreads();
  if (threadIdx.x == 0 && fits) {
    cls_gpu_drawn_depart(rank, d, begin, words, asked.fired, step);
    d->asked[k].slot = CLS_GPU_NONE;
  }
  return fits ? 0 : CLS_GPU_DRAWN_FULL;
}

/* By all threads of a block, before it draws. */
CLS_GPU_FN void cls_gpu_drawn_begin(const cls_gpu_drawing *drawing, cls_gpu_drawn_shared *shared) {
  const cls_gpu_row_scratch scratch =
      cls_gpu_row_scratch_of(&drawing->layout, (uint32_t)drawing->records,
                             drawing->scratch + blockIdx.x * drawing->layout.bytes, drawing->needed);
  cls_gpu_rows_begin(&shared->row, &drawing->rows, &scratch);
}

/* By all blocks of the grid: all rows that are asked for before `step` is computed. */
CLS_GPU_FN void cls_gpu_drawn_draw(const cls_gpu_rank *rank, const cls_gpu_drawing *drawing,
                                   const cls_gpu_member *members, cls_gpu_drawn_shared *shared,
                                   int64_t step) {
  uint32_t full = 0;
  for (uint32_t m = 0; m < rank->members; m++) {
    const cls_gpu_drawn_member *d = members[m].drawn;
    const uint64_t n = *d->n_asked;
    for (uint64_t k = blockIdx.x; k < n; k += gridDim.x)
      full |= cls_gpu_drawn_row(rank, drawing, d, shared, k, step);
    if (threadIdx.x != 0) continue;
    /* The last to enter a row sees them all. */
    const uint64_t tail = atomicAdd((unsigned long long *)d->flight.tail, 0ull);
    if (tail - cls_gpu_head(&d->flight, step, rank->store.max_delay) > drawing->flight_limit)
      full |= CLS_GPU_DRAWN_FULL;
  }
  if (full && threadIdx.x == 0) atomicOr(rank->full, full);
}

/* By the first block: notes where rows of the last step end; none is asked for any more. */
CLS_GPU_FN void cls_gpu_drawn_note_ends(const cls_gpu_member *members, uint32_t n, int64_t step) {
  if (blockIdx.x != 0) return;
  for (uint32_t m = threadIdx.x; m < n; m += CLS_GPU_THREADS) {
    const cls_gpu_drawn_member *d = members[m].drawn;
    *d->n_asked = 0;
    if (step == 0) continue;
    d->flight.mark[(uint64_t)(step - 1) & d->flight.mark_mask] = *d->flight.tail;
    d->mark[(uint64_t)(step - 1) & d->flight.mark_mask] = *d->tail;
  }
}

/* By the first block, when all is done. */
CLS_GPU_FN void cls_gpu_drawn_tell(const cls_gpu_rank *rank, const cls_gpu_member *members, int64_t step) {
  for (uint32_t m = threadIdx.x; m < rank->members; m += CLS_GPU_THREADS) {
    const cls_gpu_drawn_member *d = members[m].drawn;
    const uint32_t max_delay = rank->store.max_delay;
    uint64_t left = 0;
    for (uint64_t k = 0; k < *d->n_asked; k++) left += d->asked[k].slot != CLS_GPU_NONE;
    if (left == 0) *d->n_asked = 0;
    *d->status = cls_gpu_drawn_status{*d->flight.tail - cls_gpu_head(&d->flight, step, max_delay),
                                      *d->tail - cls_gpu_drawn_head(d, step, max_delay), left};
  }
}

#endif
