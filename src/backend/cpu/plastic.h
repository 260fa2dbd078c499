/* Plastic synapses of a part for one member, brought up to date when they are needed: a weight is touched when an event of
 * its synapse is due, and then takes in the postsynaptic spikes since the event before. No index from targets to synapses
 * is held. Where spikes have become many, or weights are asked for, what is pending is folded in: the same operations in the
 * same order, so the same bits. plastic_reference.h says what is to come out. */
#ifndef CALLOSUM_PLASTIC_H
#define CALLOSUM_PLASTIC_H

#include "backend/cpu/plastic_run.h"
#include "backend/cpu/sums.h"
#include "engine/plastic_store.h"

/* A spike on its way along its row: its next run. */
typedef struct {
  uint64_t run;
  int64_t fired;
  uint32_t slot;
} cls_plastic_cursor;

typedef struct {
  cls_plastic_cursor *at;
  size_t n, capacity;
} cls_plastic_cursors;

typedef struct {
  const cls_plastic_store *store;
  uint32_t first; /* first local index of the part */
  int32_t *v;     /* [n_stdp] weights, in units of 2^-30 of the greatest */
  cls_spike_history pre,
      post; /* by slot: traces, then u and x of every kind of short-term plasticity; by neuron: traces */
  uint32_t mask;
  cls_plastic_cursors *due; /* [step & mask] */
  cls_run_batch *batch;
  int64_t folded; /* weights have taken in what reached them before this step */
} cls_plastic;

/* `store` may be NULL: then nothing is ever done. */
cls_status cls_plastic_create(cls_plastic *plastic, const cls_network *network, const cls_layout *layout,
                              uint32_t part, const cls_plastic_store *store);
void cls_plastic_destroy(cls_plastic *plastic);
size_t cls_plastic_bytes(const cls_plastic *plastic);
/* Takes spikes that are handed over before step `now`. */
cls_status cls_plastic_take(cls_plastic *plastic, int64_t now, const cls_arrival *arrivals, size_t n);
/* Adds the events due in `step` to sums[channel], and changes their weights. Adds their number to *events. */
cls_status cls_plastic_deliver(cls_plastic *plastic, cls_port_sum *sums, int64_t step, uint64_t *events);
/* The part's neurons that spiked in `step`: local indices. */
cls_status cls_plastic_fired(cls_plastic *plastic, int64_t step, const uint32_t *neuron, size_t n);
/* Brings all weights up to `now`, the step to be computed next. */
cls_status cls_plastic_fold(cls_plastic *plastic, int64_t now);
/* See cls_backend.recall and remember. */
void cls_plastic_recall(const cls_plastic *plastic, int64_t since, int64_t *pre_step, float *pre_value,
                        int64_t *post_step, float *post_value);
cls_status cls_plastic_remember(cls_plastic *plastic, const cls_plastic_memory *memory);

#endif
