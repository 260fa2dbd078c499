/* The procedural projections of a part. For the stores, and for backends that draw rows themselves. */
#ifndef CALLOSUM_STORE_PROCEDURAL_H
#define CALLOSUM_STORE_PROCEDURAL_H

#include "engine/store_parts.h"

typedef struct cls_procedural_ cls_procedural;

/* Local. *procedural is NULL where the part has no such projection. */
cls_status cls_procedural_create(const cls_part_plan *plan, cls_procedural **procedural);
void cls_procedural_destroy(cls_procedural *procedural); /* NULL is fine */
/* Adds the sources that may have a synapse. */
cls_status cls_procedural_mark(const cls_procedural *procedural, cls_sources *marked);
/* Weights are those of step `step` from now on. */
cls_status cls_procedural_change(cls_procedural *procedural, int64_t step);
/* Slots are those of `sources`, which must live as long. Lowers min_delay[slot] of all slots it may have synapses from,
 * and raises *max_delay. */
void cls_procedural_begin(cls_procedural *procedural, const cls_sources *sources, uint32_t *min_delay,
                          uint32_t *max_delay);

/* A projection onto a range, and what its rows are drawn from. */
typedef struct {
  uint64_t first, n; /* neurons of the source population: global number of the first, how many */
  uint32_t channel;  /* of its synapses */
  uint32_t shift;    /* added to a target's number in its population: its index in the shard (modulo 2^32) */
  uint32_t least_delay, greatest_delay; /* bounds, in steps */
  double expected;       /* synapses of a source neuron, in all neurons of the cells that the range touches */
  cls_row_shape shape;   /* the table is borrowed */
  cls_row_values values; /* until the next cls_procedural_change() */
} cls_procedural_piece;
/* How many there are (0 for NULL), and one of them: ascending by `first`. */
uint32_t cls_procedural_pieces(const cls_procedural *procedural);
cls_status cls_procedural_describe(const cls_procedural *procedural, uint32_t piece,
                                   cls_procedural_piece *described);

size_t cls_procedural_bytes(const cls_procedural *procedural);
uint64_t cls_procedural_synapses(const cls_procedural *procedural);

#endif
