/* Private to the stores: the procedural projections of a part. */
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
size_t cls_procedural_bytes(const cls_procedural *procedural);
uint64_t cls_procedural_synapses(const cls_procedural *procedural);

#endif
