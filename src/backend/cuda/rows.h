/* Procedural projections in the memory of the GPU: what the rows of a rank are drawn from when their sources spike, those of
 * all parts joined. Nothing here grows with the synapses but the tables of counts (network/rows.h). rows.cuh draws. */
#ifndef CALLOSUM_CUDA_ROWS_H
#define CALLOSUM_CUDA_ROWS_H

#include "backend/cuda/device.h"
#include "network/row.h"

/* ---- for kernels ---- */

/* A projection onto a range: cls_procedural_piece. */
typedef struct {
  cls_row_shape shape; /* its table in device memory */
  cls_row_values values;
  uint32_t channel, shift;
} cls_gpu_row_piece;

/* The neurons of a source population, which all have the same pieces, and bounds of what their rows hold. */
typedef struct {
  uint64_t first, n;          /* global number of the first, how many */
  uint32_t piece, n_pieces;   /* consecutive ones */
  uint32_t cells;             /* target cells of all of them */
  uint32_t delay, delays;     /* the least, how many up to the greatest */
  uint32_t channel, channels; /* likewise */
  uint32_t distinct;          /* a piece has no pair with two synapses */
} cls_gpu_row_source;

typedef struct {
  const cls_gpu_row_source *source; /* ascending */
  const cls_gpu_row_piece *piece;
  const uint32_t *cell; /* [pieces] number of its first target cell among those of its source population */
  uint64_t n_sources;
  uint32_t count_bits, delay_bits; /* of a run's header: channel (high) | delay | count (low) */
} cls_gpu_rows;

/* What a block works in while it draws a row. `needed` is raised to the synapses of a row that has more than fit. */
typedef struct {
  uint32_t *end;            /* [cells] */
  uint32_t *table;          /* [2][keys] */
  uint64_t *record, *other; /* [records] */
  uint32_t *chosen;         /* [records] */
  uint32_t *needed;
  uint32_t records, keys;
} cls_gpu_row_scratch;

/* ---- a row that is being drawn: the same for all threads of a block, and too much for the registers of each ---- */

/* How its synapses are ordered: by a table of all keys, or by sorting. */
typedef struct {
  uint32_t keys;   /* delays x channels */
  uint32_t sorted; /* no table */
  uint32_t *count; /* [keys] synapses */
  uint32_t *begin; /* [keys] first word of the runs */
} cls_gpu_row_keys;

typedef struct {
  cls_gpu_rows rows;
  cls_gpu_row_scratch scratch;
  cls_gpu_row_source from;
  cls_gpu_row_keys keys;
  uint32_t source; /* number in its population */
  uint32_t n;      /* synapses in all cells, of which the range may leave some out */
  uint32_t *end;   /* [cells] of the synapses of the cell and those before it */
} cls_gpu_row;

/* Up to so many target cells, and delays x channels, are handled in shared memory. */
enum { CLS_GPU_ROW_NEAR = 1024 };
typedef struct {
  cls_gpu_row row;
  uint32_t warp[CLS_GPU_WARPS];
  uint32_t end[CLS_GPU_ROW_NEAR];
  uint32_t table[2 * CLS_GPU_ROW_NEAR];
  uint32_t taken[CLS_GPU_WARPS][CLS_CELL / 32];
} cls_gpu_row_shared;

/* ---- sizes of scratch ---- */

/* Of the rows of a rank. */
typedef struct {
  uint32_t cells, keys; /* most of a source: target cells; delays x channels */
  uint32_t distinct;    /* some pairs must not repeat */
  uint32_t
      longest; /* synapses of a row: exact for fixed_outdegree, else passed with a probability below 1e-20 */
} cls_gpu_row_extent;

/* Where the arrays of a block's scratch lie in its piece of memory, in bytes, and how large that is: for rows of at most
 * `records` synapses. */
typedef struct {
  size_t record, other, end, table, chosen, bytes;
  uint64_t keys;
} cls_gpu_row_layout;

CLS_FN cls_gpu_row_layout cls_gpu_row_layout_of(const cls_gpu_row_extent *extent, uint32_t records) {
  cls_gpu_row_layout at;
  const bool far = extent->keys > CLS_GPU_ROW_NEAR;
  const uint64_t most = 2ull * records; /* a row with more keys than twice its synapses is sorted */
  at.keys = !far ? 0 : extent->keys < most ? extent->keys : (uint32_t)most;
  at.record = 0;
  at.other = at.record + sizeof(uint64_t) * (size_t)records;
  at.end = at.other + (far ? sizeof(uint64_t) * (size_t)records : 0);
  at.table = at.end + (extent->cells > CLS_GPU_ROW_NEAR ? sizeof(uint32_t) * (size_t)extent->cells : 0);
  at.chosen = at.table + 2 * sizeof(uint32_t) * (size_t)at.keys;
  at.bytes = at.chosen + (extent->distinct ? sizeof(uint32_t) * (size_t)records : 0);
  at.bytes = (at.bytes + 15) / 16 * 16;
  return at;
}

/* The scratch of a block in its piece of memory, which begins at a multiple of 16. */
CLS_FN cls_gpu_row_scratch cls_gpu_row_scratch_of(const cls_gpu_row_layout *at, uint32_t records,
                                                  char *memory, uint32_t *needed) {
  cls_gpu_row_scratch s;
  s.end = (uint32_t *)(memory + at->end);
  s.table = (uint32_t *)(memory + at->table);
  s.record = (uint64_t *)(memory + at->record);
  s.other = (uint64_t *)(memory + at->other);
  s.chosen = (uint32_t *)(memory + at->chosen);
  s.needed = needed;
  s.records = records;
  s.keys = (uint32_t)at->keys;
  return s;
}

#endif
