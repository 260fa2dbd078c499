/* Laying the records of a row into runs. Where there are few keys (delays x channels) beside synapses, a table counts the
 * synapses of each: sums over it are the places of the runs, and every record takes a place in its run. Where there are many
 * (row_sort.cuh), records are sorted. */
#ifndef CALLOSUM_CUDA_ROW_RUNS_CUH
#define CALLOSUM_CUDA_ROW_RUNS_CUH

#include "backend/cuda/row_sort.cuh"

/* Chooses the way and clears the table. Records are put after this (cls_gpu_row_put). */
CLS_GPU_FN void cls_gpu_row_begin_runs(cls_gpu_row_shared *shared, uint32_t n) {
  cls_gpu_row *row = &shared->row;
  cls_gpu_row_keys *k = &row->keys;
  if (threadIdx.x == 0) {
    row->n = n;
    k->keys = row->from.delays * row->from.channels;
    const bool near = k->keys <= CLS_GPU_ROW_NEAR;
    k->sorted = !near && (k->keys > 2ull * n || k->keys > row->scratch.keys);
    k->count = near ? shared->table : row->scratch.table;
    k->begin = k->count + (near ? (uint32_t)CLS_GPU_ROW_NEAR : row->scratch.keys);
  }
  __syncthreads();
  if (k->sorted) return;
  for (uint32_t key = threadIdx.x; key < k->keys; key += CLS_GPU_THREADS) k->count[key] = 0;
  __syncthreads();
}

/* Sets the table's beginnings and writes the headers, as far as there is room; returns the number of words. */
CLS_GPU_FN uint32_t cls_gpu_row_head(cls_gpu_row_shared *shared, uint32_t *out, uint32_t capacity) {
  enum { EACH = 4 }; /* keys of a thread at a time */
  const cls_gpu_row_keys *keys = &shared->row.keys;
  const uint32_t most = (1u << shared->row.rows.count_bits) - 1;
  uint32_t before = 0;
  for (uint32_t first = 0; first < keys->keys; first += EACH * CLS_GPU_THREADS) {
    const uint32_t mine = first + EACH * threadIdx.x,
                   end = mine + EACH < keys->keys ? mine + EACH : keys->keys;
    uint32_t words = 0, all;
    for (uint32_t key = mine; key < end; key++) {
      const uint32_t count = keys->count[key];
      words += count + (count + most - 1) / most;
    }
    uint32_t at = before + cls_gpu_sum_up_to(shared->warp, words, &all) - words;
    for (uint32_t key = mine; key < end; key++) {
      keys->begin[key] = at;
      for (uint32_t left = keys->count[key]; left > 0;) {
        const uint32_t m = left < most ? left : most;
        if (at < capacity) out[at] = cls_gpu_row_header(shared, key, m);
        at += 1 + m;
        left -= m;
      }
    }
    before += all;
  }
  __syncthreads();
  return before;
}

/* Writes the runs; see cls_gpu_draw_row(). */
CLS_GPU_FN uint32_t cls_gpu_row_lay(cls_gpu_row_shared *shared, uint32_t *out, uint32_t capacity) {
  if (shared->row.keys.sorted) return cls_gpu_row_lay_sorted(shared, out, capacity);
  const uint32_t words = cls_gpu_row_head(shared, out, capacity);
  const cls_gpu_row *row = &shared->row;
  const uint32_t most = (1u << row->rows.count_bits) - 1;
  for (uint32_t first = 0; first < row->n && words <= capacity; first += CLS_GPU_THREADS) {
    const uint32_t j = first + threadIdx.x;
    const uint64_t record = j < row->n ? row->scratch.record[j] : 0;
    const uint32_t key = cls_gpu_row_key(record);
    const bool used = j < row->n && key != row->keys.keys;
    const uint32_t place = cls_gpu_row_tally(row->keys.count, key, used, UINT32_MAX) - 1;
    if (used) out[row->keys.begin[key] + 1 + place + (place < most ? 0 : place / most)] = (uint32_t)record;
  }
  __syncthreads();
  return words;
}

#endif
