/* The synapse store of a part: rows by source, runs of equal delay within a row, 4 bytes per synapse.
 *
 * Row of a source: its runs, ascending by delay. A run is one header word and `count` synapse words:
 *   header    channel (8 bits) | delay in steps (14) | count (10)
 *   synapse   weight (16 bits, high) | target (16 bits, low): local index within the shard
 * The channel is (shard within the part) x CLS_MAX_PORTS + port. A 16-bit weight is one signed integer, or
 * two unsigned 8-bit ones where the port has two receptors.
 *
 * Projections may be procedural instead: their part of a row takes no memory and is drawn, in the same form, when it is
 * asked for.
 *
 * Rows of long runs are read run by run, each at the step it is due (direct delivery); the others are read once, when
 * their spike arrives (calendar). */
#ifndef CALLOSUM_STORE_H
#define CALLOSUM_STORE_H

#include <assert.h>

#include "engine/layout.h"
#include "engine/sources.h"

enum {
  CLS_RUN_COUNT_BITS = 10,
  CLS_RUN_DELAY_BITS = 14, /* CLS_MAX_DELAY */
  CLS_RUN_MAX = (1 << CLS_RUN_COUNT_BITS) - 1,
  CLS_RUN_MAX_DELAY = (1 << CLS_RUN_DELAY_BITS) - 1,
  CLS_MAX_CHANNELS = 256
};

static_assert((int)CLS_RUN_MAX_DELAY == (int)CLS_MAX_DELAY, "headers hold every delay a network may have");

static inline uint32_t cls_run_count(uint32_t header) { return header & CLS_RUN_MAX; }
static inline uint32_t cls_run_delay(uint32_t header) {
  return header >> CLS_RUN_COUNT_BITS & CLS_RUN_MAX_DELAY;
}
static inline uint32_t cls_run_channel(uint32_t header) {
  return header >> (CLS_RUN_COUNT_BITS + CLS_RUN_DELAY_BITS);
}

/* Words that may be read behind the last one of `word`: short runs are copied without asking how long they are. */
enum { CLS_STORE_SLACK = 8 };

struct cls_procedural_;
struct cls_plastic_store_;

typedef struct cls_store_ {
  uint32_t n_slots;    /* rows: one per source of the rank */
  uint64_t *row;       /* n_slots + 1: first word of each row */
  uint32_t *word;      /* and CLS_STORE_SLACK more */
  uint64_t n_synapses; /* stored */
  uint32_t
      max_delay; /* greatest delay that occurs, or may occur in a procedural row; 0 where there is none */
  uint32_t longest_run; /* synapses of the longest stored one */
  uint8_t *direct;      /* per slot: whether its runs are long enough to be found again when they are due */
  uint32_t n_direct;    /* rows of which that is so */
  struct cls_procedural_ *procedural; /* NULL: all synapses are stored */
  struct cls_plastic_store_
      *plastic; /* NULL: all synapses are static; rows of plastic ones have the same slots */
} cls_store;

/* Local, parts in parallel. Draws the synapses onto every part of `layout`. `stores` takes one pointer per
 * part; *sources the neurons they come from (those with at least one stored synapse here, and those that may have a
 * procedural one), and min_delay[slot] the least delay of each, or a bound where rows are procedural. */
cls_status cls_stores_create(const cls_network *network, const cls_layout *layout, cls_store ***stores,
                             cls_sources **sources, uint32_t **min_delay);
/* Local. Draws the weights of every store again (those of static synapses) as they are at step `step` (network/intervention.h); sources and
 * rows stay where they are. One part at a time: no second copy of all synapses is ever held. */
cls_status cls_stores_redraw(const cls_network *network, const cls_layout *layout, int64_t step,
                             const cls_sources *sources, cls_store **stores);
/* Draws the procedural part of a row: words *word ... *end - 1, borrowed until the next call on this store. Only where
 * store->procedural is set. */
cls_status cls_store_draw_row(const cls_store *store, uint32_t slot, const uint32_t **word,
                              const uint32_t **end);
void cls_store_destroy(cls_store *store);
/* Synapses, stored, plastic and procedural. Of procedural ones only the sum over all stores of a network means something. */
uint64_t cls_store_synapses(const cls_store *store);
/* Bytes of rows, headers, offsets, plastic synapses without their weights, and the tables of procedural projections. */
size_t cls_store_bytes(const cls_store *store);

#endif
