/* Private to the building of stores: the synapses of one part, from the two sides they can be drawn from.
 *
 * By target: rules that draw for each target neuron (fixed_indegree, one_to_one, all_to_all, explicit). They are drawn
 * twice, to count and to fill, because that takes less than keeping them would.
 * By source: the rules of network/rows.h. All synapses of a source come together, are drawn once, sorted while they
 * are in the cache and written one row after the other. */
#ifndef CALLOSUM_STORE_PARTS_H
#define CALLOSUM_STORE_PARTS_H

#include "engine/store_rows.h"

/* Projections by target population (CSR). */
typedef struct {
  uint32_t *first, *projection;
} cls_by_target;

cls_status cls_by_target_create(const cls_network *network, cls_by_target *index);
void cls_by_target_free(cls_by_target *index);

/* A part, and what is known of it before its synapses are laid down. */
typedef struct {
  const cls_network *network;
  const cls_layout *layout;
  const cls_by_target *index;
  uint32_t part;
  int64_t step;               /* when: weights may change on the way */
  const cls_sources *sources; /* once they are known */
  /* By target: */
  uint32_t *count;     /* [slots] synapses; NULL where no projection of the part is drawn so */
  cls_row_table table; /* where rows are made by counting; cell NULL: by sorting */
  /* By source: (projection, range) in order of source populations. */
  struct cls_row_item_ *items;
  uint32_t n_items;
  uint32_t *min_delay; /* [slots], out; UINT32_MAX: no synapse */
} cls_part_plan;

void cls_part_plan_free(cls_part_plan *plan);

/* Which way static synapses are drawn that are kept. Plastic ones: engine/plastic_store.h. */
static inline bool cls_drawn_by_target(const cls_projection *projection) {
  return !cls_rule_has_rows(projection->rule) && !projection->plasticity;
}
static inline bool cls_drawn_by_source(const cls_projection *projection) {
  return cls_rule_has_rows(projection->rule) && !projection->plasticity && !projection->procedural;
}

/* Calls `visit` for every (projection, range) of a part: the projection as it is at plan->step, its channel, and what
 * is added to a target's index in its population to give its index in the shard (modulo 2^32). */
typedef struct {
  uint32_t projection, range; /* numbers in the network and the layout */
  uint32_t channel, shift;
} cls_part_piece;
typedef cls_status (*cls_piece_visitor)(void *context, const cls_part_piece *piece);
cls_status cls_part_pieces(const cls_part_plan *plan, cls_piece_visitor visit, void *context);
/* How many synapses a source neuron of a projection (the least supplied one) expects onto a range. */
double cls_piece_expected(const cls_network *network, const cls_layout *layout, const cls_part_piece *piece);

/* ---- by target ---- */

/* Adds the sources that occur, or may: those without a synapse are removed when all is built. Those of plastic synapses,
 * too, whichever way they are drawn. */
cls_status cls_targets_mark(const cls_part_plan *plan, cls_sources *marked);
/* Fills plan->count and ->table. */
cls_status cls_targets_count(cls_part_plan *plan);
/* Lays rows down by counting; plan->table is used up. */
cls_status cls_targets_put(cls_part_plan *plan, cls_store *store);
/* Records of every row: *record (allocated here) holds those of slot s from first[s] on. */
cls_status cls_targets_records(const cls_part_plan *plan, const uint64_t *first, uint64_t **record);

/* ---- by source ---- */

/* Finds plan->items. */
cls_status cls_items_find(cls_part_plan *plan);
cls_status cls_items_mark(const cls_part_plan *plan, cls_sources *marked);
/* Draws plan->items and lays rows down, together with the records of plan->count synapses drawn by target (NULL:
 * none). */
cls_status cls_items_build(cls_part_plan *plan, const uint64_t *first, const uint64_t *record,
                           cls_store *store);

/* Where a source neuron expects this many synapses it is taken to have one without drawing (it lacks one with a
 * probability below e^-30). */
#define CLS_SURELY 30

#endif
