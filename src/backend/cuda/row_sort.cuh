/* Runs of a row by sorting its records, where delays x channels are many beside its synapses. A digit of eight bits at a
 * time, the least first; each warp has a part of the records and keeps their order. */
#ifndef CALLOSUM_CUDA_ROW_SORT_CUH
#define CALLOSUM_CUDA_ROW_SORT_CUH

#include "backend/cuda/row_parts.cuh"

enum { CLS_GPU_ROW_DIGITS = 256, CLS_GPU_ROW_DIGIT_BITS = 8 };
static_assert((int)CLS_GPU_ROW_DIGITS * CLS_GPU_WARPS <= 2 * CLS_GPU_ROW_NEAR,
              "counters lie in the shared table");

CLS_GPU_FN uint32_t cls_gpu_row_header(cls_gpu_row_shared *shared, uint32_t key, uint32_t count) {
  const cls_gpu_row *row = &shared->row;
  const uint32_t channel = row->from.channel + key % row->from.channels;
  const uint32_t delay = row->from.delay + key / row->from.channels;
  return channel << (row->rows.count_bits + row->rows.delay_bits) | delay << row->rows.count_bits | count;
}

/* The records of this warp: j = begin ... end - 1. */
typedef struct {
  uint32_t begin, end;
} cls_gpu_row_part;
CLS_GPU_FN cls_gpu_row_part cls_gpu_row_part_of(uint32_t n) {
  const uint32_t warp = threadIdx.x / CLS_GPU_WARP;
  const uint32_t each = (n + CLS_GPU_THREADS - 1) / CLS_GPU_THREADS * CLS_GPU_WARP;
  cls_gpu_row_part part = {warp * each, (warp + 1) * each};
  if (part.begin > n) part.begin = n;
  if (part.end > n) part.end = n;
  return part;
}

CLS_GPU_FN uint32_t cls_gpu_row_digit(uint64_t record, uint32_t shift) {
  return cls_gpu_row_key(record) >> shift & (CLS_GPU_ROW_DIGITS - 1);
}

/* place[digit][warp]: records of a warp with a digit; turned into where they go. */
CLS_GPU_FN void cls_gpu_row_places(cls_gpu_row_shared *shared, const uint64_t *from, uint32_t shift,
                                   uint32_t *place) {
  enum { EACH = CLS_GPU_ROW_DIGITS * CLS_GPU_WARPS / CLS_GPU_THREADS };
  const uint32_t warp = threadIdx.x / CLS_GPU_WARP, lane = threadIdx.x % CLS_GPU_WARP;
  const cls_gpu_row_part part = cls_gpu_row_part_of(shared->row.n);
  uint32_t *mine = place + EACH * threadIdx.x, sum = 0, all;
  for (uint32_t i = 0; i < EACH; i++) mine[i] = 0;
  __syncthreads();
  for (uint32_t j = part.begin + lane; j < part.end; j += CLS_GPU_WARP)
    atomicAdd(&place[cls_gpu_row_digit(from[j], shift) * CLS_GPU_WARPS + warp], 1u);
  __syncthreads();
  for (uint32_t i = 0; i < EACH; i++) sum += mine[i];
  uint32_t at = cls_gpu_sum_up_to(shared->warp, sum, &all) - sum;
  for (uint32_t i = 0; i < EACH; i++) {
    const uint32_t count = mine[i];
    mine[i] = at;
    at += count;
  }
  __syncthreads();
}

/* Sorts by one digit; records with the same one stay in their order. */
CLS_GPU_FN void cls_gpu_row_sort_digit(cls_gpu_row_shared *shared, const uint64_t *from, uint64_t *to,
                                       uint32_t shift) {
  const uint32_t warp = threadIdx.x / CLS_GPU_WARP, lane = threadIdx.x % CLS_GPU_WARP;
  const cls_gpu_row_part part = cls_gpu_row_part_of(shared->row.n);
  uint32_t *place = shared->table;
  cls_gpu_row_places(shared, from, shift, place);
  for (uint32_t first = part.begin; first < part.end; first += CLS_GPU_WARP) {
    const bool used = first + lane < part.end;
    const uint64_t record = used ? from[first + lane] : 0;
    const uint32_t digit = cls_gpu_row_digit(record, shift);
    uint32_t alike = __ballot_sync(CLS_GPU_WHOLE_WARP, used); /* lanes with this digit */
#pragma unroll
    for (uint32_t b = 0; b < CLS_GPU_ROW_DIGIT_BITS; b++) {
      const bool set = digit >> b & 1;
      const uint32_t those = __ballot_sync(CLS_GPU_WHOLE_WARP, set);
      alike &= set ? those : ~those;
    }
    uint32_t *next = &place[digit * CLS_GPU_WARPS + warp];
    const uint32_t before = (uint32_t)__popc(alike & ((1u << lane) - 1));
    if (used) to[*next + before] = record;
    __syncwarp();
    if (used && before == 0) *next += (uint32_t)__popc(alike);
    __syncwarp();
  }
  __syncthreads();
}

/* Runs of sorted records: one is written by the thread of its last synapse. Synapse p of a key lies behind p / most + 1
 * headers of that key. */
CLS_GPU_FN uint32_t cls_gpu_row_write_sorted(cls_gpu_row_shared *shared, const uint64_t *record,
                                             uint32_t *out, uint32_t capacity) {
  const cls_gpu_row *row = &shared->row;
  const uint32_t most = (1u << row->rows.count_bits) - 1, none = row->keys.keys;
  uint32_t headers = 0, begun = 0, words = 0; /* of all before; 1 + first record of the key; of the row */
  for (uint32_t first = 0; first < row->n; first += CLS_GPU_THREADS) {
    const uint32_t j = first + threadIdx.x;
    uint32_t key = none, next = none, all;
    if (j < row->n) {
      key = cls_gpu_row_key(record[j]);
      if (j + 1 < row->n) next = cls_gpu_row_key(record[j + 1]);
    }
    const bool used = key != none, begins = used && (j == 0 || cls_gpu_row_key(record[j - 1]) != key);
    uint32_t since = cls_gpu_greatest_up_to(shared->warp, begins ? j + 1 : 0, &all);
    if (begun > since) since = begun;
    if (all > begun) begun = all;
    const uint32_t place = j + 1 - since; /* within the key */
    const bool heads = used && place % most == 0;
    const uint32_t at = j + headers + cls_gpu_sum_up_to(shared->warp, heads, &all);
    headers += all;
    if (used && at < capacity) out[at] = (uint32_t)record[j];
    const uint32_t count = place % most + 1;
    if (used && (next != key || count == most) && at < capacity)
      out[at - count] = cls_gpu_row_header(shared, key, count);
    words += (uint32_t)__syncthreads_count(used) + all; /* which waits for what was written */
  }
  return words;
}

/* Sorts the records and writes the runs; see cls_gpu_draw_row(). */
CLS_GPU_FN uint32_t cls_gpu_row_lay_sorted(cls_gpu_row_shared *shared, uint32_t *out, uint32_t capacity) {
  const cls_gpu_row *row = &shared->row;
  uint64_t *from = row->scratch.record, *to = row->scratch.other;
  for (uint32_t shift = 0; shift < 32 && row->keys.keys >> shift > 0; shift += CLS_GPU_ROW_DIGIT_BITS) {
    cls_gpu_row_sort_digit(shared, from, to, shift);
    uint64_t *swap = from;
    from = to;
    to = swap;
  }
  return cls_gpu_row_write_sorted(shared, from, out, capacity);
}

#endif
