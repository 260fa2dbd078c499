/* Synapses by source neuron: a row is what one source neuron has on a range of target neurons. For the rules whose
 * synapses are drawn over cells of source neurons: fixed_total_number, pairwise_bernoulli, fixed_outdegree.
 *
 * The synapses of source neuron i are divided among target cells (counts: divide.c, cells.c); synapse k of them in
 * target cell c is counted by (i, c, k):
 *  - repetition allowed: a uniform neuron of the cell;
 *  - distinct: Floyd's sample of the cell (Bentley & Floyd 1987, Commun. ACM 30, 754-757): one word per synapse,
 *    whatever the share of the cell.
 * Where the probability falls with distance, candidates are drawn with the greatest probability that the boxes around
 * the two cells allow, and each is accepted by one more word: thinning, after which every pair is connected with its
 * own probability and independently of the others. */
#ifndef CALLOSUM_NETWORK_ROWS_H
#define CALLOSUM_NETWORK_ROWS_H

#include "network/network.h"
#include "network/row.h"

static inline bool cls_rule_has_rows(cls_rule rule) {
  return rule == CLS_FIXED_TOTAL_NUMBER || rule == CLS_PAIRWISE_BERNOULLI || rule == CLS_FIXED_OUTDEGREE;
}

/* Rows of one projection onto neurons [first, first + n) of its target population. */
typedef struct cls_source_rows_ cls_source_rows;
/* What drawing works in; one may serve any number of rows, one at a time. */
typedef struct cls_drawing_ cls_drawing;

/* Synapses of one or several rows, sources ascending. Numbers of neurons are those in their populations; weights and
 * delays as in cls_synapse, 0 where they were not asked for. */
typedef struct {
  int n;
  const uint32_t *source, *target;
  const uint16_t *weight, *delay;
} cls_row_batch;
typedef cls_status (*cls_row_sink)(void *context, const cls_row_batch *batch);

/* Local. The projection is copied, with the factor of its source; the network must outlive the rows. Takes 4 bytes
 * for each pair of a target cell of the range and a source cell, and while rows are drawn positions of the target
 * cells where distances count. */
cls_status cls_source_rows_create(const cls_network *network, const cls_projection *projection,
                                  uint64_t first, uint64_t n, cls_source_rows **rows);
void cls_source_rows_destroy(cls_source_rows *rows); /* NULL is fine */
cls_status cls_drawing_create(cls_drawing **drawing);
void cls_drawing_destroy(cls_drawing *drawing);

/* Counts the rows of the neurons of a source cell: those that are drawn until the next call. */
cls_status cls_source_rows_load(cls_source_rows *rows, uint32_t source_cell);
/* [CLS_CELL] How many synapses the neurons of the loaded cell have in the target cells that the range touches: none
 * where it is 0, else the row has at most so many. */
const uint32_t *cls_source_rows_length(const cls_source_rows *rows);
/* Draws the rows of neurons [from, to) of the loaded cell. `what`: see cls_projection_draw(). */
cls_status cls_source_rows_draw(cls_source_rows *rows, cls_drawing *drawing, uint32_t from, uint32_t to,
                                int what, cls_row_sink sink, void *context);

/* ---- single rows, for projections whose synapses are not stored ---- */

/* Whether the rule and distances let a projection do without stored synapses: CLS_ERR_INPUT says why not. */
cls_status cls_projection_check_procedural(const cls_projection *projection);
/* Bytes of the tables below, over all ranks. */
double cls_projection_table_bytes(const cls_network *network, const cls_projection *projection);
/* Makes single rows cheap, once and for all: a table of counts, 4 bytes for 256 synapses or more, or for a pair of
 * cells. */
cls_status cls_source_rows_tabulate(cls_source_rows *rows);
/* The row of source neuron `source`: that of cls_source_rows_draw(). */
cls_status cls_source_rows_draw_one(cls_source_rows *rows, cls_drawing *drawing, uint32_t source, int what,
                                    cls_row_sink sink, void *context);
/* What such a row is drawn from, for drawing it in pieces (network/row.h): where its synapses may be, with the table
 * borrowed from the rows, and their values. The former stays as it is, the latter until the next cls_source_rows_scale().
 * Not where distances count. */
cls_status cls_source_rows_describe(cls_source_rows *rows, cls_row_shape *shape, cls_row_values *values);
/* May a neuron of the source cell have a synapse here? */
bool cls_source_rows_reach(const cls_source_rows *rows, uint32_t source_cell);
/* How many synapses there are, without drawing them: summed over ranges that make up the target population it is exact.
 * Not where distances count. */
uint64_t cls_source_rows_synapses(const cls_source_rows *rows);
/* Bounds of their delays, in steps. */
void cls_source_rows_delays(const cls_source_rows *rows, uint32_t *least, uint32_t *greatest);
/* Sets the factor of the weights of the rows drawn from now on. */
void cls_source_rows_scale(cls_source_rows *rows, double factor);
size_t cls_source_rows_bytes(const cls_source_rows *rows);

#endif
