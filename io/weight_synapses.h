/* The synapses whose weights an element of record.weights records: which, and the columns of the file that are theirs. */
#ifndef CALLOSUM_WEIGHT_SYNAPSES_H
#define CALLOSUM_WEIGHT_SYNAPSES_H

#include "io/column_shares.h"
#include "io/record.h"

/* A sample is drawn by what a synapse is, so it is the same on any layout, and recordings of one seed whose samples are
 * smaller hold some of what larger ones do. */
typedef struct {
  const cls_record *record; /* borrowed, as the weights */
  const cls_weights *weights;
  cls_plastic_synapse *list; /* this rank's, by (projection, target, source, delay, weight drawn) */
  size_t n;
  uint64_t *first;   /* [projections + 1] columns of each, of all ranks */
  cls_shares shares; /* how columns get to who writes them */
} cls_weight_synapses;

/* Local. Finds the synapses of this rank. */
cls_status cls_weight_synapses_find(const cls_record *record, const cls_weights *weights,
                                    cls_weight_synapses *synapses);
/* Collective. Gives all of them columns, in the order of `list`. CLS_ERR_INPUT where there are none. */
cls_status cls_weight_synapses_place(cls_weight_synapses *synapses);
void cls_weight_synapses_destroy(cls_weight_synapses *synapses); /* also one that is {0} */
/* What all weights are in; NULL: not all in the same. */
const char *cls_weight_synapses_unit(const cls_weight_synapses *synapses);
/* Rank 0: the skeleton of what stands still about them (see weight_file.h). Then, collective, its contents. */
cls_status cls_weight_synapses_build(const cls_weight_synapses *synapses, hid_t file);
cls_status cls_weight_synapses_write(const cls_weight_synapses *synapses, hid_t file);

#endif
