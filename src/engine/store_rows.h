/* Private to the stores: two ways to lay synapses down in rows, which give the same rows but for the order within a
 * run, and how the finished rows are indexed. */
#ifndef CALLOSUM_STORE_ROWS_H
#define CALLOSUM_STORE_ROWS_H

#include "engine/store.h"
#include "network/rows.h"

/* ---- by sorting: any network; 8 bytes per synapse while it lasts ---- */

/* A record sorts by delay, then channel: delay (16 bits) | channel (16) | weight (16) | target (16). */
static inline uint64_t cls_row_record(uint32_t delay, uint32_t channel, uint32_t weight, uint32_t target) {
  return (uint64_t)delay << 48 | (uint64_t)channel << 32 | weight << 16 | (target & 0xffff);
}
/* Sorts the n records of a row by their upper 32 bits; `scratch` has room for as many. */
void cls_row_sort(uint64_t *row, uint64_t *scratch, size_t n);
/* Sorts the rows record[first[s] ... first[s + 1] - 1] and packs them in place: on return store->row and ->word (which
 * was `record`) are set, and min_delay[s] where it was greater. */
cls_status cls_rows_sort(cls_store *store, const uint64_t *first, uint64_t *record, uint32_t *min_delay);

/* ---- one row at a time ---- */

typedef struct {
  uint32_t channels;
  uint32_t *cell;    /* [delay][channel], all 0 between rows */
  uint64_t *scratch; /* `capacity` records */
  size_t capacity;
  uint32_t greatest; /* delay of the last row written */
} cls_row_writer;

/* Records of synapses from ... to - 1 of a batch; `shift` is added to their targets. */
void cls_row_records(const cls_row_batch *batch, int from, int to, uint32_t channel, uint32_t shift,
                     uint64_t *record);
/* For rows with delays up to max_delay and channels below `channels`. */
cls_status cls_row_writer_create(cls_row_writer *writer, uint32_t max_delay, uint32_t channels);
void cls_row_writer_free(cls_row_writer *writer);
/* Sorts the n > 0 records of a row (which are lost) and writes it as runs to `out`, with room for 2 n words; *words is
 * how many it took. */
cls_status cls_row_write(cls_row_writer *writer, uint64_t *record, size_t n, uint32_t *out, size_t *words);

/* ---- by counting: where a table of sources x delays x channels is small beside the synapses ---- */

/* Numbers of synapses, then places to write to: [slot][delay][channel]. */
typedef struct {
  uint32_t delays, channels; /* delays 0 ... delays - 1 */
  uint32_t *cell;
} cls_row_table;

static inline size_t cls_row_stride(const cls_row_table *t) { return (size_t)t->delays * t->channels; }
static inline uint32_t *cls_row_cell(const cls_row_table *t, uint32_t slot, uint32_t delay,
                                     uint32_t channel) {
  return &t->cell[((size_t)slot * t->delays + delay) * t->channels + channel];
}
/* From numbers to rows: allocates the words, writes the headers, and turns every cell into the place of its first
 * synapse, counted from its row's beginning. No cell may hold more than CLS_RUN_MAX. */
cls_status cls_rows_begin(cls_store *store, cls_row_table *table, uint32_t *min_delay);
/* Writes a synapse to its place. */
static inline void cls_rows_put(cls_store *store, const cls_row_table *t, uint32_t slot, const cls_synapse *s,
                                uint32_t channel, uint32_t target) {
  uint32_t *cell = cls_row_cell(t, slot, s->delay, channel);
  store->word[store->row[slot] + (*cell)++] = (uint32_t)s->weight << 16 | (uint16_t)target;
}

/* ---- together ---- */

static inline uint32_t cls_run_header(uint32_t channel, uint32_t delay, uint32_t count) {
  return channel << (CLS_RUN_COUNT_BITS + CLS_RUN_DELAY_BITS) | delay << CLS_RUN_COUNT_BITS | count;
}
/* Fills store->direct. */
cls_status cls_store_choose_direct(cls_store *store);
/* Frees all arrays of a store but neither the store nor its procedural and plastic projections. */
void cls_store_empty(cls_store *store);

#endif
